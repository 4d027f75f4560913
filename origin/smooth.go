package origin

import (
	"fmt"
	"runtime"
	"time"

	"weir/manifest/smooth"
	"weir/media"
	"weir/segcache"
)

// answerSmooth answers for a Smooth Streaming fragment, or for its moof or mdat alone. The rules of what follows what, and
// of what is not there yet, are those of package smooth.
func (p *Presentation) answerSmooth(r *Request, a *Answer) {
	v := p.channel.Version()
	view := smoothView(v, &r.target)
	if view == nil {
		a.fail(trackFault(v), 0)
		return
	}
	s := view.SegmentAt(r.target.time)
	if fault := smoothAbsence(v, view, s, &r.target); fault == faultLookahead {
		awaitFragment(v, view, r, a)
		return
	} else if fault != nil {
		a.fail(fault, targetDuration(v))
		return
	}
	body, ready, err := smoothBody(v, view, s, smoothKind(&r.target))
	switch {
	case !ready:
		awaitFragment(v, view, r, a)
	case err != nil:
		a.fail(faultInternal, 0)
	default:
		a.Status, a.ContentType, a.CacheControl = 200, mediaType(view.Kind), cacheImmutable
		a.ETag, a.Body, a.Ranges = body.ETag(), body, rangesBytes
		a.finish(r)
	}
}

// awaitFragment answers for a fragment that will be there soon: it is held for up to a slot, and not ready after that.
// dash.js asks for each fragment before it is there, and again a second after it was told so.
func awaitFragment(v *segcache.Version, view *segcache.View, r *Request, a *Answer) {
	a.fail(faultLookahead, 0)
	if v.Live && r.mayWait() {
		a.hold(view.Changed(), time.Duration(max(targetDuration(v), 1))*time.Second)
	}
}

// smoothKind is what a target asks of a fragment.
func smoothKind(t *target) variantKind {
	switch t.object {
	case objectMoof:
		return variantMoof
	case objectMdat:
		return variantMdat
	}
	return variantSmooth
}

// smoothView finds the track that a Smooth client means: by its own name, or by one that its StreamIndex may have had
// while any of its descriptions held. nil where there is none.
func smoothView(v *segcache.Version, t *target) *segcache.View {
	if view := viewOf(v, t); view != nil {
		return view
	}
	var space [128]byte
	for i := range v.Tracks {
		view := &v.Tracks[i]
		if view.ID != t.id {
			continue
		}
		for k := range view.Inits {
			m := view.Inits[k].Media
			if equalFolded(t.track, string(smooth.AppendStreamName(space[:0], m))) ||
				equalFolded(t.track, string(smooth.AppendLevelName(space[:0], m, view.ID))) {
				return view
			}
		}
	}
	return nil
}

// smoothAbsence is why there is no fragment of a segment, which is nil where the track holds none; nil where there may
// be one.
func smoothAbsence(v *segcache.Version, view *segcache.View, s *segcache.Segment, t *target) *Fault {
	if s == nil {
		fault := absence(v, view, t)
		if fault == faultNotYet {
			fault = faultLookahead
		}
		return fault
	}
	_, whole := s.Body()
	switch {
	case s.Gap: // also where it came too late: nothing leads to it
		return faultGap
	case !whole && s.N < view.First:
		return faultGone
	case !whole || s.N >= view.End:
		return faultLookahead
	}
	return nil
}

// smoothBody is a variant of a listed segment, made if its successors are known; not ready otherwise.
func smoothBody(v *segcache.Version, view *segcache.View, s *segcache.Segment, kind variantKind) (b segcache.Body, ready bool, err error) {
	if d := variantOf(s, kind); d != nil {
		return d.body, true, d.err
	}
	var space [smooth.Lookahead]media.Span
	next, ready := successors(v, view, s, space[:0])
	if !ready {
		return b, false, nil
	}
	b, err = derive(s, variantSmooth, func(whole segcache.Body) (segcache.Body, error) { return smoothFragment(whole, s, next) })
	if err != nil || kind == variantSmooth {
		return b, true, err
	}
	fragment := b
	b, err = derive(s, kind, func(segcache.Body) (segcache.Body, error) { return smoothHalf(fragment, kind) })
	return b, true, err
}

// successors appends the fragments that follow a listed segment: the next media segments of its track, up to a change of
// what a decoder must be told. It reports whether they are settled: as many as there have to be, or the last there are.
func successors(v *segcache.Version, view *segcache.View, s *segcache.Segment, dst []media.Span) ([]media.Span, bool) {
	own := describedIn(view, s.Ordinal)
	for n := s.N + 1; n < view.End && len(dst) < smooth.Lookahead; n++ {
		next := view.Segment(n)
		if next == nil || next.Gap {
			continue
		}
		if m := describedIn(view, next.Ordinal); own == nil || m == nil || !smooth.Continues(own, m) {
			return dst, true
		}
		dst = append(dst, media.Span{Time: next.Start, Duration: next.Duration})
	}
	return dst, len(dst) == smooth.Lookahead || !v.Live
}

// describedIn is the description of a track in a generation: the last at or before it; nil where there is none.
func describedIn(view *segcache.View, ordinal int) *media.Track {
	var m *media.Track
	for i := range view.Inits {
		if view.Inits[i].Ordinal > ordinal {
			break
		}
		m = view.Inits[i].Media
	}
	return m
}

// smoothFragment makes the fragment of a segment: one moof for all its chunks, and their payloads as they lie.
func smoothFragment(whole segcache.Body, s *segcache.Segment, next []media.Span) (segcache.Body, error) {
	ix, err := media.IndexSegment(whole.Slices())
	runtime.KeepAlive(whole)
	if err != nil {
		return segcache.Body{}, fmt.Errorf("segment %d: %w", s.N, err)
	}
	m := media.Moof{
		Sequence: ix.Sequence, Time: ix.Time, Samples: ix.Samples, DataBytes: int(ix.Bytes()),
		HasTfxd: true, Tfxd: media.Span{Time: s.Start, Duration: s.Duration}, Lookahead: next,
	}
	pieces := make([]segcache.Piece, 0, 1+len(ix.Data))
	pieces = append(pieces, segcache.Piece{Own: m.Append(nil)})
	for _, d := range ix.Data {
		pieces = append(pieces, segcache.Piece{Off: d.Off, N: d.N})
	}
	return whole.Derive(pieces...), nil
}

// smoothHalf is the moof or the mdat of a fragment.
func smoothHalf(fragment segcache.Body, kind variantKind) (segcache.Body, error) {
	box, err := media.ReadBox(fragment.Slices()[0])
	runtime.KeepAlive(fragment)
	if err != nil {
		return segcache.Body{}, err
	}
	if kind == variantMoof {
		return fragment.Derive(segcache.Piece{N: box.Size}), nil
	}
	return fragment.Derive(segcache.Piece{Off: box.Size, N: fragment.Len() - box.Size}), nil
}
