package segcache

import (
	"sync/atomic"

	"weir/media"
)

// A PartEntry is one entry in the list of parts: part Part of segment N has all its bytes, and may be shown.
type PartEntry struct {
	N          uint64
	Part       int
	Start, End int64 // ticks
}

// maxParts is how many parts a segment may have.
const maxParts = 1 << 15

// A partIndex lists the parts of one segment, as a chunkIndex lists its chunks: append only, full ones are replaced by a
// larger copy, and parts[:n] never change.
type partIndex struct {
	n      atomic.Int32
	parts  []media.Part // length fixed
	chunks []int32      // of parts[i]: the number of chunks of the segment up to its end
	etags  []string
}

// ListPart appends a part to the list of parts of the segment that is to be listed next; readers see it with the next
// Publish, and can fetch it from now on. Before the first List it is where the list begins. It allocates the entity tag,
// and now and then room. Writer.
//
// ErrOrder: it is not the next part, or not of that segment. ErrNotWhole: nothing was committed for it. ErrLate: the
// segment was listed as GAP. ErrClosed: as for Commit.
func (t *Track) ListPart(e PartEntry) error {
	s := t.Segment(e.N)
	switch {
	case t.channel.closed:
		return t.fail(e.N, ErrClosed)
	case t.listed && e.N != t.end || e.Part != t.parts || e.Part >= maxParts:
		return t.fail(e.N, ErrOrder)
	case s == nil || s.growth == nil:
		return t.fail(e.N, ErrNotWhole)
	case s.Gap:
		return t.fail(e.N, ErrLate)
	}
	if !s.growth.appendPart(&e) {
		return t.fail(e.N, ErrNotWhole)
	}
	if !t.listed {
		t.listed, t.first, t.end = true, e.N, e.N
	}
	t.parts = e.Part + 1
	return nil
}

// appendPart makes part e visible by one atomic store. It reports whether there is a chunk in it. Writer only.
func (g *growth) appendPart(e *PartEntry) bool {
	ix := g.index.Load()
	end := int(ix.n.Load())
	for end > 0 && int(ix.records[end-1].part) > e.Part {
		end--
	}
	first := end
	for first > 0 && int(ix.records[first-1].part) == e.Part {
		first--
	}
	if first == end || e.Part >= len(g.sums) {
		return false
	}
	p := g.parts.Load()
	if p == nil || e.Part == len(p.parts) {
		p = p.grown(max(2*e.Part, 16))
		g.parts.Store(p)
	}
	p.parts[e.Part] = media.Part{Start: e.Start, End: e.End, Independent: ix.records[first].flags&recordSync != 0}
	p.chunks[e.Part], p.etags[e.Part] = int32(end), entityTag(g.sums[e.Part])
	p.n.Store(int32(e.Part + 1))
	return true
}

// grown is p, which may be nil, with room for n parts.
func (p *partIndex) grown(n int) *partIndex {
	more := &partIndex{parts: make([]media.Part, n), chunks: make([]int32, n), etags: make([]string, n)}
	if p != nil {
		copy(more.parts, p.parts)
		copy(more.chunks, p.chunks)
		copy(more.etags, p.etags)
		more.n.Store(p.n.Load())
	}
	return more
}

// Parts are the segment's parts that have been listed so far, in order: do not change them. What has been returned stays
// true; later calls may return more. It does not allocate. Anybody.
func (s *Segment) Parts() []media.Part {
	if s.growth == nil {
		return nil
	}
	p := s.growth.parts.Load()
	if p == nil {
		return nil
	}
	n := p.n.Load()
	return p.parts[:n:n]
}

// Part is the bytes of the segment's part of that index, once it has been listed; else false. Its entity tag is a hash of
// the segment up to the part's end. It does not allocate. Anybody.
func (s *Segment) Part(i int) (Body, bool) {
	if s.growth == nil || i < 0 {
		return Body{}, false
	}
	p := s.growth.parts.Load()
	if p == nil || i >= int(p.n.Load()) {
		return Body{}, false
	}
	ix, first := s.growth.index.Load(), 0
	if i > 0 {
		first = int(p.chunks[i-1])
	}
	chunks := int(p.chunks[i])
	from := ix.records[first].at
	return Body{index: ix, tag: &p.etags[i], chunks: chunks, off: from, n: ix.size(chunks) - from}, true
}
