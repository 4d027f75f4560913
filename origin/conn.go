package origin

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// A conn is one puller's connection, wrapped for two reasons.
//
// Writes: fasthttp writes an answer's header into a bufio.Writer and then asks the body (conn is that too, by WriteTo)
// to write itself. WriteTo leaves the body's slices with the connection and flushes, so that Write meets header and body
// together and hands both to the kernel in one writev: no byte of a body is copied in user space, and an answer of up to
// pieceBytes costs one system call. (SetBodyRaw copies what fits behind the header and needs a second call for the
// rest.) The slices and the Answer they come from are held until Close, which fasthttp calls when the answer has been
// written or has failed; until then the slab stays mapped.
//
// Deadlines: each write, and each piece of a long one, gets a deadline of its own, a grace and the time that its bytes
// take at the least accepted rate, so that a reader that stops is cut soon however long its answer is, and a fast one
// pays next to nothing.
//
// One goroutine at a time uses a conn; only Close may come from another (the listener's shutdown).
type conn struct {
	net.Conn
	exchange
	server   *Server
	listener *listener
	peer     netip.Addr

	header   libraryHeader
	identity bool        // a growing body goes to a client of HTTP/1.0
	capture  bool        // Write keeps what it is given in head; set within takeHeader only
	drop     int         // so many bytes of what Write is given next were sent already
	head     []byte      // header of an answer whose body grows, until it is sent
	size     []byte      // size line of the chunk that is sent
	timer    *time.Timer // of what waits; nil until something did

	ahead    ahead       // see ahead.go
	idle     atomic.Bool // it waits for a request
	timed    bool        // the request that is read has its deadline
	line     bool        // a line of the next request has come
	withBody bool        // Write sends the answer's body behind what it is given; set within WriteTo only
	vector   [][]byte    // backing of the next writev, kept between answers
	buffers  net.Buffers // the running writev, here so that it does not escape to the heap
}

// pieceBytes is how much of a body goes out under one deadline, in one system call: a segment of 1 MB to many readers costs half
// the processor time that it costs in pieces of a quarter that size. A reader that stops has the time of one piece, which
// is more than the time of a whole answer by default; readers that pin too much memory are cut before either.
const pieceBytes = 1 << 20

// Read gives out what was read ahead, then reads. It notes whether the request line was whole: what is too long then tells
// 414 and 431 apart.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.ahead.take(p), error(nil)
	if n == 0 {
		if n, err = 0, c.timeRequest(); err == nil {
			n, err = c.Conn.Read(p)
		}
	}
	if !c.line {
		c.line = bytes.IndexByte(p[:n], '\n') >= 0
	}
	return n, err
}

// await waits for the first bytes of a request.
func (c *conn) await(patience time.Duration) error {
	c.idle.Store(true)
	defer c.idle.Store(false)
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	return c.ahead.wait(c.Conn)
}

// timeRequest gives the request that is read its one deadline, where it did not come in one piece.
func (c *conn) timeRequest() error {
	if c.timed {
		return nil
	}
	c.timed = true
	return c.SetReadDeadline(time.Now().Add(c.server.config.ReadTimeout))
}

// isIdle tells whether the connection waits for a request. Anybody.
func (c *conn) isIdle() bool { return c.idle.Load() }

// SupportsBodyWriteTo tells fasthttp to call WriteTo rather than Read.
func (c *conn) SupportsBodyWriteTo() bool { return true }

// WriteTo writes the body of the running answer to w, fasthttp's writer, in which the header stands. A body that fits
// behind the header joins it there; a larger one goes out with it in one writev.
func (c *conn) WriteTo(w io.Writer) (int64, error) {
	if c.answer.growing.track != nil {
		return c.follow(w)
	}
	bw, ok := w.(*bufio.Writer)
	if !ok || int64(bw.Available()) >= c.answer.Len() && c.arrived == 0 {
		n, err := c.answer.writeTo(w)
		c.sent += n
		return n, err
	}
	c.withBody = true
	var err error
	if bw.Buffered() == 0 { // a header that filled the buffer to the brim is gone already
		_, err = c.Write(nil)
	} else {
		err = bw.Flush()
	}
	c.withBody = false
	return c.sent, c.server.countCut(&c.exchange, err)
}

// Write sends p, and behind it the body if WriteTo says so.
func (c *conn) Write(p []byte) (int, error) {
	if c.capture {
		c.head = append(c.head, p...)
		return len(p), nil
	}
	if c.drop > 0 {
		return c.writeRest(p)
	}
	if !c.withBody {
		if err := c.extendDeadline(int64(len(p))); err != nil {
			return 0, err
		}
		return c.Conn.Write(p)
	}
	head := int64(len(p)) // bytes of p still to send: with the first piece
	for size := c.answer.Len(); head > 0 || c.sent < size; {
		n := min(size-c.sent, pieceBytes)
		if err := c.extendDeadline(head + n); err != nil {
			return 0, err
		}
		c.vector = c.answer.appendSlices(append(c.vector[:0], p[:head]), c.sent, n)
		c.buffers = c.vector
		written, err := c.buffers.WriteTo(c.Conn)
		clear(c.vector)
		c.sent += max(0, written-head)
		if err != nil {
			return int(min(written, head)), err
		}
		if head > 0 && c.arrived != 0 {
			c.server.metrics.latency.first[c.answer.Kind].observe(since(c.arrived))
		}
		head = 0
	}
	if c.arrived != 0 {
		c.server.metrics.latency.last[c.answer.Kind].observe(since(c.arrived))
	}
	return len(p), nil
}

// writeRest writes what has not been sent already.
func (c *conn) writeRest(p []byte) (int, error) {
	n := min(c.drop, len(p))
	c.drop -= n
	if n == len(p) {
		return n, nil
	}
	m, err := c.Write(p[n:])
	return n + m, err
}

// extendDeadline gives the next size bytes their time.
func (c *conn) extendDeadline(size int64) error {
	moved, err := c.server.extend(&c.exchange, size)
	if err != nil || !moved {
		return err
	}
	return c.SetWriteDeadline(c.deadline)
}

var errReadNotUsed = errors.New("origin: a body is written, not read")

// body adapts conn to the two methods of a body stream whose names net.Conn has taken: it is the same connection, seen
// as the body of its running answer.
type body struct{ *conn }

// Read is never called: see SupportsBodyWriteTo.
func (body) Read([]byte) (int, error) { return 0, errReadNotUsed }

// Close ends the running answer: it is reported, and its bytes are let go.
func (b body) Close() error {
	b.server.finish(&b.exchange)
	return nil
}

// Close closes the connection and takes it off the listener's books.
func (c *conn) Close() error {
	c.listener.forget(c)
	return c.Conn.Close()
}
