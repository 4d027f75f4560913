package timeline

const second = int64(1e9)

// slotStart is the boundary of slot k in master ticks since the epoch.
//
// Rule: docs/time.md, section 2.
func (g *Generation) slotStart(k int64) int64 { return k*g.D + g.Phase }

// slotAt is the slot that a master time lies in.
func (g *Generation) slotAt(at int64) int64 { return floorDiv(at-g.Phase, g.D) }

// firstSlotFrom is the first slot that starts at or after a master time.
func (g *Generation) firstSlotFrom(at int64) int64 { return -floorDiv(g.Phase-at, g.D) }

// number is the segment number of slot k. Slots before K0 have none.
func (g *Generation) number(k int64) uint64 { return g.N0 + uint64(k-g.K0) }

// slot is the slot of number n.
func (g *Generation) slot(n uint64) int64 { return g.K0 + int64(n-g.N0) }

// edge is where slot k begins for a track, in its ticks: exactly the samples at or after it, and before the next slot's
// edge, start in the slot. On a video grid it is the point nearest to the boundary, because a sibling's sync sample may
// be a fraction of its tick away; on an audio grid, the first frame at or after it. Without a grid a video boundary
// gives way by 2 ms, more than encoders round by and less than any frame lasts.
func (g *Generation) edge(t *Grid, k int64) int64 {
	b, p, m := g.slotStart(k), int64(t.Timescale), int64(g.MasterTimescale)
	switch {
	case t.Kind == Video && t.Cadence != 0:
		return nearTo(scaleNear(b, p, m), t.Cadence, t.Phase)
	case t.Kind == Video:
		return scaleUp(b, p, m) - p/500
	case t.Cadence != 0:
		return ceilTo(scaleUp(b, p, m), t.Cadence, t.Phase)
	}
	return scaleUp(b, p, m)
}

// slotOf is the slot that a track's time lies in.
func (g *Generation) slotOf(t *Grid, s int64) int64 {
	k := g.slotAt(scale(s, int64(g.MasterTimescale), int64(t.Timescale)))
	for s < g.edge(t, k) {
		k--
	}
	for s >= g.edge(t, k+1) {
		k++
	}
	return k
}

// startNanos is the channel time at which slot k starts.
func (g *Generation) startNanos(k int64) int64 {
	return scale(g.slotStart(k), second, int64(g.MasterTimescale))
}

// endNanos is the latest channel time at which slot k's media can end: its boundary, or the next one where segments
// run on to a sync sample.
func (g *Generation) endNanos(k int64) int64 {
	if !g.Regular && !g.Cut {
		k++
	}
	return g.startNanos(k + 1)
}

// irregular tells whether segments run on to the first sync sample of the next slot.
func (g *Generation) irregular() bool { return !g.Regular && !g.Cut }

// dNanos is the slot length, rounded down.
func (g *Generation) dNanos() int64 { return scale(g.D, second, int64(g.MasterTimescale)) }

// gopNanos is the GOP, rounded down.
func (g *Generation) gopNanos() int64 { return scale(g.GOP, second, int64(g.MasterTimescale)) }

// half is half the TARGETDURATION: what a deadline allows beyond the lag.
func (g *Generation) half() int64 { return int64(g.TargetDuration) * second / 2 }

// partTicks is the PART-TARGET in a track's ticks, rounded down: a hole up to this long loses no slot.
func (g *Generation) partTicks(t *Grid) int64 { return scale(g.PartTarget, int64(t.Timescale), second) }

// startTicks is how far after a slot's edge an encoder's first audio may come.
func (g *Generation) startTicks(t *Grid) int64 { return min(g.partTicks(t), 2*t.Cadence) }

// grid is the track's entry, or nil.
func (g *Generation) grid(name string) *Grid {
	for i := range g.Tracks {
		if g.Tracks[i].Name == name {
			return &g.Tracks[i]
		}
	}
	return nil
}

// valid refuses records that would break arithmetic: a store is outside input too.
func (g *Generation) valid() bool {
	m := int64(g.MasterTimescale)
	if m == 0 || m > maxTimescale || g.D < m/4 || g.D > m*maxSlotSeconds || g.GOP <= 0 || g.GOP > m*3600 ||
		g.TargetDuration <= 0 || g.TargetDuration > 2*maxSlotSeconds || g.PartTarget <= 0 || g.PartTarget > maxSlotSeconds*second || g.Burst < 0 ||
		g.Phase < 0 || g.Phase > m*3600 || g.K0 < 0 || g.K0 > maxSeconds*m/g.D || g.N0 > 1<<52 ||
		len(g.Tracks) == 0 || len(g.Tracks) > maxTracks {
		return false
	}
	if base := g.base(); !base.valid() {
		return false
	}
	for i := range g.Tracks {
		t := &g.Tracks[i]
		if t.Timescale == 0 || t.Timescale > maxTimescale || t.Cadence < 0 || t.Cadence > int64(t.Timescale)*10 ||
			t.Phase < 0 || t.Phase > int64(t.Timescale)*10 {
			return false
		}
	}
	return g.Master == "" || g.grid(g.Master) != nil && g.grid(g.Master).Timescale == g.MasterTimescale
}

// Bounds on what comes from outside. Times of 136 years and timescales below 2^21 keep channel ticks below 2^53.
const (
	maxSeconds     = 1 << 32
	maxTimescale   = 1<<21 - 1
	maxTracks      = 64
	maxSlotSeconds = 600
)

// plausible reports whether an encoder time can be calculated with: at most 136 years from 0.
func plausible(x int64, encScale uint32) bool { return abs(x)/int64(encScale) < maxSeconds }
