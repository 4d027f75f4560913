package origin

import (
	"errors"
	"net"
	"net/netip"
	"sync"
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
	server    *Server
	paced     bool // see paced
	closed    chan struct{}
	closeOnce sync.Once

	mu      sync.Mutex
	booked  int // connections, whoever carries them
	perPeer map[netip.Addr]int
	open    map[*conn]struct{} // those that have a goroutine
}

func newListener(ln net.Listener, s *Server) *listener {
	return &listener{
		Listener: ln, server: s, paced: paced(ln),
		closed:  make(chan struct{}),
		perPeer: make(map[netip.Addr]int),
		open:    make(map[*conn]struct{}),
	}
}

// accept takes the next connection and books it. Refused ones are answered and closed here; errors that pass (no
// descriptors, a peer that gave up) are waited out.
func (l *listener) accept() (net.Conn, netip.Addr, error) {
	var pause time.Duration
	for {
		nc, err := l.Accept()
		if err != nil {
			if !passes(err) {
				return nil, netip.Addr{}, err
			}
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			l.server.config.Logger.Warn("origin: accept", "error", err, "pause", pause)
			select {
			case <-time.After(pause):
				continue
			case <-l.closed:
				return nil, netip.Addr{}, net.ErrClosed
			}
		}
		pause = 0
		peer := peerOf(nc)
		if l.book(peer) {
			return nc, peer, nil
		}
		l.server.metrics.refused.Add(1)
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

// book enters a connection, and reports false when it is one too many.
func (l *listener) book(peer netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	most, mostOfPeer := l.server.config.MaxConns, l.server.config.MaxConnsPerIP // 0: no cap
	if most > 0 && l.booked >= most || mostOfPeer > 0 && l.perPeer[peer] >= mostOfPeer {
		return false
	}
	l.booked++
	l.perPeer[peer]++
	return true
}

// unbook takes a closed connection off the books.
func (l *listener) unbook(peer netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.strike(peer)
}

func (l *listener) strike(peer netip.Addr) {
	l.booked--
	if l.perPeer[peer]--; l.perPeer[peer] == 0 {
		delete(l.perPeer, peer)
	}
}

// wrap makes a conn of a connection that is booked, and has begun with what was read of it already.
func (l *listener) wrap(nc net.Conn, peer netip.Addr, read []byte) *conn {
	c := &conn{Conn: nc, server: l.server, listener: l, peer: peer}
	c.ahead.of(nc)
	c.ahead.given = read
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[c] = struct{}{}
	return c
}

// forget takes a closed conn off the books; a second call does nothing.
func (l *listener) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.open[c]; ok {
		delete(l.open, c)
		l.strike(c.peer)
	}
}

// conns is the number of open connections.
func (l *listener) conns() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.booked
}

// cut closes the conns that are such.
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
