package origin

import (
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
	fieldConnection      = []byte("Connection")
	fieldRetryAfter      = []byte("Retry-After")
	fieldPriority        = []byte("Priority")
	fieldAllowOrigin     = []byte("Access-Control-Allow-Origin")
	fieldAllowMethods    = []byte("Access-Control-Allow-Methods")
	fieldAllowHeaders    = []byte("Access-Control-Allow-Headers")
	fieldExposeHeaders   = []byte("Access-Control-Expose-Headers")
	fieldPreflightMaxAge = []byte("Access-Control-Max-Age")
	fieldTiming          = []byte("Timing-Allow-Origin")
	fieldStatic          = []byte("Cmsd-Static") // CTA-5006
	fieldTypeOptions     = []byte("X-Content-Type-Options")
	fieldResourcePolicy  = []byte("Cross-Origin-Resource-Policy")
	fieldContentPolicy   = []byte("Content-Security-Policy")
	fieldReferrerPolicy  = []byte("Referrer-Policy")

	valueAny           = []byte("*")
	valueGzip          = []byte("gzip")
	valueEncoding      = []byte("Accept-Encoding")
	valueMethods       = []byte("GET, HEAD, OPTIONS")
	valueAllowHeaders  = []byte("Range, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status, If-None-Match")
	valueExposeHeaders = []byte("Age, Content-Length, Content-Range, Date, ETag, CMSD-Static, CMSD-Dynamic, Server-Timing, X-Ms-Error-Code")
	valueDay           = []byte("86400")
	valueSecond        = []byte("1")
	valueKeepAlive     = []byte("keep-alive")
	valueUrgent        = []byte("u=1")
	valueSound         = []byte("u=2")
	valuePictures      = []byte("u=3, i")
	valueTrick         = []byte("u=6")
	valueNoSniff       = []byte("nosniff")
	valueCrossOrigin   = []byte("cross-origin")
	valueSameOrigin    = []byte("same-origin")
	valueFramePolicy   = []byte("frame-ancestors 'self'") // the page says the rest itself
	valueNoReferrer    = []byte("no-referrer")
)

// A fieldWriter takes the fields of an answer's header, one after the other, and copies them.
type fieldWriter interface {
	field(name, value []byte)
	text(name []byte, value string)
	block(b *block)
}

// A block is fields that are the same in many answers.
type block struct {
	fields [][2][]byte
	lines  []byte // the same as they are sent
}

func newBlock(fields ...[2][]byte) *block {
	b := &block{fields: fields}
	for _, f := range fields {
		b.lines = appendField(b.lines, f[0], f[1])
	}
	return b
}

// sharing lets players on any site read media and manifests. The fields are constant, so that nothing varies by Origin.
var sharing = newBlock(
	[2][]byte{fieldTypeOptions, valueNoSniff},
	[2][]byte{fieldAllowOrigin, valueAny},
	[2][]byte{fieldExposeHeaders, valueExposeHeaders},
	[2][]byte{fieldTiming, valueAny},
	[2][]byte{fieldResourcePolicy, valueCrossOrigin},
)

// pagePolicy keeps the page and its list of channels, which may hold an access token, from other sites; and the URLs that it
// plays from their logs.
var pagePolicy = newBlock(
	[2][]byte{fieldTypeOptions, valueNoSniff},
	[2][]byte{fieldContentPolicy, valueFramePolicy},
	[2][]byte{fieldReferrerPolicy, valueNoReferrer},
	[2][]byte{fieldResourcePolicy, valueSameOrigin},
)

// preflight is what an answer to OPTIONS says.
var preflight = newBlock(
	[2][]byte{fieldAllowMethods, valueMethods},
	[2][]byte{fieldAllowHeaders, valueAllowHeaders},
	[2][]byte{fieldPreflightMaxAge, valueDay},
	[2][]byte{fieldAllow, valueMethods},
)

// writeFields gives w the fields of the answer, but for those that say where it ends, what time it is, and what becomes of
// the connection. There is one list of them for all ways to a socket.
func (x *exchange) writeFields(w fieldWriter) {
	a := &x.answer
	say := func(name []byte, value string) {
		if value != "" {
			w.text(name, value)
		}
	}
	say(fieldContentType, a.ContentType)
	say(fieldCacheControl, a.CacheControl)
	say(fieldETag, a.ETag)
	say(fieldAcceptRanges, a.Ranges)
	if a.Vary {
		w.field(fieldVary, valueEncoding)
	}
	if a.Gzip {
		w.field(fieldEncoding, valueGzip)
	}
	if a.ContentRange {
		x.value = a.appendContentRange(x.value[:0])
		w.field(fieldContentRange, x.value)
	}
	if p := a.priority(); p != nil {
		w.field(fieldPriority, p)
	}
	if a.Fault != nil {
		say(fieldError, a.Fault.header)
	}
	if x.held > 0 { // no sign of a slow network
		x.value = strconv.AppendInt(append(x.value[:0], "ht="...), x.held.Milliseconds(), 10)
		w.field(fieldStatic, x.value)
	}
	if a.Kind == KindPage {
		w.block(pagePolicy)
	} else {
		w.block(sharing)
	}
	switch a.Status {
	case 204:
		w.block(preflight)
	case 405:
		w.field(fieldAllow, valueMethods)
	case 503:
		w.field(fieldRetryAfter, valueSecond)
	}
}

// libraryHeader is the header of a conn's answer as fasthttp keeps it.
type libraryHeader struct {
	*fasthttp.ResponseHeader
	value []byte
}

func (h *libraryHeader) field(name, value []byte) { h.SetCanonical(name, value) }

func (h *libraryHeader) text(name []byte, value string) {
	h.value = append(h.value[:0], value...)
	h.SetCanonical(name, h.value)
}

func (h *libraryHeader) block(b *block) {
	for _, f := range b.fields {
		h.SetCanonical(f[0], f[1])
	}
}

// write puts the connection's Answer into the response. The body is the connection itself (see conn), also where there
// is none to send: its Close is what ends the answer.
func (s *Server) write(ctx *fasthttp.RequestCtx, c *conn) {
	a, h := &c.answer, &ctx.Response.Header
	ctx.Response.SetStatusCode(a.Status)
	c.header.ResponseHeader = h
	c.writeFields(&c.header)
	c.header.ResponseHeader = nil
	ctx.Response.SkipBody = c.request.Method == MethodHead
	if a.growing.track == nil {
		ctx.Response.SetBodyStream(body{c}, int(a.Len()))
		return
	}
	if c.identity = c.old; c.identity {
		h.SetConnectionClose()
	}
	if c.request.Method == MethodHead { // the library would end a body that it does not send
		h.SetContentLength(unknownLength)
		s.finish(&c.exchange)
		return
	}
	ctx.Response.SetBodyStream(body{c}, unknownLength)
}

// unknownLength is the library's word for a body of chunks.
const unknownLength = -1

// priority is what a proxy that speaks HTTP/2 or 3 to its clients may go by: what players need to go on first, then sound
// and text, then pictures, which may be interleaved; key frames of trick mode last. On HTTP/1.1 alone nobody reads it.
//
// Source: RFC 9218, 5; RFC 8216bis, appendix B (u=1 for playlists; a variant of a higher rate is never more urgent).
func (a *Answer) priority() []byte {
	if a.Fault != nil {
		return nil
	}
	switch a.Kind {
	case KindMultivariant, KindPlaylist, KindMPD, KindSmooth, KindInit:
		return valueUrgent
	case KindSegment, KindPart, KindFragment:
		if a.ContentType == "video/mp4" {
			return valuePictures
		}
		return valueSound
	case KindKeyFrame:
		return valueTrick
	}
	return nil
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
	if a.Size < 0 {
		return append(b, '*')
	}
	return strconv.AppendInt(b, a.Size, 10)
}
