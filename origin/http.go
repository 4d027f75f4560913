package origin

import (
	"bytes"
	"errors"
	"net"
	"runtime/debug"
	"strconv"

	"github.com/valyala/fasthttp"
)

// Header fields, in the spelling that SetCanonical wants.
var (
	fieldCacheControl    = []byte("Cache-Control")
	fieldETag            = []byte("Etag")
	fieldVary            = []byte("Vary")
	fieldEncoding        = []byte("Content-Encoding")
	fieldAcceptRanges    = []byte("Accept-Ranges")
	fieldContentRange    = []byte("Content-Range")
	fieldContentType     = []byte("Content-Type")
	fieldError           = []byte("X-Ms-Error-Code")
	fieldAllow           = []byte("Allow")
	fieldAllowOrigin     = []byte("Access-Control-Allow-Origin")
	fieldAllowMethods    = []byte("Access-Control-Allow-Methods")
	fieldAllowHeaders    = []byte("Access-Control-Allow-Headers")
	fieldExposeHeaders   = []byte("Access-Control-Expose-Headers")
	fieldPreflightMaxAge = []byte("Access-Control-Max-Age")
	fieldTiming          = []byte("Timing-Allow-Origin")

	valueAny           = []byte("*")
	valueGzip          = []byte("gzip")
	valueEncoding      = []byte("Accept-Encoding")
	valueMethods       = []byte("GET, HEAD, OPTIONS")
	valueAllowHeaders  = []byte("Range, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status, If-None-Match")
	valueExposeHeaders = []byte("Age, Content-Length, Content-Range, Date, ETag, CMSD-Static, CMSD-Dynamic, Server-Timing, X-Ms-Error-Code")
	valueDay           = []byte("86400")
)

// handle is the whole of a request on HTTP/1.1: read it into a Request, ask Answer, write the Answer.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	c := connOf(ctx)
	defer s.catch(ctx, c)
	s.read(ctx, c)
	s.Answer(&c.request, &c.answer)
	s.write(ctx, c)
}

// handleError answers what the library could not make a request of; it closes the connection afterwards.
func (s *Server) handleError(ctx *fasthttp.RequestCtx, err error) {
	c := connOf(ctx)
	line := c.line
	c.begin(s.config.Now())
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

// connOf is the wrapped connection: Run serves no other.
func connOf(ctx *fasthttp.RequestCtx) *conn {
	c, ok := ctx.Conn().(*conn)
	if !ok {
		panic("origin: a connection that its listener did not wrap")
	}
	return c
}

// catch turns a panic into a 500: one request must not end the process.
func (s *Server) catch(ctx *fasthttp.RequestCtx, c *conn) {
	p := recover()
	if p == nil {
		return
	}
	s.metrics.panics.Add(1)
	s.config.Logger.Error("origin: panic", "path", loggedPath(c.request.Path), "panic", p, "stack", string(debug.Stack()))
	c.running = false // one report for the request, of what is sent now
	ctx.Response.Reset()
	c.running = true
	c.answer.fail(faultInternal, 0)
	s.write(ctx, c)
}

// read fills the connection's Request in. Its slices live until the handler returns, which is longer than Answer.
func (s *Server) read(ctx *fasthttp.RequestCtx, c *conn) {
	h := &ctx.Request.Header
	c.begin(s.config.Now())
	r := &c.request
	r.Path = pathOf(h.RequestURI())
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
	if s.config.AccessLog {
		c.log.note(h.Method(), r.Path, h.UserAgent())
	}
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

// write puts the connection's Answer into the response. The body is the connection itself (see conn), also where there
// is none to send: its Close is what ends the answer.
func (s *Server) write(ctx *fasthttp.RequestCtx, c *conn) {
	a, h := &c.answer, &ctx.Response.Header
	ctx.Response.SetStatusCode(a.Status)
	set := func(field []byte, value string) { // SetCanonical copies
		c.value = append(c.value[:0], value...)
		h.SetCanonical(field, c.value)
	}
	if a.ContentType != "" {
		set(fieldContentType, a.ContentType)
	}
	if a.CacheControl != "" {
		set(fieldCacheControl, a.CacheControl)
	}
	if a.ETag != "" {
		set(fieldETag, a.ETag)
	}
	if a.Vary {
		h.SetCanonical(fieldVary, valueEncoding)
	}
	if a.Gzip {
		h.SetCanonical(fieldEncoding, valueGzip)
	}
	if a.Ranges != "" {
		set(fieldAcceptRanges, a.Ranges)
	}
	if a.ContentRange {
		c.value = a.appendContentRange(c.value[:0])
		h.SetCanonical(fieldContentRange, c.value)
	}
	if a.Fault != nil {
		set(fieldError, a.Fault.header)
	}
	h.SetCanonical(fieldAllowOrigin, valueAny)
	h.SetCanonical(fieldTiming, valueAny)
	h.SetCanonical(fieldExposeHeaders, valueExposeHeaders)
	switch a.Status {
	case 204:
		h.SetCanonical(fieldAllowMethods, valueMethods)
		h.SetCanonical(fieldAllowHeaders, valueAllowHeaders)
		h.SetCanonical(fieldPreflightMaxAge, valueDay)
		h.SetCanonical(fieldAllow, valueMethods)
	case 405:
		h.SetCanonical(fieldAllow, valueMethods)
	}
	ctx.Response.SetBodyStream(body{c}, int(a.Len()))
}

// appendContentRange appends the Content-Range field of a 206 or 416.
//
// Source: RFC 9110, 14.4.
func (a *Answer) appendContentRange(b []byte) []byte {
	b = append(b, "bytes "...)
	if a.Range.n == 0 {
		b = append(b, '*')
	} else {
		b = strconv.AppendInt(b, a.Range.off, 10)
		b = append(b, '-')
		b = strconv.AppendInt(b, a.Range.off+a.Range.n-1, 10)
	}
	b = append(b, '/')
	return strconv.AppendInt(b, a.Size, 10)
}
