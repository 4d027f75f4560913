package origin

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Lanes. What comes over plain TCP on Linux, which is all that a CDN or a player behind a proxy sends, has no goroutine and no
// library: its connections are sockets of a few lanes. A lane is an epoll instance; its goroutine takes the events as they
// come, reads each socket's request into a buffer that all of them share, and answers at once: one read and one writev a
// request. What waits for something to come is in a crowd (crowd_linux.go), and answered by the goroutine that the crowd
// has. What is not plain goes to the library (plain.go, socket.handOver).
//
// Everything of a lane is under its lock. Whoever has much to do (many events, a crowd that is released) lets go of it after
// each batch. What runs under it does not block: sockets are non-blocking, and an answer is found without waiting, but
// for a manifest or a variant that somebody else is just making.
//
// A lane's epoll instance is itself watched by Go's poller, so that no thread is kept in epoll_wait.

const (
	eventsAtOnce = 256
	busy         = 4  // so many events at once are many
	batch        = 64 // events or answers under the lock without letting go of it
)

// lanes are a server's lanes, as many as there are processors when the first connection comes.
type lanes struct {
	server *Server
	mu     sync.Mutex
	all    []*lane
	next   int  // whose turn it is
	over   bool // none will be made any more
}

// take takes a connection of a listener over, which has booked it. It reports false for what is not for lanes.
func (ls *lanes) take(from *listener, nc net.Conn, peer netip.Addr) bool {
	tc, ok := nc.(*net.TCPConn)
	if !ok {
		return false
	}
	l := ls.pick()
	if l == nil {
		return false
	}
	fd, err := descriptorOf(tc)
	if err != nil {
		return false
	}
	if !l.add(from, fd, peer) {
		_ = unix.Close(fd)
		return false
	}
	_ = tc.Close()
	return true
}

// pick is the lane whose turn it is; nil where there is none to be had.
func (ls *lanes) pick() *lane {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.all == nil && !ls.over {
		for range runtime.GOMAXPROCS(0) {
			l, err := newLane(ls.server)
			if err != nil {
				ls.server.config.Logger.Warn("origin: no lanes: each connection takes a goroutine", "error", err)
				ls.over = true
				break
			}
			ls.all = append(ls.all, l)
		}
	}
	if len(ls.all) == 0 {
		return nil
	}
	ls.next = (ls.next + 1) % len(ls.all)
	return ls.all[ls.next]
}

// cut closes the sockets that are idle, or all.
func (ls *lanes) cut(all bool) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, l := range ls.all {
		l.cut(all)
	}
}

// close ends the lanes, and cuts what they have left.
func (ls *lanes) close() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, l := range ls.all {
		l.close()
	}
	ls.all, ls.over = nil, true
}

// descriptorOf is a descriptor of the connection's own, which outlives it.
func descriptorOf(tc *net.TCPConn) (int, error) {
	raw, err := tc.SyscallConn()
	if err != nil {
		return 0, err
	}
	fd, dupErr := 0, error(nil)
	if err := raw.Control(func(of uintptr) { fd, dupErr = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return 0, err
	}
	return fd, dupErr
}

// A lane carries connections. See above.
type lane struct {
	server  *Server
	began   time.Time
	fd      int // the epoll instance: valid until over
	epoll   *os.File
	events  [eventsAtOnce]unix.EpollEvent // the loop's
	mu      sync.Mutex
	over    bool
	now     time.Duration // since began, when the lock was last taken for a batch
	places  []place
	free    []int32 // places without a socket
	open    int     // sockets
	wheel   wheel
	ticking bool // the wheel is driven
	crowds  map[<-chan struct{}]*crowd

	// Scratch of whoever has the lock.
	buffer []byte // what was read: at most one request's bytes
	plain  plain
	head   head
	spare  *errand
	vector [][]byte
	sheaf  sheaf
	pipe   *pipe // nil: bodies are copied
}

// A place is where events find their socket: one with another turn is gone.
type place struct {
	socket *socket
	turn   int32
}

func newLane(s *Server) (*lane, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // so that os.NewFile has Go's poller watch it
		_ = unix.Close(fd)
		return nil, fmt.Errorf("epoll: %w", err)
	}
	l := &lane{
		server: s, began: time.Now(), fd: fd, epoll: os.NewFile(uintptr(fd), "epoll"),
		crowds: make(map[<-chan struct{}]*crowd), buffer: make([]byte, s.config.HeaderBytes),
	}
	raw, err := l.epoll.SyscallConn()
	if err != nil {
		_ = l.epoll.Close()
		return nil, fmt.Errorf("epoll: %w", err)
	}
	if l.pipe, err = newPipe(); err != nil {
		s.config.Logger.Warn("origin: bodies are copied", "error", err)
	}
	go func() { _ = raw.Read(l.poll) }() // until close
	return l, nil
}

// poll handles what there is, and reports false when there is nothing left: it is called again when there is. It does not leave
// events that were there before it looked, for nobody tells of them again. Where there is much to do, there is more soon: it looks
// again before it has Go's poller wait, which costs another system call, but not for long: the poller has others to wake.
func (l *lane) poll(fd uintptr) (done bool) {
	for handled := 0; ; {
		n := epollReady(int(fd), l.events[:])
		l.handle(l.events[:n])
		switch handled += n; {
		case n == len(l.events):
			runtime.Gosched()
		case n < busy || handled >= len(l.events):
			return false
		}
	}
}

// handle handles events.
func (l *lane) handle(events []unix.EpollEvent) {
	l.lock()
	defer l.mu.Unlock()
	for i := range events {
		l.breathe(i)
		e := &events[i]
		if p := l.places[e.Fd]; p.socket != nil && p.turn == e.Pad {
			l.turn(p.socket, e.Events)
		}
	}
}

// turn has a socket do what events allow. A panic is the end of that socket alone.
func (l *lane) turn(s *socket, events uint32) {
	defer l.catch(s)
	l.ready(s, events)
}

// catch ends a socket whose handling panicked: deferred.
func (l *lane) catch(s *socket) {
	if p := recover(); p != nil {
		x := &exchange{}
		if s.errand != nil {
			x = &s.errand.exchange
		}
		l.server.panicked(x, p)
		l.drop(s)
	}
}

// lock takes the lock for a batch.
func (l *lane) lock() {
	l.mu.Lock()
	l.now = time.Since(l.began)
}

// breathe lets others have the lock after each batch; i counts what has been done.
func (l *lane) breathe(i int) {
	if i%batch == batch-1 {
		l.mu.Unlock()
		l.lock()
	}
}

// add takes a socket, or reports that it cannot.
func (l *lane) add(from *listener, fd int, peer netip.Addr) bool {
	l.lock()
	defer l.mu.Unlock()
	if l.over {
		return false
	}
	s := &socket{listener: from, fd: fd, peer: peer, trusted: trusts(l.server.config.TrustedProxies, peer)}
	l.seat(s)
	if err := l.watch(s, unix.EPOLL_CTL_ADD); err != nil {
		l.unseat(s)
		return false
	}
	if !l.ticking {
		l.ticking = true
		l.wheel.at = ticksAt(l.now)
		time.AfterFunc(wheelTick, l.tick)
	}
	l.due(s, l.server.config.ReadTimeout)
	return true
}

// watch has a socket's events come; done again, those that are there come again.
func (l *lane) watch(s *socket, op int) error {
	return unix.EpollCtl(l.fd, op, s.fd, &unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | epollEdge, Fd: s.place, Pad: l.places[s.place].turn,
	})
}

// seat gives a socket a place.
func (l *lane) seat(s *socket) {
	if n := len(l.free); n > 0 {
		s.place, l.free = l.free[n-1], l.free[:n-1]
	} else {
		s.place, l.places = int32(len(l.places)), append(l.places, place{})
	}
	l.places[s.place].socket = s
	l.open++
}

// unseat takes its place from a socket: events that are under way do not find it any more.
func (l *lane) unseat(s *socket) {
	l.places[s.place].socket = nil
	l.places[s.place].turn++
	l.free = append(l.free, s.place)
	l.open--
}

// due gives a socket so long.
func (l *lane) due(s *socket, d time.Duration) { l.wheel.set(s, ticksAt(l.now+d)) }

// tick drives the wheel, for as long as there are sockets.
func (l *lane) tick() {
	l.lock()
	defer l.mu.Unlock()
	now := int64(l.now / wheelTick)
	for i := 0; ; i++ {
		l.breathe(i)
		s := l.wheel.next(now)
		if s == nil {
			break
		}
		l.late(s)
	}
	if l.ticking = l.open > 0; l.ticking {
		time.AfterFunc(wheelTick, l.tick)
	}
}

// late handles a socket that is due. A panic is the end of that socket alone.
func (l *lane) late(s *socket) {
	defer l.catch(s)
	l.expire(s)
}

// cut closes the sockets that are idle, or all.
func (l *lane) cut(all bool) {
	l.lock()
	defer l.mu.Unlock()
	for i := range l.places {
		if s := l.places[i].socket; s != nil && (all || s.state == idle) {
			l.drop(s)
		}
	}
}

// close ends the lane.
func (l *lane) close() {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	l.cut(true)
	l.mu.Lock()
	l.closePipe()
	l.mu.Unlock()
	_ = l.epoll.Close()
}

// closePipe has bodies copied from now on.
func (l *lane) closePipe() {
	if l.pipe != nil {
		l.pipe.close()
		l.pipe = nil
	}
}
