package origin

import (
	"slices"
	"time"

	"weir/manifest"
	"weir/media"
	"weir/segcache"
)

// A snapshot is one version of a presentation, as manifests say it, with what has been rendered of it. All but the
// documents' bytes is fixed when it is made.
type snapshot struct {
	seq          uint64 // of the segcache.Version
	presentation manifest.Presentation
	views        []*segcache.View // of presentation.Tracks
	documents    []*document      // see below
}

// Places in snapshot.documents.
const (
	documentMultivariant = iota
	documentMPD
	documentMPDLow
	documentMPDNumber
	documentSmooth
	documentSmooth20
	documentPlaylists // of the first track; after those of all, as many of key frames, and as many deltas
)

// A history carries what one snapshot takes over from the one before: the runs of each track, so that a version costs
// what it adds. One goroutine at a time.
type history struct {
	window time.Duration
	lists  map[*segcache.Track]list
	last   *snapshot // nil: none yet
}

func newHistory(window time.Duration) history { return history{window: window} }

// A list is what a track lists: numbers [first,end), in runs.
type list struct {
	first, end uint64
	runs       []manifest.Run // shared with snapshots: replaced, never changed

	view   *segcache.View // that track was made of; nil: none was
	target int            // TARGETDURATION then
	track  manifest.Track // as manifests have it
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
		p.TargetDuration, p.PartTarget, p.Burst, p.Epoch = g.TargetDuration, partTarget(g), g.Burst, g.Epoch
	}
	lists := make(map[*segcache.Track]list, len(v.Tracks))
	appeared := h.last != nil && len(h.last.views) > 0 || complete(v)
	for i := range v.Tracks {
		view := &v.Tracks[i]
		before := h.lists[view.Track]
		l := before.follow(view)
		if appeared && len(l.runs) > 0 && len(view.Inits) > 0 {
			if before.view != nil && before.view.Same(view) && before.target == p.TargetDuration {
				l.track = before.track
			} else {
				l.track = trackOf(view, l.runs)
				l.track.Parts = partsOf(view, partsBehind*int64(p.TargetDuration))
			}
			l.view, l.target = view, p.TargetDuration
			p.Tracks = append(p.Tracks, l.track)
			s.views = append(s.views, view)
		}
		lists[view.Track] = l
	}
	h.lists = lists
	s.takeOver(h.last)
	h.last = s
	return s
}

// complete tells whether all tracks that are described in the generation that is listed have listed something, media or GAP.
// A presentation appears with all of them: a player reads the multivariant playlist once. Text is decided at its slot's
// deadline, which is two slots later where segments run on to a sync sample: there nobody waits for it.
func complete(v *segcache.Version) bool {
	ordinal := -1
	for i := range v.Tracks {
		if view := &v.Tracks[i]; view.End > view.First {
			if s := view.Segment(view.End - 1); s != nil {
				ordinal = max(ordinal, s.Ordinal)
			}
		}
	}
	runsOn := slices.ContainsFunc(v.Generations, func(g segcache.Generation) bool { return g.Ordinal == ordinal && !g.Regular && !g.Cut })
	for i := range v.Tracks {
		view := &v.Tracks[i]
		described := slices.ContainsFunc(view.Inits, func(i segcache.Init) bool { return i.Ordinal == ordinal })
		if described && view.End == view.First && !(runsOn && view.Kind == media.Text) {
			return false
		}
	}
	return true
}

// takeOver makes the snapshot's documents: those of the snapshot before (nil: there is none) which would say the same are
// kept, and those that somebody waits for are rendered.
func (s *snapshot) takeOver(before *snapshot) {
	tracks := len(s.views)
	s.documents = make([]*document, documentPlaylists+3*tracks)
	alike := before != nil && s.alike(before)
	if alike && s.sameSegments(before) {
		copy(s.documents[:documentPlaylists], before.documents)
	}
	for i := range s.documents {
		switch view := (i - documentPlaylists) % max(tracks, 1); {
		case s.documents[i] != nil:
		case alike && i >= documentPlaylists && s.views[view].Same(before.views[view]):
			s.documents[i] = before.documents[i]
		default:
			s.documents[i] = new(document)
			if alike {
				s.renderWanted(i, before.documents[i])
			}
		}
	}
}

// alike tells whether all that a playlist says beside its own track's list is the same: the same documents in the same
// places.
func (s *snapshot) alike(o *snapshot) bool {
	p, q := &s.presentation, &o.presentation
	if p.Live != q.Live || p.TargetDuration != q.TargetDuration || p.PartTarget != q.PartTarget || p.Burst != q.Burst ||
		len(p.Generations) != len(q.Generations) || len(s.views) != len(o.views) {
		return false
	}
	for i := range p.Generations {
		if p.Generations[i].Ordinal != q.Generations[i].Ordinal {
			return false
		}
	}
	for i, view := range s.views {
		if view.Track != o.views[i].Track || len(view.Inits) != len(o.views[i].Inits) {
			return false
		}
	}
	return true
}

// sameSegments tells whether all tracks list the same segments: what has no parts says the same then.
func (s *snapshot) sameSegments(o *snapshot) bool {
	for i, view := range s.views {
		if before := o.views[i]; view.First != before.First || view.End != before.End || view.Kept != before.Kept {
			return false
		}
	}
	return true
}

// view is the list that a document of a track speaks of.
func (s *snapshot) view(which int) *segcache.View {
	return s.views[(which-documentPlaylists)%len(s.views)]
}

// keyFrames tells whether a document of a track is its I-frame playlist.
func (s *snapshot) keyFrames(which int) bool { return (which-documentPlaylists)/len(s.views) == 1 }

// delta is the delta update of a media playlist.
func (s *snapshot) delta(which int) int { return which + 2*len(s.views) }

// follow is the list brought up to what a version says. Everything listed is held.
func (l list) follow(view *segcache.View) list {
	if view.First == l.first && view.End == l.end {
		return l
	}
	runs := make([]manifest.Run, 0, len(l.runs)+2)
	for _, r := range l.runs {
		runs = manifest.AppendRun(runs, cutRun(r, view.First))
	}
	for n := max(view.First, l.end); n < view.End; n++ {
		s := view.Segment(n)
		if s == nil { // not held after all, when the notifier is a window late: what is listed begins behind it
			runs = runs[:0]
			continue
		}
		runs = manifest.AppendRun(runs, runOf(s))
	}
	return list{first: view.First, end: view.End, runs: runs}
}

// partTarget is the PART-TARGET that is offered; 0: none, for parts come too seldom, or it is not known how often. hls.js
// waits for a version with another part no longer than 0.8 target durations, and stalls on encoders that send a segment at a
// time, however far behind it stays.
func partTarget(g *segcache.Generation) int64 {
	if g.Burst == 0 || 2*g.Burst > int64(g.TargetDuration)*int64(time.Second) {
		return 0
	}
	return g.PartTarget
}

// partsBehind is how many target durations before the end of a list parts are said.
//
// Source: RFC 8216bis, 4.4.4.9 (parts further from the end should be removed).
const partsBehind = 3

// partsOf are the parts of the segments that begin within so many seconds of the list's end, and of the open one.
func partsOf(view *segcache.View, seconds int64) (parts []manifest.SegmentParts) {
	if len(view.Inits) == 0 || view.End == view.First {
		return nil
	}
	last := view.Segment(view.End - 1)
	if last == nil {
		return nil
	}
	edge := last.Start + last.Duration - seconds*int64(view.Inits[len(view.Inits)-1].Media.Timescale)
	from := view.End
	for from > view.First {
		if s := view.Segment(from - 1); s == nil || s.Start < edge {
			break
		}
		from--
	}
	for n := from; n < view.End; n++ {
		if s := view.Segment(n); s != nil && len(s.Parts()) > 0 {
			parts = append(parts, manifest.SegmentParts{N: n, Ordinal: s.Ordinal, Parts: s.Parts()})
		}
	}
	if s := view.Open; s != nil {
		parts = append(parts, manifest.SegmentParts{N: s.N, Ordinal: s.Ordinal, Parts: s.Parts()[:view.Parts]})
	}
	return parts
}

func generationOf(g *segcache.Generation) manifest.Generation {
	return manifest.Generation{
		Ordinal: g.Ordinal, N0: g.N0, DiscontinuitySequence: g.DiscontinuitySequence,
		Timescale: g.Timescale, SlotTicks: g.SlotTicks, PhaseTicks: g.PhaseTicks, K0: g.K0, Regular: g.Regular, Dependent: g.Cut,
		Late: g.Late,
	}
}

// trackOf is a listed track as manifests have it.
func trackOf(view *segcache.View, runs []manifest.Run) manifest.Track {
	t := manifest.Track{Name: view.Name, ID: view.ID, Bandwidth: view.Bandwidth, Runs: runs}
	if view.Kept != nil {
		t.Kept = runOf(view.Kept)
	}
	for i := range view.Inits {
		t.Inits = append(t.Inits, manifestInit(&view.Inits[i]))
	}
	for _, r := range runs { // a generation for which the description was not stated anew
		t.Inits = inherit(t.Inits, r.Ordinal)
	}
	if t.Kept.Count > 0 {
		t.Inits = inherit(t.Inits, t.Kept.Ordinal)
	}
	return t
}

// manifestInit is a description as manifests have it.
func manifestInit(i *segcache.Init) manifest.Init {
	return manifest.Init{Ordinal: i.Ordinal, Media: i.Media, Cadence: i.Cadence, Phase: i.Phase}
}

// inherit has a generation take over the description that holds before it, unless it has its own.
func inherit(inits []manifest.Init, ordinal int) []manifest.Init {
	i := len(inits)
	for i > 0 && inits[i-1].Ordinal > ordinal {
		i--
	}
	if i == 0 || inits[i-1].Ordinal == ordinal {
		return inits
	}
	before := inits[i-1]
	before.Ordinal = ordinal
	return slices.Insert(inits, i, before)
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
