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

// whole reports whether the segment has a body.
func (s *Segment) whole() bool { return s.growth != nil && s.growth.whole.Load() }

// Body is the whole segment's bytes, once it is complete; else false. A segment that was listed as GAP and became whole
// later has a Body too. It does not allocate.
func (s *Segment) Body() (Body, bool) {
	if !s.whole() {
		return Body{}, false
	}
	g := s.growth
	ix := g.index.Load()
	chunks := int(ix.n.Load())
	return Body{index: ix, tag: &g.etag, chunks: chunks, n: ix.size(chunks)}, true
}

// Grow is what has been committed of the segment from byte off on, and whether that is all there will be. It does not
// allocate.
//
// A reader that follows a growing segment takes Track.Grown before each call, and waits for it where nothing new came. A
// segment that was cut by the end of its input never becomes whole: give up when the track holds it as a GAP, or no more.
func (s *Segment) Grow(off int64) (b Body, whole bool) {
	if b, whole = s.Body(); whole {
		return b.Range(off, b.n), true
	}
	if s.growth == nil {
		return Body{}, false
	}
	ix := s.growth.index.Load()
	chunks := int(ix.n.Load())
	b = Body{index: ix, chunks: chunks, n: ix.size(chunks)}
	return b.Range(off, b.n), false
}

// Variant is the slot for what is derived from the segment's bytes (encrypted or re-packaged forms): it lives as long as
// the segment does. Whoever fills it defines the one type that it stores; nil for a GAP of which nothing came.
func (s *Segment) Variant() *atomic.Value {
	if s.growth == nil {
		return nil
	}
	return &s.growth.variant
}
