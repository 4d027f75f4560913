package segcache

import (
	"slices"
	"time"
)

const (
	assumedSlot   = 2 * time.Second // before the first generation
	targetsBehind = 3               // target durations that bytes stay longer than twice the window
)

// slide moves the left edges of all lists: a track lists the fewest newest entries that fill the window. A track that
// stopped being listed while the channel went on for a window is drained at the channel's pace. It returns what
// evictBehind needs: the position up to which each track's bytes may go; nil: nothing may. Valid until the next call.
func (ch *Channel) slide(tracks []*Track) (cuts []int64) {
	if len(ch.generations) == 0 {
		return nil
	}
	window, retention := int64(ch.window), int64(retention(ch.window, ch.generations))
	newest, found := int64(0), false
	for _, t := range tracks {
		if t.listed {
			if p := ch.position(t.end); !found || p > newest {
				newest, found = p, true
			}
		}
	}
	if !found {
		return nil
	}
	cuts = ch.cuts[:0]
	for _, t := range tracks {
		edge := newest - window
		if t.listed {
			edge = max(edge, ch.position(t.end))
		}
		for t.first < t.end && ch.position(t.first+1) <= edge-window {
			t.pass(t.first)
			t.first++
		}
		cuts = append(cuts, edge-retention)
	}
	ch.cuts = cuts
	return cuts
}

// pass notes the newest media segment that the list has left behind.
func (t *Track) pass(n uint64) {
	if s := t.Segment(n); s != nil && !s.Gap {
		t.passed = s
	}
}

// retention is how long bytes stay, by media time: a window while they are listed, and then another and three target
// durations for players that hold a playlist which listed them.
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
	return int(retention(ch.window, ch.generations)/slot) + 8
}

// evictBehind lets go of the segments that end at or before position cut.
func (t *Track) evictBehind(cut int64) {
	n, top := t.floor.Load(), t.top.Load()
	for n < top && t.channel.position(n+1) <= cut {
		n++
	}
	t.evict(n)
}

// evict lets go of all segments below number end. Readers that hold their bodies keep them. The newest media segment
// that left the list is kept (View.Kept), until a newer one has served its retention too.
func (t *Track) evict(end uint64) {
	from := t.floor.Load()
	if end <= from {
		return
	}
	r := t.ring.Load()
	for n := from; n < end; n++ {
		s := r.get(n)
		if s == nil {
			continue
		}
		if !s.Gap {
			if k := t.kept.Load(); k != nil && k.N < n && k.N < t.passed.N && s.whole() {
				t.forgetKept()
			}
			if t.passed != nil && t.passed.N == n {
				t.kept.Store(s) // before it leaves the ring: readers find it all the time
				r.remove(n)
				continue
			}
		}
		r.remove(n)
		t.drop(s)
	}
	t.floor.Store(end)
	t.gone = end
	t.pruneInits()
}

// forgetKept drops the kept segment.
func (t *Track) forgetKept() {
	if k := t.kept.Swap(nil); k != nil {
		t.drop(k)
	}
}

// drop gives up what the window held of a segment.
func (t *Track) drop(s *Segment) {
	if s.growth != nil {
		s.growth.release()
		t.channel.held.Add(-s.growth.size)
		t.held.Add(-s.growth.size)
	}
}

// pruneInits forgets the descriptions of generations older than the oldest segment held.
func (t *Track) pruneInits() {
	s := t.kept.Load()
	if s == nil {
		if s = t.Segment(t.floor.Load()); s == nil {
			return
		}
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
