package origin

import (
	"slices"
	"time"

	"weir/manifest"
	"weir/segcache"
)

// A snapshot is one version of a presentation, as manifests say it, with what has been rendered of it. All but the
// documents' bytes is fixed when it is made.
type snapshot struct {
	seq          uint64 // of the segcache.Version
	presentation manifest.Presentation
	documents    []document // multivariant playlist, MPD, then a media playlist for each track
}

// Places in snapshot.documents.
const (
	documentMultivariant = iota
	documentMPD
	documentPlaylists // of the first track
)

// A history carries what one snapshot takes over from the one before: the runs of each track, so that a version costs
// what it adds, and the media that stays listed while the window holds nothing but gaps. One goroutine at a time.
type history struct {
	window      time.Duration
	lists       map[*segcache.Track]*list
	generations []manifest.Generation // of the version before
}

func newHistory(window time.Duration) history {
	return history{window: window, lists: make(map[*segcache.Track]*list)}
}

// snapshot makes the snapshot of the next version.
//
// Tracks of which nothing is listed, or which nobody has described yet, are left out: no manifest leads to them.
func (h *history) snapshot(v *segcache.Version) *snapshot {
	s := &snapshot{seq: v.Seq}
	p := &s.presentation
	p.Live, p.Window = v.Live, int64(h.window)
	for i := range v.Generations {
		p.Generations = append(p.Generations, generationOf(&v.Generations[i]))
	}
	if n := len(v.Generations); n > 0 {
		g := &v.Generations[n-1]
		p.TargetDuration, p.PartTarget, p.Epoch = g.TargetDuration, g.PartTarget, g.Epoch
	}
	listed := slices.Clone(p.Generations)
	lists := make(map[*segcache.Track]*list, len(v.Tracks))
	for i := range v.Tracks {
		view := &v.Tracks[i]
		l := h.lists[view.Track]
		if l == nil {
			l = &list{}
		}
		lists[view.Track] = l
		l.follow(view, listed, h.generations)
		if t, ok := l.track(view, p); ok {
			p.Tracks = append(p.Tracks, t)
		}
	}
	h.lists, h.generations = lists, listed
	s.documents = make([]document, documentPlaylists+len(p.Tracks))
	return s
}

func generationOf(g *segcache.Generation) manifest.Generation {
	return manifest.Generation{
		Ordinal: g.Ordinal, N0: g.N0, DiscontinuitySequence: g.DiscontinuitySequence,
		Timescale: g.Timescale, SlotTicks: g.SlotTicks, PhaseTicks: g.PhaseTicks, K0: g.K0, Regular: g.Regular,
	}
}

// A list is what a track lists, in runs, and the newest media that it listed before.
type list struct {
	first, end uint64
	runs       []manifest.Run // shared with snapshots: replaced, never changed

	kept           manifest.Run // Count 0: nothing was ever listed before
	keptGeneration manifest.Generation
	keptInit       manifest.Init
}

// follow brings the list up to what a version says. Everything listed is held (segcache, I4), and everything that has
// left the list since the version before is still held, as long as bytes outlive a listing.
func (l *list) follow(view *segcache.View, generations, before []manifest.Generation) {
	if view.First == l.first && view.End == l.end {
		return
	}
	for n := view.First; n > l.first; {
		n--
		s := view.Segment(n)
		if s == nil {
			break
		}
		if isMedia(s) {
			l.keep(s, view, generations, before)
			break
		}
	}
	runs := make([]manifest.Run, 0, len(l.runs)+2)
	for _, r := range l.runs {
		runs = manifest.AppendRun(runs, cutRun(r, view.First))
	}
	for n := max(view.First, l.end); n < view.End; n++ {
		s := view.Segment(n)
		if s == nil { // not held after all: what is listed begins behind it
			runs = runs[:0]
			continue
		}
		runs = manifest.AppendRun(runs, runOf(s))
	}
	l.first, l.end, l.runs = view.First, view.End, runs
}

// keep notes the newest media older than the list, with what is needed to say it after its generation has been
// forgotten. before are the generations of the version before, which still listed it.
func (l *list) keep(s *segcache.Segment, view *segcache.View, generations, before []manifest.Generation) {
	g, m := findGeneration(generations, s.Ordinal), initOf(view.Inits, s.Ordinal)
	if g == nil {
		g = findGeneration(before, s.Ordinal)
	}
	if g == nil || m == nil {
		return
	}
	l.kept, l.keptGeneration = runOf(s), *g
	l.keptInit = manifest.Init{Ordinal: s.Ordinal, Media: m.Media}
}

func findGeneration(generations []manifest.Generation, ordinal int) *manifest.Generation {
	for i := range generations {
		if generations[i].Ordinal == ordinal {
			return &generations[i]
		}
	}
	return nil
}

// track is the list as manifests have it; false where there is nothing to say.
func (l *list) track(view *segcache.View, p *manifest.Presentation) (manifest.Track, bool) {
	if len(l.runs) == 0 || len(view.Inits) == 0 {
		return manifest.Track{}, false
	}
	t := manifest.Track{Name: view.Name, ID: view.ID, Bandwidth: view.Bandwidth, Runs: l.runs}
	for _, i := range view.Inits {
		t.Inits = addInit(t.Inits, manifest.Init{Ordinal: i.Ordinal, Media: i.Media})
	}
	for _, r := range l.runs { // a generation that did not say it anew
		if m := initOf(view.Inits, r.Ordinal); m != nil {
			t.Inits = addInit(t.Inits, manifest.Init{Ordinal: r.Ordinal, Media: m.Media})
		}
	}
	if l.kept.Count > 0 && l.runs[0].Gap {
		t.Kept = l.kept
		t.Inits = addInit(t.Inits, l.keptInit)
		p.Generations = addGeneration(p.Generations, l.keptGeneration)
	}
	return t, true
}

// initOf is the description that holds in a generation: the last at or before its ordinal.
func initOf(inits []segcache.Init, ordinal int) *segcache.Init {
	for i := len(inits) - 1; i >= 0; i-- {
		if inits[i].Ordinal <= ordinal {
			return &inits[i]
		}
	}
	return nil
}

// addInit puts x into a list ordered by ordinal, unless its ordinal is there.
func addInit(inits []manifest.Init, x manifest.Init) []manifest.Init {
	i := len(inits)
	for i > 0 && inits[i-1].Ordinal > x.Ordinal {
		i--
	}
	if i > 0 && inits[i-1].Ordinal == x.Ordinal {
		return inits
	}
	inits = append(inits, manifest.Init{})
	copy(inits[i+1:], inits[i:])
	inits[i] = x
	return inits
}

// addGeneration does the same for generations.
func addGeneration(generations []manifest.Generation, x manifest.Generation) []manifest.Generation {
	i := len(generations)
	for i > 0 && generations[i-1].Ordinal > x.Ordinal {
		i--
	}
	if i > 0 && generations[i-1].Ordinal == x.Ordinal {
		return generations
	}
	generations = append(generations, manifest.Generation{})
	copy(generations[i+1:], generations[i:])
	generations[i] = x
	return generations
}

// isMedia reports whether a segment can be fetched and is listed as more than a gap.
func isMedia(s *segcache.Segment) bool {
	_, whole := s.Body()
	return whole && !s.Gap
}

func runOf(s *segcache.Segment) manifest.Run {
	return manifest.Run{N: s.N, Count: 1, Start: s.Start, Duration: s.Duration, Ordinal: s.Ordinal, Gap: s.Gap}
}

// cutRun is r without the numbers below first.
func cutRun(r manifest.Run, first uint64) manifest.Run {
	if r.N >= first {
		return r
	}
	cut := min(first-r.N, uint64(r.Count))
	r.N += cut
	r.Start += int64(cut) * r.Duration
	r.Count -= int(cut)
	return r
}
