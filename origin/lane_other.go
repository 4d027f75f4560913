//go:build !linux

package origin

import (
	"net"
	"net/netip"
)

// lanes are Linux's: elsewhere each connection has a goroutine.
type lanes struct{ server *Server }

func (*lanes) take(*listener, net.Conn, netip.Addr) bool { return false }

func (*lanes) cut(bool) {}

func (*lanes) close() {}
