package origin

import "weir/segcache"

// answerPart answers for a part of a segment. The one that playlists hint at is waited for, and then sent in one burst; one
// that cannot come any more is not found.
//
// Source: RFC 8216bis, 4.4.5.3 (preload hints) and 6.2.6 (a part is not sent before all of it is there).
func answerPart(v *segcache.Version, view *segcache.View, r *Request, a *Answer) {
	t := &r.target
	target := targetDuration(v)
	s := view.Segment(t.number)
	if s != nil {
		if body, ok := s.Part(t.part); ok {
			a.Status, a.ContentType, a.CacheControl = 200, mediaType(view.Kind), cacheImmutable
			a.ETag, a.Body, a.Ranges = body.ETag(), body, rangesBytes
			a.finish(r)
			return
		}
	}
	switch {
	case t.number < view.First:
		a.fail(faultGone, target)
	case !v.Live || !hasParts(view) || !hinted(v, view, t) || s != nil && s.Gap:
		a.fail(faultPart, target)
	case !r.mayWait():
		a.fail(faultStalled, target)
	default:
		a.fail(faultStalled, target)
		a.hold(view.Changed(), patience(v))
	}
}

// hinted tells whether a target is the part that comes next: that of the open segment, or the first of the one after it, where
// the grid says that the open one has all its parts.
func hinted(v *segcache.Version, view *segcache.View, t *target) bool {
	if t.number == view.End {
		return t.part == view.Parts
	}
	n := len(v.Generations)
	if t.number != view.End+1 || t.part != 0 || view.Open == nil || n == 0 {
		return false
	}
	g := generationOf(&v.Generations[n-1])
	init := gridOf(view, g.Ordinal)
	if init.Media == nil {
		return false
	}
	edge, ok := g.Edge(&init, t.number)
	return ok && view.Open.Parts()[view.Parts-1].End >= edge
}
