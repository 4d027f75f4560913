package segcache

import "sync/atomic"

// A Segment describes one segment of a track, and leads to its bytes. It is immutable once published: when the segment
// becomes whole, or is listed as GAP, another descriptor takes its place. Hold it as long as you like.
type Segment struct {
	N        uint64
	Slot     int64
	Ordinal  int   // generation
	Start    int64 // ticks of the track since the Unix epoch
	Duration int64 // ticks; 0 while the segment grows
	Gap      bool  // listed as GAP: it stays so, even if a Body comes later

	growth *growth // nil: a GAP of which nothing came
}

// Body is the whole segment's bytes, once it is complete; else false. It does not allocate.
func (s *Segment) Body() (Body, bool) {
	if s.growth == nil {
		return Body{}, false
	}
	w := s.growth.whole.Load()
	if w == nil {
		return Body{}, false
	}
	return Body{src: w, n: w.size}, true
}

// Grow is what has been committed of the segment from byte off on, and whether that is all there will be. A reader that
// follows a growing segment waits for the channel's next Version between calls. A segment that was cut by the end of its
// input never becomes whole: give up when the Version has listed a later one.
func (s *Segment) Grow(off int64) (b Body, whole bool) {
	if s.growth == nil {
		return Body{}, false
	}
	if w := s.growth.whole.Load(); w != nil {
		return Body{src: w, n: w.size}.Range(off, w.size), true
	}
	ix := s.growth.index.Load()
	all := ix.gather(int(ix.n.Load()))
	return Body{src: all, n: all.size}.Range(off, all.size), false
}

// Variant is the slot for what is derived from the segment's bytes (encrypted or re-packaged forms): it lives as long as
// the segment does. Whoever fills it defines the one type that it stores; nil for a GAP of which nothing came.
func (s *Segment) Variant() *atomic.Value {
	if s.growth == nil {
		return nil
	}
	return &s.growth.variant
}
