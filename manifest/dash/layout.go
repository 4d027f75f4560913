package dash

import (
	"weir/manifest"
	"weir/media"
)

// A layout is what an MPD lists: a function of the newest slot that all tracks have listed, and of what is in the slots
// before it. Tracks list a slot one after the other, and each lets its oldest go as it does; neither may show, for an MPD
// with another content needs another publishTime.
type layout struct {
	presentation *manifest.Presentation
	from, limit  uint64               // numbers to list: [from,limit)
	newest       *manifest.Generation // the one that limit-1 belongs to; nil when nothing is listed
	next         *manifest.Generation // one that is known and not listed yet, or nil
	low          low                  // zero: nothing is said of low latency
	form         form
	periods      []period // never empty
}

// A form is one of the MPDs that a presentation has.
type form uint8

const (
	byTime    form = iota // what all tracks have listed
	byTimeLow             // and what is to come
	byNumber
)

var nothing = manifest.Generation{Timescale: 1}

// newLayout lays a presentation out; space is where periods may lie.
//
// The Periods are the generations with media, or, in an outage that is older than the window, those of the kept segments.
func newLayout(p *manifest.Presentation, f form, space []period) layout {
	l := layout{presentation: p, form: f, periods: space[:0]}
	for i := len(p.Generations) - 1; i >= 0 && l.newest == nil; i-- {
		if limit := l.limitOf(i); limit > p.Generations[i].N0 {
			l.newest, l.limit = &p.Generations[i], limit
			l.from = first(p, i, limit)
			if i+1 < len(p.Generations) {
				l.next = &p.Generations[i+1]
			}
		}
	}
	l.low = l.lowLatency()
	for _, kept := range []bool{false, true} {
		for i := range p.Generations {
			g := &p.Generations[i]
			pd := period{
				generation: g, from: l.from, limit: l.limitOf(i), start: periodStart(g), numbered: f == byNumber, low: l.low,
			}
			if g == l.newest {
				pd.foreseen = l.foreseen()
			}
			if pd.holds(p, kept) {
				l.periods = append(l.periods, pd)
			}
		}
		if len(l.periods) > 0 {
			return l
		}
	}
	if n := len(p.Generations); n > 0 {
		g := &p.Generations[n-1]
		l.periods = append(l.periods, period{generation: g, start: periodStart(g)})
	} else {
		l.periods = append(l.periods, period{generation: &nothing})
	}
	return l
}

// limitOf returns the number up to which every track of generation i has listed media or GAPs, which ends where the next
// generation begins.
//
// A track is of the generation if it was described or has listed anything there. (It would not do to wait for its
// description: when it comes, the limit would step back.)
func (l *layout) limitOf(i int) uint64 {
	p := l.presentation
	g := &p.Generations[i]
	limit, found := uint64(0), false
	for j := range p.Tracks {
		t := &p.Tracks[j]
		if !member(t, g.Ordinal) {
			continue
		}
		if end := t.End(); !found || end < limit {
			limit, found = end, true
		}
	}
	if i+1 < len(p.Generations) {
		limit = min(limit, p.Generations[i+1].N0)
	}
	return limit
}

// member tells whether a track belongs to a generation. Metadata tracks belong to none here: their events have forms of
// their own.
func member(t *manifest.Track, ordinal int) bool {
	if m := t.Nearest(ordinal); m != nil && m.Kind == media.Metadata {
		return false
	}
	if t.Init(ordinal) != nil {
		return true
	}
	for i := range t.Runs {
		if t.Runs[i].Ordinal == ordinal {
			return true
		}
	}
	return false
}

// first returns the first number to list when the numbers below limit, of generation i, are: the fewest slots that fill
// the window less what a track may have let go that is ahead of the others.
func first(p *manifest.Presentation, i int, limit uint64) uint64 {
	if p.Window <= 0 {
		return 0
	}
	remaining := max(p.Window-lead(p, &p.Generations[i]), p.Window/2)
	for end := limit; ; i-- {
		g := &p.Generations[i]
		if g.SlotTicks <= 0 || g.Timescale == 0 {
			return 0
		}
		ticks := -manifest.Floor(-remaining, second, g.Timescale)
		slots := uint64((ticks + g.SlotTicks - 1) / g.SlotTicks)
		if have := end - g.N0; slots <= have {
			return end - slots
		} else if i == 0 {
			return 0
		} else {
			remaining -= manifest.Floor(int64(have)*g.SlotTicks, g.Timescale, second)
			end = g.N0
		}
	}
}

// lead is how far one track's list may be ahead of another's, in nanoseconds and whole segments of the longest: so much less
// than the window is there of all tracks. A track is listed up to a part and a burst, or two parts, ahead of the lag, and
// waited for until half a TARGETDURATION behind its slot's end and the lag (docs/time.md, section 4). It is a segment where
// encoders send chunks, and two where they send whole segments.
func lead(p *manifest.Presentation, g *manifest.Generation) int64 {
	part, slot := p.PartTarget, int64(0)
	if part == 0 {
		part = unsaidPart
	}
	if g.Timescale > 0 {
		slot = manifest.Floor(g.SlotTicks, g.Timescale, second)
	}
	if slot <= 0 {
		return longestSegment(p)
	}
	ahead := int64(p.TargetDuration)*second/2 + max(part+p.Burst, 2*part)
	return (ahead + slot - 1) / slot * longestSegment(p)
}

// unsaidPart is the part where no low latency is offered, and its target not said: at most so long as a rule.
const unsaidPart = second / 2

// longestSegment is a bound in nanoseconds: no EXTINF rounds to more than the TARGETDURATION, so no segment is half a
// second longer.
func longestSegment(p *manifest.Presentation) int64 {
	return int64(p.TargetDuration)*second + second/2
}

// publishTime returns milliseconds since the Unix epoch: the end of the newest slot listed, rounded up, and the delay. Where
// segments are foreseen, one more once the generation is known that may end what was foreseen.
func (l *layout) publishTime() int64 {
	if l.newest == nil {
		return publishDelay
	}
	t := -manifest.Floor(-l.newest.SlotStart(l.limit), l.newest.Timescale, 1000) + publishDelay
	if l.next != nil && l.offersLow() {
		t++
	}
	return t
}

// updatePeriod is one slot of the newest generation, in nanoseconds: nothing new can be listed sooner. With low latency
// a player that asks less often than it must, or gets what a cache has kept, has to know the next segment all the same.
func (l *layout) updatePeriod() int64 {
	if g := l.newest; g != nil {
		if d := manifest.Floor(g.SlotTicks, g.Timescale, second); d > 0 {
			if l.low.said() && l.form == byTimeLow {
				d = min(d, max(d/2, second))
			}
			return d
		}
	}
	return int64(max(1, l.presentation.TargetDuration)) * second
}
