package manifest

import "weir/media"

// SegmentParts are the parts of one segment that are listed: all of them, unless it is open or a GAP.
type SegmentParts struct {
	N       uint64
	Ordinal int
	Parts   []media.Part
}

// NextPart is the part of a track that comes after the last listed one: what a list hints at. It is the first of the segment
// after the open one where the grid says that the open one has all its parts.
func (p *Presentation) NextPart(t *Track) (n uint64, part int) {
	n = t.End()
	if len(t.Parts) == 0 {
		return n, 0
	}
	open := &t.Parts[len(t.Parts)-1]
	if open.N != n || len(open.Parts) == 0 {
		return n, 0
	}
	if end, ok := p.EndOf(t, n); ok && open.Parts[len(open.Parts)-1].End >= end {
		return n + 1, 0
	}
	return n, len(open.Parts)
}

// GenerationAt is the generation that segment n lies in, as far as is known, or nil.
func (p *Presentation) GenerationAt(n uint64) *Generation {
	for i := len(p.Generations) - 1; i >= 0; i-- {
		if g := &p.Generations[i]; g.N0 <= n {
			return g
		}
	}
	return nil
}

// EndOf is where segment n of a track ends by its grid, in its ticks: at its next edge, or where another generation begins.
// It reports false where nobody can say.
func (p *Presentation) EndOf(t *Track, n uint64) (end int64, ok bool) {
	g := p.GenerationAt(n)
	if g == nil {
		return 0, false
	}
	grid := t.Grid(g.Ordinal)
	if grid == nil {
		return 0, false
	}
	if end, ok = g.Edge(grid, n+1); !ok {
		return 0, false
	}
	if next := p.GenerationAt(n + 1); next != g {
		if grid := t.Grid(next.Ordinal); grid != nil {
			if at, ok := next.Edge(grid, n+1); ok {
				end = min(end, at)
			}
		}
	}
	return end, true
}
