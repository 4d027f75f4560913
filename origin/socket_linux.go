package origin

import (
	"bytes"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// A socket is a connection that a lane carries. One that is idle is this and no more; what else it needs from a request's first
// byte to its answer's last is an errand.
type socket struct {
	listener *listener
	errand   *errand // nil: there is nothing under way
	peer     netip.Addr
	fd       int
	place    int32
	state    socketState
	trusted  bool // the peer is a proxy whose X-Forwarded-For is believed
	unread   bool // there may be bytes to read
	ended    bool // the peer sends no more

	due, tick     int64 // see wheel
	before, after *socket
}

// A socketState says what a socket waits for.
type socketState uint8

const (
	idle      socketState = iota // a request
	reading                      // the rest of one
	held                         // what is asked for
	following                    // more of a segment that grows
	sending                      // room for the rest of an answer
	gone
)

// ready does what events allow.
//
// Who sends no more while its request is held has gone: players close like that, and nginx takes it so, too. An answer that
// has begun is sent to its end.
func (l *lane) ready(s *socket, events uint32) {
	if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		l.drop(s)
		return
	}
	if events&unix.EPOLLRDHUP != 0 {
		s.ended = true
		if s.state == held {
			l.drop(s)
			return
		}
	}
	if events&(unix.EPOLLIN|unix.EPOLLRDHUP) != 0 {
		s.unread = true
	}
	if s.state == sending && events&unix.EPOLLOUT != 0 {
		l.send(s)
		l.goOn(s)
	} else {
		l.read(s)
	}
}

// goOn takes up what came behind a request that has been answered, if it has.
func (l *lane) goOn(s *socket) {
	if s.state != idle {
		return
	}
	if e := s.errand; e != nil {
		n := copy(l.buffer, e.rest)
		e.rest = e.rest[:0]
		l.serve(s, l.buffer[:n])
	}
	l.read(s)
}

// read reads what there is and serves it. What comes without end has a turn of its own for each buffer.
func (l *lane) read(s *socket) {
	if !s.unread || s.state != idle && s.state != reading {
		return
	}
	n := 0
	if s.errand != nil {
		n = copy(l.buffer, s.errand.rest)
	}
	m, err := readNow(s.fd, l.buffer[n:])
	switch {
	case err == unix.EAGAIN:
		s.unread = false
		return
	case err != nil, m == 0 && n == 0:
		l.drop(s)
		return
	case m == 0: // the end of what is no request
		l.handOver(s, l.buffer[:n])
		return
	}
	s.unread = s.ended || n+m == len(l.buffer)
	l.serve(s, l.buffer[:n+m])
	if s.unread && (s.state == idle || s.state == reading) {
		_ = l.watch(s, unix.EPOLL_CTL_MOD) // it cannot fail on what is watched
	}
}

// serve answers the requests in b, which is the lane's buffer, one after the other, up to one whose answer takes time. What is
// behind that one, or is only the beginning of one, is kept.
func (l *lane) serve(s *socket, b []byte) {
	for len(b) > 0 {
		n := l.plain.parse(b)
		if n < 0 || n == 0 && len(b) == len(l.buffer) {
			l.handOver(s, b)
			return
		}
		e := l.errandOf(s)
		if n == 0 {
			e.rest = append(e.rest[:0], b...)
			if s.state != reading {
				s.state = reading
				l.due(s, l.server.config.ReadTimeout)
			}
			return
		}
		b = b[n:]
		l.answer(s, e)
		if s.state == gone {
			return
		}
		if s.state != idle {
			e.rest = append(e.rest[:0], b...)
			return
		}
	}
	l.giveBack(s)
	l.due(s, l.server.config.IdleTimeout)
}

// expire ends what has taken too long.
func (l *lane) expire(s *socket) {
	switch s.state {
	case idle:
		if unsent(s.fd) > 0 { // it was answered, and does not read
			reset(s.fd)
		}
		l.drop(s)
	case reading:
		e := s.errand
		e.begin(l.server.config.Now())
		e.request.Client, e.log, e.last = s.peer, logLine{}, true
		e.answer.fail(faultTimeout, 0)
		l.reply(s, e)
	case held:
		s.errand.request.over = true
		l.release(s, nil)
	case following:
		l.breakOff(s, errStalled)
	case sending:
		l.breakOff(s, os.ErrDeadlineExceeded)
	case gone:
	}
}

// drop closes a socket, and ends what it has under way.
func (l *lane) drop(s *socket) {
	if s.state == gone {
		return
	}
	l.leave(s)
	s.state = gone
	_ = unix.Close(s.fd)
	l.forget(s)
	s.listener.unbook(s.peer)
}

// forget lets go of a socket that is not the lane's any more.
func (l *lane) forget(s *socket) {
	l.unseat(s)
	l.wheel.remove(s)
	if s.errand != nil {
		l.server.finish(&s.errand.exchange)
		l.giveBack(s)
	}
}

// handOver has the library go on with a connection, for good: read is what came of a request that is not plain, and what is
// behind it. The caller returns at once.
func (l *lane) handOver(s *socket, read []byte) {
	server, from, peer := l.server, s.listener, s.peer
	_ = unix.EpollCtl(l.fd, unix.EPOLL_CTL_DEL, s.fd, nil) // the description lives on
	s.state = gone
	l.forget(s)
	f := os.NewFile(uintptr(s.fd), "")
	nc, err := net.FileConn(f)
	_ = f.Close()
	if err != nil { // no descriptors
		from.unbook(peer)
		return
	}
	go server.serveConn(from.wrap(nc, peer, bytes.Clone(read)))
}
