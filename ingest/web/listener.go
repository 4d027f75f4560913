package web

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"weir/ingest"
)

// A listener hands out connections within the caps of the gate. One that is too many is answered
// and closed at once. It survives what a shortage of descriptors does to Accept. Safe for concurrent use.
type listener struct {
	net.Listener
	s         *Server
	closed    chan struct{}
	closeOnce sync.Once
	partings  chan struct{} // refusals that are being said at the same time, at most

	open atomic.Int64
}

func newListener(ln net.Listener, s *Server) *listener {
	return &listener{Listener: ln, s: s, closed: make(chan struct{}), partings: make(chan struct{}, 64)}
}

// A peerConn is one encoder's connection: it knows its address, leaves the books when it is closed, and has a rate.
type peerConn struct {
	net.Conn
	peer netip.Addr
	rate ingest.Bucket // of the goroutine that reads
	ln   *listener
	once sync.Once
}

// rateOf is the rate of a connection that the listener handed out.
func rateOf(nc net.Conn) *ingest.Bucket {
	if c, ok := nc.(*peerConn); ok {
		return &c.rate
	}
	return new(ingest.Bucket)
}

// Close closes the connection and takes it off the books.
func (c *peerConn) Close() error {
	c.once.Do(func() {
		c.ln.open.Add(-1)
		c.ln.s.gate.Leave(c.peer)
	})
	return c.Conn.Close()
}

// Accept returns the next connection within the caps. Errors that pass (no descriptors, a peer that gave up) are waited
// out, for fasthttp takes any error as the end.
func (l *listener) Accept() (net.Conn, error) {
	var pause time.Duration
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			if !ingest.Passes(err) {
				return nil, err
			}
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			l.s.cfg.Log.Warn("encoder listener: accept", "err", err, "pause", pause.String())
			select {
			case <-time.After(pause):
				continue
			case <-l.closed:
				return nil, net.ErrClosed
			}
		}
		pause = 0
		c := &peerConn{Conn: ingest.Socket(nc), peer: ingest.PeerOf(nc), rate: ingest.Bucket{Rate: l.s.cfg.Limits.ConnectionRate}, ln: l}
		bound := l.s.gate.Enter(c.peer)
		if bound == "" {
			l.open.Add(1)
			return c, nil
		}
		l.s.metrics.refused.WithLabelValues(bound).Inc()
		if l.s.logs.May("refused/" + bound) {
			l.s.cfg.Log.Warn("encoder connection refused: one too many", "bound", "ingest.limits."+bound, "remote", nc.RemoteAddr().String())
		}
		l.part(nc, bound)
	}
}

var refusals = map[string][]byte{
	ingest.BoundAll:     refusal(http503, 1, "too many connections: ingest.limits.connections\n"),
	ingest.BoundAddress: refusal(http429, 10, "too many connections of this address: ingest.limits.addressConnections\n"),
}

const (
	http429 = "429 Too Many Requests"
	http503 = "503 Service Unavailable"
)

func refusal(status string, retry int, text string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 %s\r\nConnection: close\r\nRetry-After: %d\r\nContent-Type: text/plain; charset=utf-8\r\n"+
		"Content-Length: %d\r\n\r\n%s", status, retry, len(text), text)
}

// part says the refusal and closes. A connection that is closed with bytes unread is reset, and its refusal may be lost:
// a few at a time are given a moment to say what they will; beyond these the close is at once.
func (l *listener) part(nc net.Conn, bound string) {
	_ = nc.SetDeadline(time.Now().Add(250 * time.Millisecond))
	_, _ = nc.Write(refusals[bound]) // an empty socket buffer takes it at once
	select {
	case l.partings <- struct{}{}:
		go func() {
			defer func() { <-l.partings }()
			if tcp, ok := nc.(*net.TCPConn); ok {
				_ = tcp.CloseWrite()
			}
			_, _ = io.Copy(io.Discard, io.LimitReader(nc, 64<<10))
			_ = nc.Close()
		}()
	default:
		_ = nc.Close()
	}
}

// Close stops accepting; open connections go on.
func (l *listener) Close() error {
	l.closeOnce.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
