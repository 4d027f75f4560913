package origin

import (
	"bufio"
	"errors"
	"io"

	"github.com/valyala/fasthttp"
)

// The life of a connection that no lane carries. HTTP/1.1 is read and written by fasthttp; the loop around it is weir's own, because the
// library's keeps a buffer, a request and a response, 12 KB in all, for each connection that waits, and most that an origin
// has do nothing else: they are idle, or held until the next part is there. (Its ReduceMemoryUsage keeps the request all
// the same, and costs a system call and an allocation for each.) Here they have a goroutine and the conn alone. A trip is
// taken when a request begins to come, given back when it is to wait, and taken again for its answer.

// A trip is what the library needs for one request and its answer.
type trip struct {
	ctx    fasthttp.RequestCtx
	reader *bufio.Reader
	writer *bufio.Writer
}

// newTrip makes a trip for requests whose lines and fields have so many bytes at most.
func newTrip(headerBytes int) *trip {
	x := &trip{reader: bufio.NewReaderSize(nil, headerBytes), writer: bufio.NewWriter(nil)}
	x.reset()
	return x
}

// trip takes a trip for a connection.
func (s *Server) trip(c *conn) *trip {
	x := s.trips.Get().(*trip)
	x.ctx.Init2(c, nil, false)
	x.reader.Reset(c)
	x.writer.Reset(c)
	return x
}

// giveBack gives a trip back.
func (s *Server) giveBack(x *trip) {
	x.reset()
	x.reader.Reset(nil)
	x.writer.Reset(nil)
	s.trips.Put(x)
}

// reset makes a trip ready for the next request.
func (x *trip) reset() {
	x.ctx.Request.Reset()
	x.ctx.Response.Reset()
	x.ctx.Response.Header.SetNoDefaultContentType(true)
}

// serveConn answers the requests of a connection, one after the other, and closes it.
func (s *Server) serveConn(c *conn) {
	defer func() {
		if p := recover(); p != nil { // while an answer was written: too late for another
			s.panicked(&c.exchange, p)
			s.finish(&c.exchange)
		}
		_ = c.Close()
		c.ahead.drop()
	}()
	patience := s.config.ReadTimeout
	for {
		if s.stopping() || c.ahead.empty() && c.await(patience) != nil {
			return
		}
		x, last := s.serveRequest(c, s.trip(c))
		for !last && x.reader.Buffered() > 0 { // what came together is answered one after the other
			x.reset()
			x, last = s.serveRequest(c, x)
		}
		s.giveBack(x)
		if last {
			return
		}
		patience = s.config.IdleTimeout
	}
}

// serveRequest answers one request, and reports whether it was the connection's last. It gives the trip back while the
// request waits, and returns the one that it has afterwards.
func (s *Server) serveRequest(c *conn, x *trip) (_ *trip, last bool) {
	c.timed = false
	if err := x.receive(); err != nil {
		var nothing fasthttp.ErrNothingRead
		if err == io.EOF || errors.As(err, &nothing) {
			return x, true
		}
		s.handleError(&x.ctx, err)
		_ = x.send(true)
		return x, true
	}
	if x.ctx.Request.MayContinue() {
		s.expect(&x.ctx)
		_ = x.send(true)
		return x, true
	}
	s.read(&x.ctx, c)
	last = x.ctx.Request.Header.ConnectionClose()
	if s.ask(&x.ctx, c) {
		if x.reader.Buffered() == 0 {
			c.keep()
			s.giveBack(x)
			s.hold(c)
			x = s.trip(c)
		} else {
			s.hold(c)
		}
	}
	s.write(&x.ctx, c)
	last = last || x.ctx.Response.ConnectionClose() || s.stopping()
	if c.old && !last {
		x.ctx.Response.Header.SetCanonical(fieldConnection, valueKeepAlive)
	}
	return x, x.send(last) != nil || last
}

// receive reads a request; the body of one that announces any is refused.
func (x *trip) receive() error {
	h := &x.ctx.Request.Header
	if err := h.Read(x.reader); err != nil {
		return err
	}
	if !framed(h) || x.ctx.Request.MayContinue() {
		return nil
	}
	return x.ctx.Request.ContinueReadBody(x.reader, 1, false) // the library reads 0 as no bound
}

// send writes the answer.
func (x *trip) send(last bool) error {
	if last {
		x.ctx.Response.Header.SetConnectionClose()
	}
	if err := x.ctx.Response.Write(x.writer); err != nil {
		return err
	}
	return x.writer.Flush()
}
