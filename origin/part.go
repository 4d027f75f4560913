package origin

import "weir/segcache"

// answerPart answers for a part of a segment. The one that playlists hint at is waited for, and then sent in one burst; one
// that cannot come any more is not found.
//
// Source: RFC 8216bis, 4.4.5.3 (preload hints) and 6.2.6 (a part is not sent before all of it is there).
func (p *Presentation) answerPart(v *segcache.Version, view *segcache.View, r *Request, a *Answer) {
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
	case !v.Live || !hasParts(view) || !p.current.Load().hinted(view, t) || s != nil && s.Gap:
		a.fail(faultPart, target)
	case !r.mayWait():
		a.fail(faultStalled, target)
	default:
		a.fail(faultStalled, target)
		a.hold(view.Changed(), patience(v))
	}
}

// hinted tells whether a target is the part that comes next: by what the window lists, or by what the newest playlist hints at.
func (s *snapshot) hinted(view *segcache.View, t *target) bool {
	if t.number == view.End && t.part == view.Parts {
		return true
	}
	for i := range s.views {
		if s.views[i].Track == view.Track {
			n, part := s.presentation.NextPart(&s.presentation.Tracks[i])
			return n == t.number && part == t.part
		}
	}
	return false
}
