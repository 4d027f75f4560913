package origin

import (
	"weir/media"
	"weir/segcache"
)

// nearSegments is how many numbers after the newest listed one count as "not yet": a player that is a little ahead is
// told to come back, one that is far ahead is wrong.
const nearSegments = 3

// answerFragment answers for a segment or an init segment. It asks the window rather than the manifests' snapshot: what
// has left the lists is still served for as long as a player may have an older playlist.
func (p *Presentation) answerFragment(r *Request, a *Answer) {
	v := p.channel.Version()
	view := viewOf(v, &r.target)
	switch {
	case view == nil:
		a.fail(trackFault(v), 0)
	case r.target.part >= 0 && r.target.selector == byNumber:
		p.answerPart(v, view, r, a)
	case r.target.part >= 0:
		a.fail(faultSyntax, 0)
	case a.Kind == KindInit:
		answerInit(view, r, a)
	default:
		p.answerSegment(v, view, segmentOf(view, &r.target), r, a)
	}
}

// viewOf finds the track of a target, nil where there is none.
func viewOf(v *segcache.Version, t *target) *segcache.View {
	for i := range v.Tracks {
		if view := &v.Tracks[i]; view.ID == t.id && equalFolded(t.track, view.Name) {
			return view
		}
	}
	return nil
}

// trackFault is the fault of a track that is not there: before the first media none is.
func trackFault(v *segcache.Version) *Fault {
	for i := range v.Tracks {
		if v.Tracks[i].End > v.Tracks[i].First {
			return faultTrack
		}
	}
	return faultNoMedia
}

// answerInit answers for an init segment by its hash: its name never means other bytes. AMS's spelling without a hash
// means the newest one, and is to be asked for again each time.
func answerInit(view *segcache.View, r *Request, a *Answer) {
	var m *media.Track
	cache := cacheImmutable
	if r.target.selector == byInit {
		cache = cacheCheck
		if n := len(view.Inits); n > 0 {
			m = view.Inits[n-1].Media
		}
	} else {
		m = view.Init(string(r.target.hash))
	}
	if m == nil {
		a.fail(faultInit, 0)
		return
	}
	a.Status, a.ContentType, a.CacheControl = 200, mediaType(m.Kind), cache
	a.ETag, a.Bytes, a.Ranges = `"`+m.InitHash+`"`, m.Init, rangesBytes
	a.finish(r)
}

// answerSegment answers for the segment that a target names, nil where the track holds none: whole, while it grows, or
// before its first bytes.
func (p *Presentation) answerSegment(v *segcache.Version, view *segcache.View, s *segcache.Segment, r *Request, a *Answer) {
	switch fault := unready(v, view, s, &r.target); {
	case fault == nil:
	case fault == faultNotYet && s == nil:
		p.answerComing(v, view, r, a)
		return
	case fault == faultNotYet:
		p.answerOpen(view, s, r, a)
		return
	default:
		a.fail(fault, targetDuration(v))
		return
	}
	body, _ := s.Body()
	a.Status, a.ContentType, a.CacheControl = 200, mediaType(view.Kind), cacheImmutable
	a.ETag, a.Body, a.Ranges = body.ETag(), body, rangesBytes
	a.finish(r)
}

// segmentOf is the segment that a target names by number or by its start; nil where the track holds none.
func segmentOf(view *segcache.View, t *target) *segcache.Segment {
	if t.selector == byNumber {
		return view.Segment(t.number)
	}
	return view.SegmentAt(t.time)
}

// unready is why a segment has no bytes to give; nil where it has, also where it came too late and is listed as a gap.
func unready(v *segcache.Version, view *segcache.View, s *segcache.Segment, t *target) *Fault {
	if s == nil {
		return absence(v, view, t)
	}
	_, whole := s.Body()
	switch {
	case whole:
		return nil
	case s.Gap:
		return faultGap
	case s.N < view.First: // cut short by the end of its input, and never listed
		return faultGone
	}
	return faultNotYet
}

// absence tells apart why a track does not hold a segment: not yet, no more, or never.
//
// Source: AMS v3's streaming endpoint (412 for the near future, 404 for the rest, each with its code).
func absence(v *segcache.Version, view *segcache.View, t *target) *Fault {
	if view.First == view.End {
		return faultNoMedia
	}
	if t.selector == byNumber {
		switch {
		case t.number < view.First:
			return faultGone
		case t.number < view.End+nearSegments:
			return faultNotYet
		}
		return faultFuture
	}
	first, last := view.Segment(view.First), view.Segment(view.End-1)
	if first == nil || last == nil { // the version is older than the window by now
		return faultGone
	}
	end := last.Start + last.Duration
	switch {
	case t.time < first.Start:
		return faultGone
	case t.time < end:
		return faultNever
	case t.time-end < nearSegments*max(last.Duration, 1):
		return faultNotYet
	}
	return faultFuture
}

// targetDuration is the presentation's, in seconds; 0 before its first generation.
func targetDuration(v *segcache.Version) int {
	if n := len(v.Generations); n > 0 {
		return v.Generations[n-1].TargetDuration
	}
	return 0
}

// mediaType is the content type of segments and init segments.
func mediaType(k media.Kind) string {
	switch k {
	case media.Video:
		return "video/mp4"
	case media.Audio:
		return "audio/mp4"
	case media.Text, media.Metadata:
	}
	return "application/mp4"
}
