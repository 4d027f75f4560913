package origin

import (
	"bytes"
	"errors"
	"net"
	"runtime/debug"

	"github.com/valyala/fasthttp"
)

// framed looks at a request's header before its body is read, and tells whether there is one. Where a body ends is what
// senders, proxies and servers may see differently: a request that announces one is the last of its connection.
func framed(h *fasthttp.RequestHeader) bool {
	const chunked = -1 // of ContentLength
	n := h.ContentLength()
	if n <= 0 && n != chunked {
		return false
	}
	h.SetConnectionClose()
	return true
}

// ask finds the connection's answer, and reports whether it is one that waits.
func (s *Server) ask(ctx *fasthttp.RequestCtx, c *conn) (waits bool) {
	defer s.catch(&c.exchange)
	if len(ctx.Request.Body()) > 0 {
		c.answer.fail(faultBody, 0)
		return false
	}
	s.Answer(&c.request, &c.answer)
	return c.answer.wait != nil
}

// expect answers those who ask before they send a body.
func (s *Server) expect(ctx *fasthttp.RequestCtx) {
	c := connOf(ctx)
	s.read(ctx, c)
	c.answer.fail(faultBody, 0)
	s.write(ctx, c)
}

// handleError answers what the library could not make a request of; the connection is closed afterwards.
func (s *Server) handleError(ctx *fasthttp.RequestCtx, err error) {
	c := connOf(ctx)
	line := c.line
	c.begin(s.config.Now())
	c.line = false
	c.request.Client, c.log = c.peer, logLine{}
	fault := faultRequest
	var small *fasthttp.ErrSmallBuffer
	var netErr net.Error
	switch {
	case errors.As(err, &small) && line:
		fault = faultHeaders
	case errors.As(err, &small):
		fault = faultTooLong
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		fault = faultBody
	case errors.As(err, &netErr) && netErr.Timeout():
		fault = faultTimeout
	}
	c.answer.fail(fault, 0)
	s.write(ctx, c)
}

// connOf is the wrapped connection: trips have no other.
func connOf(ctx *fasthttp.RequestCtx) *conn {
	c, ok := ctx.Conn().(*conn)
	if !ok {
		panic("origin: a connection that its listener did not wrap")
	}
	return c
}

// catch makes a panic a 500: one request must not end the process.
func (s *Server) catch(x *exchange) {
	if p := recover(); p != nil {
		s.panicked(x, p)
		x.answer.fail(faultInternal, 0)
	}
}

func (s *Server) panicked(x *exchange, p any) {
	s.metrics.panics.Add(1)
	s.config.Logger.Error("origin: panic", "path", loggedPath(x.request.Path), "panic", p, "stack", string(debug.Stack()))
}

// read fills the connection's Request in. Its slices live until the handler returns, which is longer than Answer.
func (s *Server) read(ctx *fasthttp.RequestCtx, c *conn) {
	h := &ctx.Request.Header
	c.begin(s.config.Now())
	c.line = false
	r := &c.request
	r.Path = pathOf(h.RequestURI())
	r.Query = queryOf(h.RequestURI())
	r.IfMatch = h.Peek(fasthttp.HeaderIfMatch)
	r.IfNoneMatch = h.Peek(fasthttp.HeaderIfNoneMatch)
	r.Range = h.Peek(fasthttp.HeaderRange)
	if len(r.Range) > 0 {
		r.IfRange = h.Peek(fasthttp.HeaderIfRange)
	}
	r.AcceptEncoding = h.Peek(fasthttp.HeaderAcceptEncoding)
	switch method := h.Method(); string(method) {
	case "GET":
		r.Method = MethodGet
	case "HEAD":
		r.Method = MethodHead
	case "OPTIONS":
		r.Method = MethodOptions
	default:
		r.Method = MethodOther
	}
	r.Client = c.peer
	if trusts(s.config.TrustedProxies, c.peer) {
		r.Client = clientOf(c.peer, s.config.TrustedProxies, h.PeekAll(fasthttp.HeaderXForwardedFor))
	}
	c.old = !h.IsHTTP11()
	if s.config.AccessLog {
		c.log.note(h.Method(), r.Path, h.UserAgent())
	}
}

// queryOf is the query of a request target; empty where there is none.
func queryOf(requestTarget []byte) []byte {
	_, q, _ := bytes.Cut(requestTarget, []byte("?"))
	return q
}

// pathOf is the path of a request target: the query is cut off, and the scheme and host of the absolute form.
func pathOf(requestTarget []byte) []byte {
	p, _, _ := bytes.Cut(requestTarget, []byte("?"))
	if len(p) > 0 && p[0] == '/' {
		return p
	}
	if _, rest, ok := bytes.Cut(p, []byte("://")); ok {
		if slash := bytes.IndexByte(rest, '/'); slash >= 0 {
			return rest[slash:]
		}
		return []byte("/")
	}
	return p
}
