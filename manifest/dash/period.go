package dash

import (
	"strconv"

	"weir/manifest"
	"weir/media"
)

// epoch2020 is 2020-01-01T00:00:00Z in seconds since the Unix epoch.
const epoch2020 = 1_577_836_800

// A period is a generation as a Period.
//
// Its start is an instant of the master's grid, in whole ticks of the generation's Timescale. The first generation of a
// channel starts at the first multiple of lcm(D, 1 s) at or after 2020-01-01, plus the phase: long before its first
// segment, a function of the grid alone, and never 0, which ffmpeg takes for "no start" (docs/time.md, section 7). Every
// later one starts at its first slot.
//
// presentationTimeOffset is that instant in the ticks of each track: exact for the master, else rounded down (less than
// one tick, so no segment starts before its Period). Period@start is the same instant in decimal, rounded down to a
// nanosecond: grids such as 1001/30000 s have no finite decimal. Both errors are constant and below what a player's
// clock resolves.
type period struct {
	generation  *manifest.Generation
	from, limit uint64 // list numbers [from,limit)
	foreseen    uint64 // and what is to come, up to this number; at most limit: nothing
	start       int64  // ticks of generation.Timescale since the Unix epoch
	low         low    // of the MPD
	numbered    bool
}

// holds tells whether any track has a segment to list in the period, with or without the kept ones.
func (pd *period) holds(p *manifest.Presentation, kept bool) bool {
	for i := range p.Tracks {
		t := &p.Tracks[i]
		if pd.describe(t) != nil && (pd.hasMedia(t) || kept && pd.kept(t).Count > 0) {
			return true
		}
	}
	return false
}

// listed returns the description of a track in the period, or nil when it is not a Representation there.
func (pd *period) listed(t *manifest.Track) *media.Track {
	if m := pd.describe(t); m != nil && (pd.hasMedia(t) || pd.kept(t).Count > 0) {
		return m
	}
	return nil
}

// describe returns the description of a track of the period, or nil. Metadata tracks are none.
func (pd *period) describe(t *manifest.Track) *media.Track {
	if m := t.Init(pd.generation.Ordinal); m != nil && m.Kind != media.Metadata {
		return m
	}
	return nil
}

func (pd *period) hasMedia(t *manifest.Track) bool {
	for i := range t.Runs {
		if pd.cut(&t.Runs[i]).Count > 0 {
			return true
		}
	}
	return false
}

// cut returns what the period lists of a run: nothing (Count 0) for GAPs and for other generations.
func (pd *period) cut(r *manifest.Run) manifest.Run {
	if r.Gap || r.Ordinal != pd.generation.Ordinal {
		return manifest.Run{}
	}
	return r.Cut(pd.from, pd.limit)
}

// kept returns the newest media segment of the period older than what it lists, or the zero Run. A Representation that
// has nothing else lists it, so that it never runs empty.
func (pd *period) kept(t *manifest.Track) manifest.Run {
	for i := len(t.Runs) - 1; i >= 0; i-- {
		r := &t.Runs[i]
		if r.Gap || r.Ordinal != pd.generation.Ordinal {
			continue
		}
		if old := r.Cut(0, pd.from); old.Count > 0 {
			return old.Cut(old.End()-1, old.End())
		}
	}
	if t.Kept.Count > 0 && t.Kept.Ordinal == pd.generation.Ordinal {
		return t.Kept
	}
	return manifest.Run{}
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
	seconds := (epoch2020 + a - 1) / a * a
	if seconds > (own-g.PhaseTicks)/ts {
		return own // before 2020, or a D with a long lcm, whose first multiple lies ahead of the channel's start
	}
	return seconds*ts + g.PhaseTicks
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
		m := pd.listed(t)
		if m == nil {
			continue
		}
		kept := pd.kept(t)
		ticks := kept.EndTicks()
		for j := range t.Runs {
			if r := pd.cut(&t.Runs[j]); r.Count > 0 {
				ticks = r.EndTicks()
			}
		}
		end = max(end, -manifest.Floor(-ticks, m.Timescale, second))
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
		if opens(p, pd, i) {
			dst = appendSet(dst, p, pd, i)
		}
	}
	for i := range p.Tracks { // last: what does not know it takes the first that it can play
		if tricks(p, pd, i) {
			dst = appendTrickSet(dst, p, pd, i)
		}
	}
	return append(dst, " </Period>\n"...)
}
