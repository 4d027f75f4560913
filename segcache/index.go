package segcache

import (
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
)

// growth is what the descriptors of one segment share: its chunks while it grows, its body once it is whole.
type growth struct {
	index   atomic.Pointer[chunkIndex]
	whole   atomic.Pointer[content] // nil while the segment grows
	variant atomic.Value          // the slot for derived variants

	// The writer's own.
	digest xxhash.Digest // of all committed bytes, fed commit by commit while they are warm
	held   int           // index.slabs[:held] are held for the window
	size   int64
}

// A chunkIndex lists the chunks of one segment: written by the track's writer, read by anybody without locks. Records
// have no pointers, so that a long window costs the collector nothing.
//
// records[:n] and the slabs that they name never change. The edge that readers need (I2): append stores n after bytes,
// slabs and record are in place, and a Load that observes the Store is synchronised after it. An index that is full is
// replaced by a larger copy; the old one stays a correct, shorter view.
type chunkIndex struct {
	n       atomic.Int32
	records []chunkRecord // length fixed
	slabs   []*slab       // length fixed
}

// A chunkRecord is one committed chunk.
type chunkRecord struct {
	start, end int64 // ticks
	extents    [2]recordExtent
	flags      uint8
}

// A recordExtent is bytes [off,off+n) of chunkIndex.slabs[slab]; n is 0 for the second of a chunk in one piece.
type recordExtent struct{ slab, off, n uint32 }

const (
	recordSync  = 1 << iota // the first sample is a sync sample
	recordFirst             // opens the segment
)

// newGrowth makes an index with room for chunks records.
func newGrowth(chunks int) *growth {
	g := &growth{}
	g.digest.Reset()
	g.index.Store(&chunkIndex{records: make([]chunkRecord, chunks), slabs: make([]*slab, 4)})
	return g
}

// append makes chunk c visible by one atomic store, then folds its bytes into the digest. Writer only.
func (g *growth) append(c *Chunk) {
	ix := g.index.Load()
	n := int(ix.n.Load()) // cannot move under us: we are the only writer
	if n == len(ix.records) || g.held+c.NumExtents > len(ix.slabs) {
		ix = g.enlarge(ix, n)
	}
	r := &ix.records[n]
	r.start, r.end = c.Start, c.End
	if c.Sync {
		r.flags |= recordSync
	}
	if c.First {
		r.flags |= recordFirst
	}
	for i := range c.NumExtents {
		e := c.Extents[i]
		r.extents[i] = recordExtent{slab: g.slabOf(ix, e.slab), off: e.off, n: e.n}
		g.size += int64(e.n)
	}
	ix.n.Store(int32(n + 1)) // I2: bytes, slabs and record are in place
	for i := range c.NumExtents {
		_, _ = g.digest.Write(c.Extents[i].Bytes()) // never fails
	}
}

// slabOf is the number of s in the index, where it is put if it is new.
func (g *growth) slabOf(ix *chunkIndex, s *slab) uint32 {
	for i := g.held - 1; i >= 0; i-- {
		if ix.slabs[i] == s {
			return uint32(i)
		}
	}
	s.hold()
	ix.slabs[g.held] = s
	g.held++
	return uint32(g.held - 1)
}

// enlarge replaces ix, which has n records, by a copy of twice the room.
func (g *growth) enlarge(ix *chunkIndex, n int) *chunkIndex {
	more := &chunkIndex{records: make([]chunkRecord, 2*len(ix.records)), slabs: make([]*slab, 2*len(ix.slabs))}
	copy(more.records, ix.records[:n])
	copy(more.slabs, ix.slabs[:g.held])
	more.n.Store(int32(n))
	g.index.Store(more)
	return more
}

// release gives up what the window held. Writer only, once.
func (g *growth) release() {
	ix := g.index.Load()
	for _, s := range ix.slabs[:g.held] {
		s.release()
	}
	g.held = 0
}

// gather makes the body of the first n chunks: extents that follow each other in a slab become one slice.
func (ix *chunkIndex) gather(n int) *content {
	b := &content{}
	var last recordExtent
	for i := range n {
		for _, e := range ix.records[i].extents {
			if e.n == 0 {
				continue
			}
			b.size += int64(e.n)
			if k := len(b.slices); k > 0 && e.slab == last.slab && e.off == last.off+last.n {
				last.n += e.n
				b.slices[k-1] = ix.cut(last)
				continue
			}
			last = e
			b.slices = append(b.slices, ix.cut(e))
			b.slabs = append(b.slabs, ix.slabs[e.slab])
		}
	}
	return b
}

func (ix *chunkIndex) cut(e recordExtent) []byte {
	return ix.slabs[e.slab].buf[e.off : e.off+e.n : e.off+e.n]
}
