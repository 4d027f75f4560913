package timeline

// fracUnit is the resolution of a mapping's offset below one tick. The offset is derived from records alone, so nodes
// round it alike; results are rounded to the nearest tick, far above this error.
const fracUnit = 1 << 16

// Mapping turns encoder ticks of a track into channel ticks (published timescale, since the Unix epoch), on the grid.
// It is a small value, safe to copy and keep; two nodes with the same records have the same Mapping.
type Mapping struct {
	num, den int64 // published ticks per encoder tick, reduced
	off      int64 // published ticks of encoder time 0, whole part
	frac     int64 // and the rest, in 1/fracUnit: 0 <= frac < fracUnit
	cadence  int64 // grid step in published ticks, 0: no grid
	phase    int64 // a sample lies at a multiple of cadence plus phase
}

// At is the channel time of an encoder time: the nearest point of the track's grid, or the nearest tick where it has
// none. It depends on nothing but the mapping and x: never on which sample a node saw first. Times that no clock shows
// saturate.
//
// Rule: docs/time.md, section 1.
func (m Mapping) At(x int64) int64 {
	y, f := x, int64(0)
	if m.num != m.den {
		var r int64
		y, r = mulDiv(x, m.num, m.den)
		f = r * fracUnit / m.den
	}
	y, f = add(y, m.off), f+m.frac
	if f >= fracUnit {
		y, f = add(y, 1), f-fracUnit
	}
	if y > farTicks || y < -farTicks {
		return y
	}
	half := f * 2 / fracUnit // 0 or 1: has the fraction reached a half?
	if m.cadence == 0 {
		return y + half
	}
	return floorDiv(2*(y-m.phase)+half+m.cadence, 2*m.cadence)*m.cadence + m.phase
}

// farTicks is beyond all channel times: no grid is looked for there.
const farTicks = 1 << 60

// mapping is the base as a track sees it: from its encoder's ticks to its published grid.
func (b *Base) mapping(g *Grid, encScale uint32) Mapping {
	p, s := int64(g.Timescale), int64(encScale)
	q1, r1 := mulDiv(b.At, p, b.AtScale)
	q2, r2 := mulDiv(b.Time, p, b.Scale)
	off, frac := sub(q1, q2), r1*fracUnit/b.AtScale-r2*fracUnit/b.Scale
	if frac < 0 {
		off, frac = sub(off, 1), frac+fracUnit
	}
	if g.halfway(off) {
		off = add(off, g.Cadence/8)
	}
	d := gcd(p, s)
	return Mapping{num: p / d, den: s / d, off: off, frac: frac, cadence: g.Cadence, phase: g.Phase}
}

// halfway tells whether encoder samples that are moved by off lie in the middle between two points of the grid, where
// what an encoder rounds (Smooth: to 100 ns) decides for each sample which of the two is nearer. It is common: a join
// moves by whole GOPs, and 2 s are 93.75 frames of AAC. They are moved on by an eighth, which settles it.
func (g *Grid) halfway(off int64) bool {
	if g.Cadence < 16 {
		return false
	}
	r := floorMod(sub(add(off, g.Lattice), g.Phase), g.Cadence)
	return abs(2*r-g.Cadence) <= g.Cadence/8
}

// nanos is the channel time in ns of an encoder time, off the grid.
func (b *Base) nanos(x int64, encScale uint32) int64 {
	return add(scale(x, second, int64(encScale)), sub(scale(b.At, second, b.AtScale), scale(b.Time, second, b.Scale)))
}

// same reports whether two bases lay an encoder's time at the same place, to within half a millisecond.
func (b *Base) same(o *Base) bool { return abs(sub(b.nanos(0, 1), o.nanos(0, 1))) <= second/2000 }

// valid refuses what would break arithmetic: a store is outside input too.
func (b *Base) valid() bool {
	return b.AtScale > 0 && b.AtScale <= 1<<32 && b.Scale > 0 && b.Scale <= 1<<32 &&
		abs(b.At)/b.AtScale < maxSeconds && abs(b.Time)/b.Scale < maxSeconds
}

// base is where the generation's record lays encoder time.
func (g *Generation) base() Base {
	switch {
	case g.Base != nil:
		return *g.Base
	case g.Epoch:
		return Base{AtScale: 25, Scale: 1}
	}
	return Base{At: g.Anchor, AtScale: 25, Scale: 1}
}

// base is where the join's record lays encoder time; g is the generation that it names.
func (j *Join) base(g *Generation) Base {
	b := Base{At: j.At, AtScale: int64(j.AtScale), Time: j.Time, Scale: int64(j.Scale)}
	if b.AtScale == 0 {
		b.AtScale = int64(g.MasterTimescale)
	}
	return b
}
