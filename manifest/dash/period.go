package dash

import (
	"strconv"

	"weir/manifest"
)

// epoch2020 is 2020-01-01T00:00:00Z in seconds since the Unix epoch.
const epoch2020 = 1_577_836_800

// A period is a generation as a Period.
//
// Its start is an instant of the master's grid, in whole ticks of the generation's Timescale. The first generation of a
// channel starts at the first multiple of lcm(D, 1 s) at or after 2020-01-01, plus the phase: long before its first
// segment, a function of the grid alone, and never 0, which ffmpeg takes for "no start" (reference/delivery.md, 5.1).
// Every later one starts at its first slot.
//
// presentationTimeOffset is that instant in the ticks of each track: exact for the master, else rounded down (less than
// one tick, so no segment starts before its Period). Period@start is the same instant in decimal, rounded down to a
// nanosecond: grids such as 1001/30000 s have no finite decimal. Both errors are constant and below what a player's
// clock resolves.
type period struct {
	generation *manifest.Generation
	limit      uint64 // list numbers below this one
	start      int64  // ticks of generation.Timescale since the Unix epoch
}

// layout returns the Periods to list: generations with media, or, in an outage that is older than the window, those of
// the kept segments. There is always one.
func layout(p *manifest.Presentation) []period {
	periods := make([]period, 0, len(p.Generations)+1)
	for _, kept := range []bool{false, true} {
		for i := range p.Generations {
			g := &p.Generations[i]
			pd := period{g, listedByAll(p, g), periodStart(g)}
			if pd.holds(p, kept) {
				periods = append(periods, pd)
			}
		}
		if len(periods) > 0 {
			return periods
		}
	}
	if n := len(p.Generations); n > 0 {
		g := &p.Generations[n-1]
		return append(periods, period{generation: g, start: periodStart(g)})
	}
	return append(periods, period{generation: &manifest.Generation{Timescale: 1}})
}

// listedByAll returns the number up to which every track of the generation has listed media or GAPs.
func listedByAll(p *manifest.Presentation, g *manifest.Generation) uint64 {
	limit, found := uint64(0), false
	for i := range p.Tracks {
		t := &p.Tracks[i]
		if t.Init(g.Ordinal) == nil {
			continue // not of this generation: it must not hold the others back
		}
		if end := t.End(); !found || end < limit {
			limit, found = end, true
		}
	}
	return limit
}

// holds tells whether any track has a segment to list in the period, with or without the kept ones.
func (pd *period) holds(p *manifest.Presentation, kept bool) bool {
	for i := range p.Tracks {
		t := &p.Tracks[i]
		if t.Init(pd.generation.Ordinal) == nil {
			continue
		}
		if pd.hasMedia(t) || kept && pd.hasKept(t) {
			return true
		}
	}
	return false
}

func (pd *period) hasMedia(t *manifest.Track) bool {
	for i := range t.Runs {
		if pd.count(&t.Runs[i]) > 0 {
			return true
		}
	}
	return false
}

func (pd *period) hasKept(t *manifest.Track) bool {
	return t.Kept.Count > 0 && t.Kept.Ordinal == pd.generation.Ordinal
}

// lists tells whether the track is a Representation of the period.
func (pd *period) lists(t *manifest.Track) bool {
	return t.Init(pd.generation.Ordinal) != nil && (pd.hasMedia(t) || pd.hasKept(t))
}

// count returns how many segments of the run the period lists.
func (pd *period) count(r *manifest.Run) int {
	if r.Gap || r.Ordinal != pd.generation.Ordinal || r.N >= pd.limit {
		return 0
	}
	return int(min(uint64(r.Count), pd.limit-r.N))
}

// periodStart returns the start of the generation's Period in ticks of its Timescale.
func periodStart(g *manifest.Generation) int64 {
	own := g.SlotStart(g.N0)
	if g.DiscontinuitySequence > 0 || g.Timescale == 0 || g.SlotTicks <= 0 {
		return own
	}
	// For D = a/b seconds in lowest terms, lcm(D, 1 s) is a seconds.
	ts := int64(g.Timescale)
	a := g.SlotTicks / gcd(g.SlotTicks, ts)
	if own/ts < epoch2020 || a > own/ts {
		return own
	}
	start := (epoch2020+a-1)/a*a*ts + g.PhaseTicks
	if start > own {
		return own // a D with a long period: its first multiple may lie ahead of the channel's start
	}
	return start
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// offset is the presentationTimeOffset of a track with the given timescale.
func (pd *period) offset(timescale uint32) int64 {
	return manifest.Floor(pd.start, pd.generation.Timescale, timescale)
}

func (pd *period) startNanos() int64 { return pd.offset(second) }

// endNanos is where the last listed segment ends, rounded up, in nanoseconds since the Unix epoch.
func (pd *period) endNanos(p *manifest.Presentation) int64 {
	end := pd.startNanos()
	for i := range p.Tracks {
		t := &p.Tracks[i]
		if !pd.lists(t) {
			continue
		}
		timescale := t.Init(pd.generation.Ordinal).Timescale
		ticks := t.Kept.EndTicks()
		for j := range t.Runs {
			if n := pd.count(&t.Runs[j]); n > 0 {
				ticks = t.Runs[j].Start + int64(n)*t.Runs[j].Duration
			}
		}
		end = max(end, -manifest.Floor(-ticks, timescale, second))
	}
	return end
}

// appendPeriod appends the Period with its AdaptationSets; last is set on the last one of a presentation that is over.
func appendPeriod(dst []byte, p *manifest.Presentation, pd *period, last bool) []byte {
	start := pd.startNanos()
	dst = append(dst, ` <Period id="p`...)
	dst = strconv.AppendInt(dst, start/1_000_000, 10)
	dst = appendDuration(append(dst, `" start=`...), start)
	if last {
		dst = appendDuration(append(dst, ` duration=`...), pd.endNanos(p)-start)
	}
	dst = append(dst, ">\n"...)
	for i := range p.Tracks {
		if first(p, pd, i) {
			dst = appendSet(dst, p, pd, i)
		}
	}
	return append(dst, " </Period>\n"...)
}
