package segcache

import "sync/atomic"

const (
	minRingSlots = 16
	maxRingSlots = 1 << 16 // also how far ahead of the oldest segment a number may be
)

// A ring holds a track's segment descriptors by number. The writer stores descriptors, readers load them; a descriptor
// is complete before it is stored, which is the edge that readers need. Slot n&mask is free for number n as long as the
// numbers held span no more than the ring's length; the track sees to that by growing a copy (Track.put).
type ring struct {
	mask  uint64
	slots []atomic.Pointer[Segment]
}

func newRing(slots int) *ring {
	n := minRingSlots
	for n < slots && n < maxRingSlots {
		n *= 2
	}
	return &ring{mask: uint64(n - 1), slots: make([]atomic.Pointer[Segment], n)}
}

// get is the descriptor of number n; nil: not held.
func (r *ring) get(n uint64) *Segment {
	if s := r.slots[n&r.mask].Load(); s != nil && s.N == n {
		return s
	}
	return nil
}

func (r *ring) put(s *Segment)   { r.slots[s.N&r.mask].Store(s) }
func (r *ring) remove(n uint64)  { r.slots[n&r.mask].Store(nil) }
func (r *ring) spans(n int) bool { return n <= len(r.slots) }

// grown is a ring of at least slots, with the segments of [from,to) of r.
func (r *ring) grown(slots int, from, to uint64) *ring {
	g := newRing(slots)
	for n := from; n < to; n++ {
		if s := r.get(n); s != nil {
			g.put(s)
		}
	}
	return g
}
