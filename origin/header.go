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

// write puts the connection's Answer into the response. The body is the connection itself (see conn), also where there
// is none to send: its Close is what ends the answer.
func (s *Server) write(ctx *fasthttp.RequestCtx, c *conn) {
	a, h := &c.answer, &ctx.Response.Header
	ctx.Response.SetStatusCode(a.Status)
	c.set(h, fieldContentType, a.ContentType)
	c.set(h, fieldCacheControl, a.CacheControl)
	c.set(h, fieldETag, a.ETag)
	c.set(h, fieldAcceptRanges, a.Ranges)
	if a.Vary {
		h.SetCanonical(fieldVary, valueEncoding)
	}
	if a.Gzip {
		h.SetCanonical(fieldEncoding, valueGzip)
	}
	if a.ContentRange {
		c.value = a.appendContentRange(c.value[:0])
		h.SetCanonical(fieldContentRange, c.value)
	}
	if p := a.priority(); p != nil {
		h.SetCanonical(fieldPriority, p)
	}
	if a.Fault != nil {
		c.set(h, fieldError, a.Fault.header)
	}
	if c.held > 0 { // no sign of a slow network
		c.value = strconv.AppendInt(append(c.value[:0], "ht="...), c.held.Milliseconds(), 10)
		h.SetCanonical(fieldStatic, c.value)
	}
	h.SetCanonical(fieldTypeOptions, valueNoSniff)
	if a.Kind == KindPage {
		setPagePolicy(h)
	} else {
		setSharing(h)
	}
	switch a.Status {
	case 204:
		h.SetCanonical(fieldAllowMethods, valueMethods)
		h.SetCanonical(fieldAllowHeaders, valueAllowHeaders)
		h.SetCanonical(fieldPreflightMaxAge, valueDay)
		h.SetCanonical(fieldAllow, valueMethods)
	case 405:
		h.SetCanonical(fieldAllow, valueMethods)
	case 503:
		h.SetCanonical(fieldRetryAfter, valueSecond)
	}
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
		c.finish()
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

// set sets a field that has a value. The header copies it.
func (c *conn) set(h *fasthttp.ResponseHeader, field []byte, value string) {
	if value != "" {
		c.value = append(c.value[:0], value...)
		h.SetCanonical(field, c.value)
	}
}

// setSharing lets players on any site read media and manifests. The fields are constant, so that nothing varies by
// Origin.
func setSharing(h *fasthttp.ResponseHeader) {
	h.SetCanonical(fieldAllowOrigin, valueAny)
	h.SetCanonical(fieldExposeHeaders, valueExposeHeaders)
	h.SetCanonical(fieldTiming, valueAny)
	h.SetCanonical(fieldResourcePolicy, valueCrossOrigin)
}

// setPagePolicy keeps the page and its list of channels, which may hold an access token, from other sites; and the URLs
// that it plays from their logs.
func setPagePolicy(h *fasthttp.ResponseHeader) {
	h.SetCanonical(fieldContentPolicy, valueFramePolicy)
	h.SetCanonical(fieldReferrerPolicy, valueNoReferrer)
	h.SetCanonical(fieldResourcePolicy, valueSameOrigin)
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
