package rtmp

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"weir/ingest"
)

// maxPartings is how many connections of a port may be given a moment to read why they end.
const maxPartings = 64

// A Port is one listener of the server: primary or secondary, plain or TLS.
type Port struct {
	s        *Server
	source   int
	secure   *tls.Config // nil: plain RTMP
	partings chan struct{}

	mu       sync.Mutex
	listener net.Listener
	conns    map[*conn]struct{}
	draining bool
	running  sync.WaitGroup
}

// Serve answers on ln until Shutdown; then it returns nil. Errors of Accept that pass (no descriptors, a peer that gave up)
// are waited out.
func (p *Port) Serve(ln net.Listener) error {
	p.mu.Lock()
	p.listener = ln
	p.mu.Unlock()
	var pause time.Duration
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil:
			pause = 0
			p.admit(nc)
		case p.drains():
			return nil
		case !ingest.Passes(err):
			return err
		default:
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			p.s.cfg.Log.Warn("RTMP listener: accept", "err", err, "pause", pause.String())
			time.Sleep(pause)
		}
	}
}

// admit starts a connection within the caps of the gate, on a goroutine that Shutdown waits for. One that is too many is
// closed: RTMP has no words before the handshake. So is one whose address has shown too many wrong tokens.
func (p *Port) admit(nc net.Conn) {
	s, peer := p.s, ingest.PeerOf(nc)
	if !s.cfg.Gate.Heard(peer, time.Now()) {
		s.metrics.refused.WithLabelValues(boundTokens).Inc()
		_ = nc.Close()
		return
	}
	if bound := s.cfg.Gate.Enter(peer); bound != "" {
		s.metrics.refused.WithLabelValues(bound).Inc()
		if s.logs.May("refused/" + bound) {
			s.cfg.Log.Warn("encoder connection refused: one too many", "bound", "ingest.limits."+bound, "remote", nc.RemoteAddr().String())
		}
		_ = nc.Close()
		return
	}
	c := newConn(p, nc, peer)
	p.mu.Lock()
	if p.draining {
		p.mu.Unlock()
		s.cfg.Gate.Leave(peer)
		_ = nc.Close()
		return
	}
	p.conns[c] = struct{}{}
	p.running.Add(1)
	p.mu.Unlock()
	s.metrics.connections.Inc()
	go func() {
		defer p.running.Done()
		defer func() {
			s.metrics.connections.Dec()
			s.cfg.Gate.Leave(peer)
			p.mu.Lock()
			delete(p.conns, c)
			p.mu.Unlock()
		}()
		c.run()
	}()
}

const boundTokens = "wrongTokens"

func (p *Port) drains() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.draining
}

// Shutdown stops accepting, tells every encoder to reconnect and waits for the connections to end; when ctx ends, it cuts
// those that are left and returns why ctx ended.
func (p *Port) Shutdown(ctx context.Context) error {
	p.mu.Lock()
	p.draining = true
	if p.listener != nil {
		_ = p.listener.Close()
	}
	for c := range p.conns {
		c.kick()
	}
	p.mu.Unlock()
	done := make(chan struct{})
	go func() { p.running.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	for c := range p.conns {
		_ = c.nc.Close()
	}
	p.mu.Unlock()
	<-done
	return context.Cause(ctx)
}
