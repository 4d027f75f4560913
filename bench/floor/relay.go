//go:build linux

package floor

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"weir/bench/epoll"
)

// A relay copies what is posted to a path to all who GET that path, chunk by chunk, on one thread. The header of the
// stream goes first to those who come later; chunks before their time are not sent again.
type relay struct {
	loop     *epoll.Loop
	listener int
	keep     time.Duration // how long what has come is kept in memory; 0: not at all
	feeds    map[string]*feed
}

// A feed is one path.
type feed struct {
	header  []byte // ftyp and moov
	viewers []*peer
}

// Relay serves on an address until ctx ends, and returns nil then. With keep, it also holds on to what came in the last
// so long, as an origin has to, and pays for the memory.
func Relay(ctx context.Context, address string, keep time.Duration) error {
	loop, err := epoll.New()
	if err != nil {
		return err
	}
	r := &relay{loop: loop, keep: keep, feeds: map[string]*feed{}}
	if r.listener, err = listen(address); err != nil {
		return fmt.Errorf("relay %s: %w", address, err)
	}
	defer unix.Close(r.listener)
	if err := loop.Add(r.listener, epoll.In, r); err != nil {
		return err
	}
	return loop.Run(ctx)
}

func listen(address string) (int, error) {
	tcp, err := net.ResolveTCPAddr("tcp4", address)
	if err != nil {
		return 0, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	sa := &unix.SockaddrInet4{Port: tcp.Port}
	copy(sa.Addr[:], tcp.IP.To4())
	if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err == nil {
		if err = unix.Bind(fd, sa); err == nil {
			err = unix.Listen(fd, 4096)
		}
	}
	if err != nil {
		_ = unix.Close(fd)
	}
	return fd, err
}

// Ready accepts.
func (r *relay) Ready(uint32) {
	for {
		fd, _, err := unix.Accept4(r.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return // none waits, or no descriptor is left: the next event tries again
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		if r.loop.Add(fd, epoll.In, &peer{relay: r, fd: fd}) != nil {
			_ = unix.Close(fd)
		}
	}
}

// A peer is a connection: one that posts, one that views, or one that has not said yet.
type peer struct {
	relay *relay
	fd    int
	head  []byte // of the request, while it comes
	post  *post
	feed  *feed  // of a viewer
	late  []byte // what the viewer's socket had no room for
}

// maxLate is how far a viewer may fall behind before it is cut.
const maxLate = 16 << 20

// Ready reads what has come, or writes what is late.
func (p *peer) Ready(events uint32) {
	switch {
	case p.post != nil:
		p.post.read(p)
	case p.feed == nil:
		p.request()
	case events&epoll.Out != 0:
		p.catchUp()
	default: // a viewer has nothing more to say: it has gone
		p.close()
	}
}

// request reads the request's header.
func (p *peer) request() {
	var b [4096]byte
	n, err := unix.Read(p.fd, b[:])
	if err == unix.EAGAIN {
		return
	}
	if n <= 0 || len(p.head) > len(b) {
		p.close()
		return
	}
	p.head = append(p.head, b[:n]...)
	end := bytes.Index(p.head, []byte("\r\n\r\n"))
	if end < 0 {
		return
	}
	method, rest, _ := strings.Cut(string(p.head[:end]), " ")
	path, _, _ := strings.Cut(rest, " ")
	f := p.relay.feeds[path]
	if f == nil {
		f = new(feed)
		p.relay.feeds[path] = f
	}
	switch method {
	case "POST", "PUT":
		p.post = newPost(f, p.relay.keep)
		p.post.take(p, p.head[end+4:])
	case "GET":
		p.feed = f
		f.viewers = append(f.viewers, p)
		p.write([]byte("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nTransfer-Encoding: chunked\r\n\r\n"))
		if len(f.header) > 0 {
			p.write(fmt.Appendf(nil, "%x\r\n%s\r\n", len(f.header), f.header))
		}
	default:
		p.close()
	}
	p.head = nil
}

// write sends bytes behind what is late.
func (p *peer) write(b []byte) {
	n := 0
	if len(p.late) == 0 {
		n, _ = unix.Write(p.fd, b)
	}
	p.keepLate(b[max(n, 0):])
}

// keepLate copies bytes that the socket has no room for.
func (p *peer) keepLate(b ...[]byte) {
	was := len(p.late)
	for _, s := range b {
		p.late = append(p.late, s...)
	}
	if was == 0 && len(p.late) > 0 {
		_ = p.relay.loop.Modify(p.fd, epoll.In|epoll.Out)
	}
}

func (p *peer) catchUp() {
	n, err := unix.Write(p.fd, p.late)
	if err != nil && err != unix.EAGAIN || len(p.late) > maxLate {
		p.close()
		return
	}
	if p.late = p.late[max(n, 0):]; len(p.late) == 0 {
		p.late = nil
		_ = p.relay.loop.Modify(p.fd, epoll.In)
	}
}

func (p *peer) close() {
	if p.feed != nil {
		for i, v := range p.feed.viewers {
			if v == p {
				p.feed.viewers = append(p.feed.viewers[:i], p.feed.viewers[i+1:]...)
				break
			}
		}
	}
	p.relay.loop.Remove(p.fd)
	_ = unix.Close(p.fd)
}
