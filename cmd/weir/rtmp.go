package main

import (
	"crypto/tls"
	"log/slog"
	"net"

	"weir/ingest/rtmp"
)

// An rtmpPort is a port of the RTMP server with its listener.
type rtmpPort struct {
	*rtmp.Port
	key      string
	listener net.Listener
}

// rtmpAddresses are the ports of RTMP that the configuration asks for, by key: rank, address, and whether they speak TLS.
func (c *Config) rtmpAddresses() []rtmpAddress {
	var list []rtmpAddress
	for _, a := range []rtmpAddress{
		{"rtmp.listen", c.RTMP.Listen, 0, false},
		{"rtmp.listenSecondary", c.RTMP.ListenSecondary, 1, false},
		{"rtmp.tls.listen", c.RTMP.TLS.Listen, 0, true},
		{"rtmp.tls.listenSecondary", c.RTMP.TLS.ListenSecondary, 1, true},
	} {
		if a.address != "" {
			list = append(list, a)
		}
	}
	return list
}

type rtmpAddress struct {
	key, address string
	source       int
	secure       bool
}

// listenRTMP takes the ports of RTMP.
func (n *node) listenRTMP(log *slog.Logger) error {
	for _, a := range n.config.rtmpAddresses() {
		ln, err := listen(log, a.key, a.address)
		if err != nil {
			return err
		}
		n.rtmpPorts = append(n.rtmpPorts, rtmpPort{key: a.key, listener: ln})
	}
	return nil
}

// openRTMP makes the ports of the server.
func (n *node) openRTMP(server *rtmp.Server) error {
	n.rtmp = server
	var secure *tls.Config
	for i, a := range n.config.rtmpAddresses() {
		if !a.secure {
			n.rtmpPorts[i].Port = server.Port(a.source, nil)
			continue
		}
		if secure == nil {
			cert, err := n.config.certificate(n.log)
			if err != nil {
				return err
			}
			secure = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
		}
		n.rtmpPorts[i].Port = server.Port(a.source, secure)
	}
	return nil
}
