package origin

import (
	"weir/manifest"
	"weir/manifest/dash"
	"weir/segcache"
)

// A growing body is that of a segment which is not whole: its answer has no length, and follows the commits. What is sent
// so are the bytes that the segment's name means for good.
type growing struct {
	channel *segcache.Channel
	track   *segcache.Track // nil: the answer's body is all there
	n       uint64
}

// answerOpen answers for the segment that grows: with a range that it has already, or with all of it as it comes. It may
// be whole by now; then the answer is as short as it would have been.
//
// A range of something whose length nobody knows yet is answered where it starts in what is there, as far as that goes,
// and not to be cached; else the field is ignored, as the standard allows.
//
// Source: RFC 9110, 14.2 and 14.4; delivery over chunked transfer coding: RFC 9112, 7.1.
func (p *Presentation) answerOpen(view *segcache.View, s *segcache.Segment, r *Request, a *Answer) {
	a.Status, a.ContentType, a.CacheControl = 200, mediaType(view.Kind), cacheImmutable
	a.growing = growing{p.channel, view.Track, s.N}
	a.finish(r)
	if a.Status != 200 {
		a.growing = growing{}
		return
	}
	if len(r.Range) == 0 || len(r.IfRange) > 0 || r.Method != MethodGet {
		return
	}
	b, _ := s.Grow(0)
	if at, ok := parseOpenRange(r.Range, b.Len()); ok {
		a.growing = growing{}
		a.Status, a.CacheControl, a.Ranges = 206, cacheNever, rangesBytes
		a.ContentRange, a.Range, a.Size, a.Body = true, at, -1, b.Range(at.off, at.n)
	}
}

// answerComing answers for a segment of which nothing has come: it is held where it is the next, or the one after that,
// and answered as not ready where it is not.
func (p *Presentation) answerComing(v *segcache.Version, view *segcache.View, r *Request, a *Answer) {
	if !v.Live || !foreseen(v, view, &r.target) {
		a.fail(faultNotYet, targetDuration(v))
		return
	}
	if !r.mayWait() {
		fault := faultNotYet
		if r.over {
			fault = faultLate
		}
		a.fail(fault, targetDuration(v))
		return
	}
	grown := view.Grown()
	if s := segmentOf(view, &r.target); s != nil { // it came in between
		p.answerSegment(v, view, s, r, a)
		return
	}
	a.fail(faultNotYet, targetDuration(v))
	a.hold(grown, patience(v))
}

// foreseen tells whether a target is one of the segments that come next, as many as MPDs foresee: ffmpeg and Shaka ask for
// them as soon as they are listed. By time it must be one of the very times that an MPD foresees.
func foreseen(v *segcache.Version, view *segcache.View, t *target) bool {
	n := len(v.Generations)
	if n == 0 {
		return false
	}
	g := generationOf(&v.Generations[n-1])
	foresight := dash.Foresight(&g)
	if t.selector == byNumber {
		return t.number >= view.End && t.number < view.End+foresight
	}
	init := gridOf(view, g.Ordinal)
	if init.Media == nil {
		return false
	}
	for n := view.End; n < view.End+foresight; n++ {
		if at, ok := g.Edge(&init, n); ok && at == t.time {
			return true
		}
	}
	return false
}

// gridOf is the description of a track in a generation, with its grid.
func gridOf(view *segcache.View, ordinal int) (init manifest.Init) {
	for i := range view.Inits {
		if in := &view.Inits[i]; in.Ordinal <= ordinal {
			init = manifestInit(in)
		}
	}
	return init
}

// parseOpenRange reads a Range field for a body of which size bytes are there so far: one range that starts in them, cut
// to them.
func parseOpenRange(field []byte, size int64) (span, bool) {
	s, verdict := parseRange(field, size)
	if verdict != rangeSatisfiable || isSuffix(field) {
		return span{}, false
	}
	return s, true
}

// isSuffix tells whether a range counts from the end, which is not known.
func isSuffix(field []byte) bool {
	for i, c := range field {
		if c == '=' {
			for _, c := range field[i+1:] {
				if c != ' ' && c != '\t' {
					return c == '-'
				}
			}
		}
	}
	return true
}

// broken tells whether the segment that is followed ends where it stands: it became a GAP, was cut short by the end of its
// input, or has left the window.
func (g *growing) broken(s *segcache.Segment) bool {
	if s == nil || s.Gap {
		return true
	}
	view := g.channel.Version().View(g.track)
	return view != nil && g.n < view.First
}
