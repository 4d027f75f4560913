package manifest

import "weir/media"

// Edge is where slot n begins for a track, in its ticks, where that follows from grids alone: a segment of the generation
// runs from its edge to the next one, unless another generation begins there. On a video grid it is the point nearest to
// the slot's start, on an audio grid the first frame at or after it, in text the slot's start rounded up. It reports
// false where nobody can say: pictures without a grid, and segments that run on to a sync sample.
//
// It is the timeline's own rule (docs/time.md, section 2), said again here because packages of manifest know nothing of
// ingest.
func (g *Generation) Edge(init *Init, n uint64) (ticks int64, ok bool) {
	m := init.Media
	if !g.Regular || g.Timescale == 0 || m.Timescale == 0 || init.Cadence <= 0 && m.Kind != media.Text {
		return 0, false
	}
	start := g.SlotStart(n)
	switch {
	case init.Cadence <= 0:
		return ceil(start, g.Timescale, m.Timescale), true
	case m.Kind == media.Video:
		at := Nearest(start, g.Timescale, m.Timescale) - init.Phase
		return floorDiv(at+init.Cadence/2, init.Cadence)*init.Cadence + init.Phase, true
	}
	at := ceil(start, g.Timescale, m.Timescale) - init.Phase
	return -floorDiv(-at, init.Cadence)*init.Cadence + init.Phase, true
}

// PartLength is how long the parts of a track are that begin before the last one of a segment, in its ticks: as many whole
// samples as a target of so many nanoseconds holds, one at least. It is 0 off grids.
func (i *Init) PartLength(target int64) int64 {
	if i.Cadence <= 0 || i.Media.Timescale == 0 {
		return 0
	}
	return max(Floor(target, 1e9, i.Media.Timescale)/i.Cadence, 1) * i.Cadence
}

// ceil is Floor, rounded up.
func ceil(ticks int64, timescale, units uint32) int64 { return -Floor(-ticks, timescale, units) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
