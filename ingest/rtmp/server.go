package rtmp

import (
	"crypto/tls"
	"log/slog"

	"weir/ingest"
)

// Config is what the RTMP listeners are told. Limits are those of package ingest.
type Config struct {
	Limits ingest.Limits
	Gate   *ingest.Gate // shared with other listeners of encoders
	Log    *slog.Logger
}

// A Server is what the ports of RTMP share.
type Server struct {
	cfg     Config
	doors   *ingest.DoorTable
	open    opener
	metrics *metrics
	logs    ingest.Throttle // one line per stream and kind
}

// New makes a server; its ports serve. Doors may change at any time.
func New(cfg Config, doors *ingest.DoorTable) *Server { return newServer(cfg, doors, openFeed) }

func newServer(cfg Config, doors *ingest.DoorTable, open opener) *Server {
	return &Server{cfg: cfg, doors: doors, open: open, metrics: newMetrics()}
}

// Port makes a port. What is published there is of that rank: 0 primary, 1 secondary. With a configuration of TLS it is
// RTMPS.
func (s *Server) Port(source int, secure *tls.Config) *Port {
	return &Port{s: s, source: source, secure: secure, conns: map[*conn]struct{}{}, partings: make(chan struct{}, maxPartings)}
}
