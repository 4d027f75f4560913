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
	Epoch                 bool
	TargetDuration        int   // seconds; 0: as in the generation before
	PartTarget            int64 // nanoseconds; 0: as in the generation before
}

const (
	assumedSlot   = 2 * time.Second // before the first generation
	targetsBehind = 3               // target durations that bytes stay longer than twice the window
)

// SetGenerations states the generations, in order of ordinal. They are append-only records: those known already are
// kept, and those that nothing held belongs to any more are forgotten. State a generation before its segments are
// listed: until the first, nothing leaves the window. Writer.
func (ch *Channel) SetGenerations(generations []Generation) {
	all, bases := slices.Clone(ch.generations), slices.Clone(ch.bases)
	for _, g := range generations {
		if n := len(all); n == 0 {
			bases = append(bases, 0)
		} else if before := &all[n-1]; g.Ordinal <= before.Ordinal {
			continue
		} else {
			if g.TargetDuration == 0 {
				g.TargetDuration = before.TargetDuration
			}
			if g.PartTarget == 0 {
				g.PartTarget = before.PartTarget
			}
			bases = append(bases, bases[n-1]+before.span(g.N0))
		}
		all = append(all, g)
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
	i := len(ch.generations) - 1
	for i > 0 && ch.generations[i].N0 > n {
		i--
	}
	return ch.bases[i] + ch.generations[i].span(n)
}

// slide moves the left edges of all lists: a track lists the fewest newest entries that fill the window. A track that
// stopped being listed while the channel went on for a window is drained at the channel's pace. It returns what evict
// needs: the position up to which each track's bytes may go.
func (ch *Channel) slide(tracks []*Track) (cuts []int64) {
	if len(ch.generations) == 0 {
		return nil
	}
	window, retention := int64(ch.window), int64(ch.retention())
	newest, any := int64(0), false
	for _, t := range tracks {
		if t.listed {
			if p := ch.position(t.end); !any || p > newest {
				newest, any = p, true
			}
		}
	}
	if !any {
		return nil
	}
	cuts = make([]int64, len(tracks))
	for i, t := range tracks {
		edge := newest - window
		if t.listed {
			edge = max(edge, ch.position(t.end))
		}
		for t.first < t.end && ch.position(t.first+1) <= edge-window {
			t.first++
		}
		cuts[i] = edge - retention
	}
	return cuts
}

// retention is how long bytes stay, by media time: while they are listed, and then for as long as a playlist that
// listed them may be in use.
func (ch *Channel) retention() time.Duration {
	return retention(ch.window, ch.generations)
}

func retention(window time.Duration, generations []Generation) time.Duration {
	target := assumedSlot
	if n := len(generations); n > 0 {
		target = time.Duration(generations[n-1].TargetDuration) * time.Second
	}
	return 2*window + targetsBehind*target
}

// ringSlots is how many numbers a ring should have room for: those retained, and a few that grow.
func (ch *Channel) ringSlots() int {
	slot := assumedSlot
	if n := len(ch.generations); n > 0 {
		g := &ch.generations[n-1]
		slot = max(time.Duration(g.span(g.N0+1)), 100*time.Millisecond)
	}
	return int(ch.retention()/slot) + 8
}

// evictBehind lets go of the segments that end at or before position cut.
func (t *Track) evictBehind(cut int64) {
	n, top := t.floor.Load(), t.top.Load()
	for n < top && t.channel.position(n+1) <= cut {
		n++
	}
	t.evict(n)
}

// evict lets go of all segments below number end. Readers that hold their bodies keep them.
func (t *Track) evict(end uint64) {
	from := t.floor.Load()
	if end <= from {
		return
	}
	t.floor.Store(end)
	t.gone = end
	r := t.ring.Load()
	for n := from; n < end; n++ {
		s := r.get(n)
		if s == nil {
			continue
		}
		r.remove(n)
		if s.growth != nil {
			s.growth.release()
			t.discount(s.growth.size)
		}
	}
	t.pruneInits()
}

// pruneInits forgets the descriptions of generations older than the oldest segment held.
func (t *Track) pruneInits() {
	s := t.Segment(t.floor.Load())
	if s == nil {
		return
	}
	inits := *t.inits.Load()
	keep := 0
	for keep+1 < len(inits) && inits[keep+1].Ordinal <= s.Ordinal {
		keep++
	}
	if keep > 0 {
		rest := slices.Clone(inits[keep:])
		t.inits.Store(&rest)
	}
}

// pruneGenerations forgets the generations whose numbers no track holds any more, and returns those that a list shows.
func (ch *Channel) pruneGenerations(tracks []*Track) (listed []Generation) {
	var held, first uint64
	for _, t := range tracks {
		if !t.listed {
			continue
		}
		if f := min(t.floor.Load(), t.first); held == 0 || f < held {
			held = f
		}
		if first == 0 || t.first < first {
			first = t.first
		}
	}
	if k := containing(ch.generations, held); k > 0 {
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
