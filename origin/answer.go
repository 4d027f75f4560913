package origin

import (
	"io"
	"net/netip"
	"time"

	"weir/segcache"
)

// A Method is what a request asks for. Other methods are answered 405.
type Method uint8

// The methods that the origin knows.
const (
	MethodOther Method = iota
	MethodGet
	MethodHead
	MethodOptions
)

// A Request is what an answer depends on, free of any HTTP library. The slices are borrowed: Answer reads them and
// keeps none.
type Request struct {
	Method         Method
	Path           []byte // as sent, percent-encoded, without the query
	Query          []byte // as sent
	IfMatch        []byte
	IfNoneMatch    []byte
	Range          []byte
	IfRange        []byte
	AcceptEncoding []byte
	Client         netip.Addr // the puller, behind trusted proxies too
	Now            time.Time

	over    bool // it has been held for long enough: what is answered now is final
	target  target
	folded  []byte   // the path decoded; target points into it
	scratch [64]byte // bytes of answers made for one request: the time
}

// A Kind groups answers for metrics and the log.
type Kind uint8

// The kinds of answer.
const (
	KindOther Kind = iota
	KindMultivariant
	KindPlaylist
	KindMPD
	KindSmooth // client manifest
	KindSegment
	KindPart
	KindFragment // of Smooth Streaming, whole or in part
	KindKeyFrame
	KindInit
	KindTime
	KindPage
	kinds
)

// String is the label of the kind in metrics and logs.
func (k Kind) String() string {
	return [kinds]string{"other", "multivariant", "playlist", "mpd", "smooth", "segment", "part", "fragment", "keyframe", "init", "time", "page"}[k]
}

// An Answer is a whole answer: its bytes are either Bytes or Body, never both, or those of a segment that grows. Everything
// in it is immutable and may be held until it is written; holding Body keeps its slab mapped. The zero Answer is ready for Server.Answer.
type Answer struct {
	Kind         Kind
	Status       int
	ContentType  string // empty: the answer has no content
	CacheControl string
	ETag         string // quoted, strong
	Fault        *Fault // why Status is not a success; nil otherwise
	Gzip         bool   // Bytes are gzip
	Vary         bool   // the object has an identity and a gzip form
	Ranges       string // Accept-Ranges; empty: not said
	ContentRange bool   // Range and Size go into Content-Range
	Range        span   // of a 206; N == 0 in a 416
	Size         int64  // of the whole object, for ContentRange; -1: not known

	Bytes []byte
	Body  segcache.Body

	growing  growing         // the body is to come; see chunked.go
	arrived  int64           // when the last byte came of what the answer tells of first; 0: see Body.Arrived
	wait     <-chan struct{} // not nil: the answer is not final; see hold.go
	patience time.Duration
}

// Len is the number of bytes that a GET is answered with.
func (a *Answer) Len() int64 {
	if a.Bytes != nil {
		return int64(len(a.Bytes))
	}
	return a.Body.Len()
}

// appendSlices appends the slices of n bytes from off on to dst; a must be held until they are used.
func (a *Answer) appendSlices(dst [][]byte, off, n int64) [][]byte {
	if a.Bytes != nil {
		return append(dst, a.Bytes[off:off+n])
	}
	return a.Body.Range(off, n).AppendSlices(dst)
}

// writeTo writes the bytes to w.
func (a *Answer) writeTo(w io.Writer) (int64, error) {
	if a.Bytes != nil {
		n, err := w.Write(a.Bytes)
		return int64(n), err
	}
	return a.Body.WriteTo(w)
}

// fail makes a the answer for a fault. targetDuration is the presentation's in seconds, 0 where none is known.
func (a *Answer) fail(f *Fault, targetDuration int) {
	kind := a.Kind
	*a = Answer{} // and then field by field: a literal would be made on the stack first, in each caller that this is inlined in
	a.Kind, a.Status, a.Fault, a.Bytes = kind, f.Status, f, f.body
	a.ContentType, a.CacheControl = typeJSON, f.life.cacheControl(targetDuration)
}

// finish applies the request's conditions to a complete 200: 412 where the client means another object, 304 where it
// holds the same bytes, 206 and 416 for a range of what has ranges.
//
// Source: RFC 9110, 13.2.2 (If-Match, then If-None-Match, then Range) and 14.2 (ranges are for GET).
func (a *Answer) finish(r *Request) {
	if len(r.IfMatch) > 0 && !matchesETag(r.IfMatch, a.ETag, false) {
		a.fail(faultPrecondition, 0)
		return
	}
	if len(r.IfNoneMatch) > 0 && matchesETag(r.IfNoneMatch, a.ETag, true) {
		a.Status, a.ContentType, a.Gzip = 304, "", false
		a.Bytes, a.Body = nil, segcache.Body{}
		return
	}
	if len(r.Range) == 0 || r.Method != MethodGet || a.Ranges != rangesBytes {
		return
	}
	if len(r.IfRange) > 0 && string(r.IfRange) != a.ETag {
		return
	}
	size := a.Len()
	s, verdict := parseRange(r.Range, size)
	switch verdict {
	case rangeIgnored:
	case rangeSatisfiable:
		a.Status, a.ContentRange, a.Range, a.Size = 206, true, s, size
		if a.Bytes != nil {
			a.Bytes = a.Bytes[s.off : s.off+s.n]
		} else {
			a.Body = a.Body.Range(s.off, s.n)
		}
	case rangeUnsatisfiable:
		a.fail(faultRange, 0)
		a.Ranges, a.ContentRange, a.Size = rangesBytes, true, size
	}
}
