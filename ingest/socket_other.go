//go:build !linux

package ingest

import "net"

// Socket is the connection as it is.
func Socket(nc net.Conn) net.Conn { return nc }
