package segcache

import "errors"

// An Entry is one entry of a track's list.
type Entry struct {
	N          uint64
	Slot       int64
	Ordinal    int
	Start, End int64 // ticks
	Gap        bool
}

// List appends an entry to the track's list; readers see it with the next Publish. Numbers are consecutive.
//
// ErrNotWhole: the segment has no body, so that it was listed as GAP. ErrOrder: N is not the next number; an older one
// is ignored, with a newer one the list starts anew there. ErrLate, ErrClosed: N cannot be held, and was ignored. Writer.
func (t *Track) List(e Entry) error {
	if t.listed && e.N < t.end {
		return t.fail(e.N, ErrOrder)
	}
	var problem error
	s := t.Segment(e.N)
	if !e.Gap && (s == nil || !s.whole()) {
		e.Gap, problem = true, ErrNotWhole
	}
	if e.Gap {
		if err := t.putGap(e, s); err != nil {
			return t.fail(e.N, err)
		}
	}
	if !t.listed || e.N > t.end {
		if t.listed {
			problem = ErrOrder
			t.passAll()
		}
		t.first = e.N
	}
	t.listed, t.end, t.parts = true, e.N+1, 0
	if e.Gap {
		t.wake()
	}
	return t.fail(e.N, problem)
}

// putGap stores the descriptor of a GAP, with what came of the segment s (nil: nothing).
func (t *Track) putGap(e Entry, s *Segment) error {
	gap := &Segment{N: e.N, Slot: e.Slot, Ordinal: e.Ordinal, Start: e.Start, Duration: e.End - e.Start, Gap: true}
	if s != nil {
		gap.growth = s.growth
	}
	err := t.put(gap)
	if errors.Is(err, ErrFar) { // numbers leapt by more media than any window keeps: what is behind goes at once
		t.passAll()
		t.evict(t.top.Load())
		err = t.put(gap)
	}
	return err
}

// passAll has the list leave all its entries behind.
func (t *Track) passAll() {
	for ; t.first < t.end; t.first++ {
		t.pass(t.first)
	}
}
