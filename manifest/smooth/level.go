package smooth

import (
	"weir/manifest"
	"weir/media"
)

// A level is what one track offers: the media segments with numbers in [from,to), all of one configuration, all with
// their successors known.
type level struct {
	track    *manifest.Track
	media    *media.Track // as described where it offers its newest segment
	from, to uint64       // from and to-1 are media

	run    int // cursor of next
	stream int // number of its StreamIndex, from 1 on; 0: not sorted yet, left: in none
}

// offers are the levels of all tracks that have anything to offer, in the order of tracks.
func offers(p *manifest.Presentation, dst []level) []level {
	limit := settled(p)
	for i := range p.Tracks {
		t := &p.Tracks[i]
		if l := offer(t, limit, p.Live); l.to > 0 && !twin(dst, &l) {
			dst = append(dst, l)
		}
	}
	return dst
}

// twin tells whether a level could not be told from one before it: levels of a StreamIndex are named by their bitrate.
func twin(levels []level, l *level) bool {
	for i := range levels {
		if o := &levels[i]; o.track.ID == l.track.ID && together(o, l) {
			return true
		}
	}
	return false
}

// settled is the number up to which all tracks that go on have listed media or GAPs, so that no stream of the manifest
// runs ahead of another. Tracks that the newest generation does not know any more are not waited for.
func settled(p *manifest.Presentation) uint64 {
	current, _ := p.Current()
	limit, found := uint64(0), false
	for i := range p.Tracks {
		t := &p.Tracks[i]
		if m := t.Newest(); m == nil || FourCC(m) == "" || len(t.Runs) == 0 {
			continue
		}
		if t.Init(current) == nil && t.Runs[len(t.Runs)-1].Ordinal != current {
			continue
		}
		if end := t.End(); !found || end < limit {
			limit, found = end, true
		}
	}
	return limit
}

// offer is what a track has to offer of the numbers below limit: the newest stretch of segments in one configuration that
// has any. The last two of what goes on have no successors yet.
func offer(t *manifest.Track, limit uint64, live bool) (l level) {
	held := 0
	if live {
		held = Lookahead
	}
	var chain *media.Track
	for i := len(t.Runs) - 1; i >= 0; i-- {
		r := t.Runs[i].Cut(0, limit)
		m := t.Init(r.Ordinal)
		if r.Count == 0 || r.Gap || m == nil {
			continue
		}
		if chain != nil && !Continues(chain, m) {
			if l.to > 0 {
				break
			}
			held = 0 // a chain that has ended
		}
		chain = m
		back := min(held, r.Count)
		if held -= back; back == r.Count {
			continue
		}
		if l.to == 0 {
			l.track, l.media, l.to = t, m, r.End()-uint64(back)
		}
		l.from = r.N
	}
	if l.to > 0 && !sayable(l.media) {
		return level{}
	}
	return l
}

// sayable tells whether the manifest can describe a track: its codec has a name, and its parameter sets are known where
// it needs any.
func sayable(m *media.Track) bool {
	if FourCC(m) == "" || m.Kind == media.Text {
		return FourCC(m) != ""
	}
	var space [512]byte
	_, ok := m.AppendPrivateData(space[:0])
	return ok
}

// part is what the level offers of a run.
func (l *level) part(r *manifest.Run) manifest.Run {
	if r.Gap || l.track.Init(r.Ordinal) == nil {
		return manifest.Run{}
	}
	return r.Cut(l.from, l.to)
}

// at is the segment n as a run of one; the zero Run where the level has none.
func (l *level) at(n uint64) manifest.Run {
	runs := l.track.Runs
	for i := len(runs) - 1; i >= 0; i-- {
		if runs[i].N <= n {
			r := l.part(&runs[i])
			return r.Cut(n, n+1)
		}
	}
	return manifest.Run{}
}

// before is the number of the newest segment below n; false where there is none.
func (l *level) before(n uint64) (uint64, bool) {
	runs := l.track.Runs
	for i := len(runs) - 1; i >= 0; i-- {
		if r := l.part(&runs[i]).Cut(0, n); r.Count > 0 {
			return r.End() - 1, true
		}
	}
	return 0, false
}

// count is how many segments there are from number n on.
func (l *level) count(n uint64) (segments int) {
	runs := l.track.Runs
	for i := len(runs) - 1; i >= 0 && runs[i].End() > n; i-- {
		r := l.part(&runs[i])
		segments += r.Cut(n, l.to).Count
	}
	return segments
}

// next is what follows from number n on: a run that starts there or later; the zero Run at the end. n does not shrink
// from call to call, until run is set to 0.
func (l *level) next(n uint64) manifest.Run {
	for ; l.run < len(l.track.Runs); l.run++ {
		if r := l.part(&l.track.Runs[l.run]).Cut(n, l.to); r.Count > 0 {
			return r
		}
	}
	return manifest.Run{}
}
