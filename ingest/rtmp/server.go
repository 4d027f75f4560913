package rtmp

import (
	"crypto/tls"
	"log/slog"
	"sync"
	"time"

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

	mu      sync.Mutex
	lastLog map[string]time.Time // throttle: one line per stream and kind
}

// New makes a server; its ports serve. Doors may change at any time.
func New(cfg Config, doors *ingest.DoorTable) *Server { return newServer(cfg, doors, openFeed) }

func newServer(cfg Config, doors *ingest.DoorTable, open opener) *Server {
	return &Server{cfg: cfg, doors: doors, open: open, metrics: newMetrics(), lastLog: map[string]time.Time{}}
}

// Port makes a port. What is published there is of that rank: 0 primary, 1 secondary. With a configuration of TLS it is
// RTMPS.
func (s *Server) Port(source int, secure *tls.Config) *Port {
	return &Port{s: s, source: source, secure: secure, conns: map[*conn]struct{}{}, partings: make(chan struct{}, maxPartings)}
}

// mayLog throttles a kind of line to one in ten seconds.
func (s *Server) mayLog(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Sub(s.lastLog[key]) < 10*time.Second {
		return false
	}
	if len(s.lastLog) > 4096 {
		clear(s.lastLog)
	}
	s.lastLog[key] = now
	return true
}
