//go:build linux

package play

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"weir/bench/epoll"
)

// A conn is one HTTP/1.1 connection of a swarm, with one request at a time. It connects when it is first asked, and again after
// it broke. Used by the loop's goroutine.
type conn struct {
	swarm *swarm
	user  user
	fd    int // -1: not connected

	asked   int64  // when the running request was written, in nanoseconds since 1970
	unsent  []byte // of the request: all of it while connecting
	busy    bool
	reading reading
}

// A user is told what comes over a conn. It may ask again from ended and failed.
type user interface {
	status(code int, at int64) // the header has come
	data(b []byte, at int64)   // a piece of the body; b is valid until data returns
	ended(at int64)            // the answer is whole
	failed(err error)          // the connection broke, in whatever state; it is closed
}

// Read asks for a path.
func (c *conn) ask(path string) {
	s := c.swarm
	s.request = append(append(append(s.request[:0], "GET "...), path...), s.rest...)
	c.busy = true
	c.reading = reading{head: c.reading.head[:0]}
	if c.fd < 0 {
		if err := c.connect(); err != nil {
			s.loop.After(0, func() { c.fail(err) }) // not from within ask: its caller may not be done
			return
		}
	}
	c.asked = s.now()
	c.write(s.request)
}

// connect begins to connect. What is written meanwhile waits in unsent.
func (c *conn) connect() error {
	s := c.swarm
	fd, err := unix.Socket(s.family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	if local := s.local(); local != nil {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		if err := unix.Bind(fd, local); err != nil {
			_ = unix.Close(fd)
			return fmt.Errorf("bind: %w", err)
		}
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	err = unix.Connect(fd, s.address)
	if err != nil && err != unix.EINPROGRESS {
		_ = unix.Close(fd)
		return fmt.Errorf("connect: %w", err)
	}
	c.fd, c.unsent = fd, c.unsent[:0]
	events := uint32(epoll.In)
	if err != nil {
		events = epoll.Out // until it is connected
	}
	if err := s.loop.Add(fd, events, c); err != nil {
		return err
	}
	if events == epoll.Out {
		c.unsent = append(c.unsent, s.request...)
	}
	return nil
}

// write sends a request, or keeps what cannot be sent yet.
func (c *conn) write(b []byte) {
	if len(c.unsent) > 0 {
		return // connecting: it is kept already
	}
	n, err := unix.Write(c.fd, b)
	if err != nil && err != unix.EAGAIN {
		c.swarm.loop.After(0, func() { c.fail(err) })
		return
	}
	if n = max(n, 0); n < len(b) {
		c.unsent = append(c.unsent, b[n:]...)
		_ = c.swarm.loop.Modify(c.fd, epoll.In|epoll.Out)
	}
}

// Ready is epoll's.
func (c *conn) Ready(events uint32) {
	if len(c.unsent) > 0 {
		if e, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR); err != nil || e != 0 {
			c.fail(fmt.Errorf("connect: %w", unix.Errno(e)))
			return
		}
		if events&epoll.Out != 0 {
			b := c.unsent
			c.unsent = nil
			c.asked = c.swarm.now()
			if c.write(b); len(c.unsent) == 0 {
				_ = c.swarm.loop.Modify(c.fd, epoll.In)
			}
		}
		return
	}
	n, err := unix.Read(c.fd, c.swarm.buffer)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
	case err != nil:
		c.fail(err)
	case n == 0 && c.busy && c.reading.mode == toClose:
		c.close()
		c.end(c.swarm.now())
	case n == 0:
		c.fail(errClosed)
	default:
		c.swarm.bytes += int64(n)
		c.take(c.swarm.buffer[:n], c.swarm.now())
	}
}

var errClosed = errors.New("closed by the other side")

func (c *conn) close() {
	if c.fd >= 0 {
		c.swarm.loop.Remove(c.fd)
		_ = unix.Close(c.fd)
		c.fd, c.unsent = -1, nil
	}
}

// fail closes the connection; its user hears of it if it waited for something.
func (c *conn) fail(err error) {
	c.close()
	if c.busy {
		c.busy = false
		c.swarm.fault(err.Error())
		c.user.failed(err)
	}
}

func (c *conn) end(at int64) {
	c.busy = false
	if c.reading.last {
		c.close()
	}
	c.user.ended(at)
}

// take reads an answer that comes in pieces.
func (c *conn) take(b []byte, at int64) {
	r := &c.reading
	for len(b) > 0 {
		if !c.busy {
			c.fail(errors.New("an answer that nobody asked for"))
			return
		}
		switch r.mode {
		case header:
			whole, rest, err := r.collect(b, "\r\n\r\n")
			if b = rest; whole == nil && err == nil {
				return
			}
			if err == nil {
				err = r.begin(whole)
			}
			if err != nil {
				c.fail(err)
				return
			}
			r.head = r.head[:0]
			if r.code >= 200 {
				c.user.status(r.code, at)
			}
			if r.mode == counted && r.left == 0 {
				c.end(at)
			}
		case counted, piece:
			n := int(min(int64(len(b)), r.left))
			r.left -= int64(n)
			c.user.data(b[:n], at)
			if b = b[n:]; r.left > 0 {
				break
			}
			if r.mode == piece {
				r.mode = pieceEnd
			} else {
				c.end(at)
			}
		case toClose:
			c.user.data(b, at)
			return
		default:
			line, rest, err := r.collect(b, "\n")
			if b = rest; line == nil && err == nil {
				return
			}
			if err == nil {
				err = r.line(line)
			}
			if r.head = r.head[:0]; err != nil {
				c.fail(err)
				return
			}
			if r.mode == whole {
				c.end(at)
			}
		}
	}
}

// atoi reads a number in some base; it is not negative.
func atoi(b []byte, base int) (int64, error) {
	n, err := strconv.ParseInt(string(b), base, 62)
	if err == nil && n < 0 {
		err = strconv.ErrRange
	}
	return n, err
}
