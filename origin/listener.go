package origin

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// refusal is sent to a connection over a cap before it is closed.
var refusal = []byte("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n" +
	"Cache-Control: no-store\r\nRetry-After: 1\r\nAccess-Control-Allow-Origin: *\r\n\r\n")

// A listener hands out wrapped connections within the caps, and survives what a shortage of descriptors does to
// Accept. It is safe for concurrent use.
type listener struct {
	net.Listener
	logger        *slog.Logger
	maxConns      int // 0: no cap
	maxConnsPerIP int // 0: no cap
	readTimeout   time.Duration
	writeGrace    time.Duration
	minRate       int64 // bytes per second
	closed        chan struct{}
	closeOnce     sync.Once
	refused       func()      // counts a refused connection
	report        func(*conn) // takes a written answer
	latency       *latency
	answerTime    time.Duration
	crowded       func() bool // nil: never
	cuts          *[cutReasons]atomic.Uint64

	mu      sync.Mutex
	open    map[*conn]struct{}
	perPeer map[netip.Addr]int
}

func newListener(ln net.Listener, s *Server) *listener {
	return &listener{
		Listener: ln, logger: s.config.Logger,
		maxConns: s.config.MaxConns, maxConnsPerIP: s.config.MaxConnsPerIP,
		readTimeout: s.config.ReadTimeout, writeGrace: s.config.WriteGrace, minRate: int64(s.config.MinRate),
		closed:  make(chan struct{}),
		refused: func() { s.metrics.refused.Add(1) },
		report:  s.report,
		latency: &s.metrics.latency, answerTime: s.config.AnswerTime, crowded: s.config.Crowded, cuts: &s.metrics.cuts,
		open:    make(map[*conn]struct{}),
		perPeer: make(map[netip.Addr]int),
	}
}

// Accept returns the next connection. Refused ones are answered and closed here; errors that pass (no descriptors, a
// peer that gave up) are waited out, for fasthttp takes any error as the end.
func (l *listener) Accept() (net.Conn, error) {
	var pause time.Duration
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			if !passes(err) {
				return nil, err
			}
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			l.logger.Warn("origin: accept", "error", err, "pause", pause)
			select {
			case <-time.After(pause):
				continue
			case <-l.closed:
				return nil, net.ErrClosed
			}
		}
		pause = 0
		if c := l.admit(nc); c != nil {
			return c, nil
		}
		l.refused()
		if tc, ok := nc.(*net.TCPConn); ok { // over TLS it would take a handshake
			_ = tc.SetWriteDeadline(time.Now().Add(time.Second)) // an empty socket buffer takes it at once
			_, _ = tc.Write(refusal)
		}
		_ = nc.Close()
	}
}

// passes reports whether an error of Accept is a shortage or a peer's doing.
func passes(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// admit books a connection, or returns nil when it is one too many.
func (l *listener) admit(nc net.Conn) *conn {
	c := &conn{Conn: nc, listener: l, peer: peerOf(nc)}
	c.ahead.of(nc)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.maxConns > 0 && len(l.open) >= l.maxConns || l.maxConnsPerIP > 0 && l.perPeer[c.peer] >= l.maxConnsPerIP {
		return nil
	}
	l.open[c] = struct{}{}
	l.perPeer[c.peer]++
	return c
}

// forget takes a closed connection off the books; a second call does nothing.
func (l *listener) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.open[c]; !ok {
		return
	}
	delete(l.open, c)
	if l.perPeer[c.peer]--; l.perPeer[c.peer] == 0 {
		delete(l.perPeer, c.peer)
	}
}

// conns is the number of open connections.
func (l *listener) conns() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

// cut closes the connections that are such.
func (l *listener) cut(such func(*conn) bool) {
	l.mu.Lock()
	open := make([]*conn, 0, len(l.open))
	for c := range l.open {
		if such(c) {
			open = append(open, c)
		}
	}
	l.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
}

// Close stops accepting; open connections go on. Closing again does nothing.
func (l *listener) Close() (err error) {
	l.closeOnce.Do(func() {
		close(l.closed)
		err = l.Listener.Close()
	})
	return err
}

// peerOf is the address of the other end, unmapped; the zero address where there is none (a pipe).
func peerOf(nc net.Conn) netip.Addr {
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}
