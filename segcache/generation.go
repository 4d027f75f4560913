package segcache

import (
	"slices"
	"time"
)

// A Generation mirrors the generation record of the timeline, as far as lists depend on it.
type Generation struct {
	Ordinal               int
	N0                    uint64 // number of its first slot
	DiscontinuitySequence uint64
	Timescale             uint32 // of the master grid
	SlotTicks             int64  // slot k starts at k*SlotTicks + PhaseTicks
	PhaseTicks            int64
	K0                    int64
	Regular               bool
	Cut                   bool // segments are cut at the slot, with or without a sync sample
	Epoch                 bool
	TargetDuration        int   // seconds; 0: as in the generation before
	PartTarget            int64 // nanoseconds; 0: as in the generation before
	Late                  int64 // nanoseconds: how late media came by the encoder's clock when it was opened
	Burst                 int64 // nanoseconds: how much media comes at a time; 0: as in the generation before, or not known
}

// SetGenerations states the generations, in order of ordinal. They are append-only records: those known already are
// kept, and those that nothing held belongs to any more are forgotten. State a generation before its segments are
// listed: until the first, nothing leaves the window. Writer.
func (ch *Channel) SetGenerations(generations []Generation) {
	all, bases := slices.Clone(ch.generations), slices.Clone(ch.bases)
	for _, g := range generations {
		base := int64(0)
		if n := len(all); n > 0 {
			before := &all[n-1]
			if g.Ordinal <= before.Ordinal {
				continue
			}
			if g.TargetDuration == 0 {
				g.TargetDuration = before.TargetDuration
			}
			if g.PartTarget == 0 {
				g.PartTarget = before.PartTarget
			}
			if g.Burst == 0 {
				g.Burst = before.Burst
			}
			base = bases[n-1] + before.span(g.N0)
		}
		all, bases = append(all, g), append(bases, base)
	}
	ch.generations, ch.bases = all, bases
}

// span is the length in nanoseconds of the slots from the generation's first to number n.
func (g *Generation) span(n uint64) int64 {
	if g.Timescale == 0 {
		return 0
	}
	ticks, scale := (int64(n)-int64(g.N0))*g.SlotTicks, int64(g.Timescale)
	return ticks/scale*int64(time.Second) + ticks%scale*int64(time.Second)/scale
}

// position is where slot n starts on the channel's media time, in nanoseconds from an arbitrary origin. Holes between
// generations do not count, so that a leap of an encoder's clock never empties a window. It is a function of the number
// alone: all tracks list the same numbers, on all nodes. Call it only when there is a generation.
func (ch *Channel) position(n uint64) int64 {
	i := containing(ch.generations, n)
	return ch.bases[i] + ch.generations[i].span(n)
}

// pruneGenerations forgets the generations whose numbers no track holds any more, and returns those that a list shows.
func (ch *Channel) pruneGenerations(tracks []*Track) (listed []Generation) {
	held, first, found := uint64(0), uint64(0), false
	for _, t := range tracks {
		if !t.listed {
			continue
		}
		h, f := min(t.floor.Load(), t.first), t.first
		if k := t.kept.Load(); k != nil {
			h = min(h, k.N)
		}
		if k := t.keptView(); k != nil {
			f = k.N
		}
		if !found {
			held, first, found = h, f, true
		}
		held, first = min(held, h), min(first, f)
	}
	if k := containing(ch.generations, held); found && k > 0 {
		ch.generations, ch.bases = slices.Clone(ch.generations[k:]), slices.Clone(ch.bases[k:])
	}
	k := containing(ch.generations, first)
	return ch.generations[k:len(ch.generations):len(ch.generations)]
}

// containing is the index of the generation that number n belongs to; 0 when it is older than all.
func containing(generations []Generation, n uint64) int {
	k := 0
	for k+1 < len(generations) && generations[k+1].N0 <= n {
		k++
	}
	return k
}
