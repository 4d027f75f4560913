//go:build linux

package play

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"golang.org/x/sys/unix"

	"weir/bench/epoll"
)

// A swarm is the connections of one load to one server, on one loop.
type swarm struct {
	loop    *epoll.Loop
	family  int
	address unix.Sockaddr
	request []byte // scratch
	rest    string // of a request, behind the path
	buffer  []byte // what is read; shared, for one connection reads at a time
	dialled int    // connections so far: picks the local address
	conns   []*conn

	began  time.Time // pairs with nanos: the clock is the monotonic one, from one look at UTC
	nanos  int64
	bytes  int64          // read from all sockets
	faults map[string]int // connections that broke, and answers that are none
}

// newSwarm makes a swarm for the server of a URL.
func newSwarm(ctx context.Context, u *url.URL) (*swarm, error) {
	if u.Scheme != "http" {
		return nil, fmt.Errorf("%s: only http can be played by thousands", u.Redacted())
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return nil, err
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return nil, err
	}
	loop, err := epoll.New()
	if err != nil {
		return nil, err
	}
	s := &swarm{loop: loop, buffer: make([]byte, 256<<10), faults: map[string]int{}, began: time.Now()}
	s.nanos = s.began.UnixNano()
	s.rest = " HTTP/1.1\r\nHost: " + u.Host + "\r\nUser-Agent: weir-bench\r\n\r\n"
	if a := addresses[0].Unmap(); a.Is4() {
		s.family, s.address = unix.AF_INET, &unix.SockaddrInet4{Port: number, Addr: a.As4()}
	} else {
		s.family, s.address = unix.AF_INET6, &unix.SockaddrInet6{Port: number, Addr: a.As16()}
	}
	return s, nil
}

// now is the time in nanoseconds since 1970.
func (s *swarm) now() int64 { return s.nanos + int64(time.Since(s.began)) }

// portsEach is how many connections share a local address: there are 28,000 ports to one as a rule.
const portsEach = 10_000

// local is the address to connect from: 127.0.0.2, .3, … for a server on the loopback interface, else any.
func (s *swarm) local() unix.Sockaddr {
	s.dialled++
	to, ok := s.address.(*unix.SockaddrInet4)
	if !ok || to.Addr[0] != 127 || s.dialled <= portsEach {
		return nil
	}
	return &unix.SockaddrInet4{Addr: [4]byte{127, 0, byte(s.dialled / portsEach / 250), byte(2 + s.dialled/portsEach%250)}}
}

func (s *swarm) conn(u user) *conn {
	c := &conn{swarm: s, user: u, fd: -1}
	s.conns = append(s.conns, c)
	return c
}

// close closes all connections, once the loop has ended.
func (s *swarm) close() {
	for _, c := range s.conns {
		if c.fd >= 0 {
			_ = unix.Close(c.fd)
		}
	}
}

// fault notes that something went wrong.
func (s *swarm) fault(what string) {
	if len(s.faults) < 100 || s.faults[what] > 0 {
		s.faults[what]++
	}
}

// raiseFiles lets the process open as many files as it may, and says so if that is too few.
func raiseFiles(need int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if uint64(need)+64 > limit.Max {
		return fmt.Errorf("%d connections need more open files than the %d that are allowed (ulimit -Hn): %w", need, limit.Max, errFiles)
	}
	return nil
}

var errFiles = errors.New("too few descriptors")
