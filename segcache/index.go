package segcache

import (
	"strconv"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
)

// growth is what the descriptors of one segment share: its chunks, and in the end its entity tag.
//
// The edge that readers of a whole segment need (I3): finish stores whole after the last chunk and etag are in place,
// and nothing of the segment is written afterwards.
type growth struct {
	index   atomic.Pointer[chunkIndex]
	whole   atomic.Bool
	etag    string       // read only where whole is set
	variant atomic.Value // the slot for derived variants
	parts   atomic.Pointer[partIndex]

	// The writer's own.
	digest xxhash.Digest // of all committed bytes, fed commit by commit while they are warm
	sums   []uint64      // by part: digest at its end
	held   int           // index.slabs[:held] are held for the window
	size   int64         // bytes
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
	at         int64 // bytes of the segment before it
	start, end int64 // ticks
	arrived    int64 // Chunk.Arrived
	extents    [2]recordExtent
	part       uint16
	flags      uint8
}

// size is the length of the chunk in bytes.
func (r *chunkRecord) size() int64 { return int64(r.extents[0].n) + int64(r.extents[1].n) }

// A recordExtent is bytes [off,off+n) of chunkIndex.slabs[slab]; n is 0 for the second of a chunk in one piece.
type recordExtent struct{ slab, off, n uint32 }

const (
	recordSync  = 1 << iota // the first sample is a sync sample
	recordFirst             // opens the segment
)

// A birth is all that a new segment needs but its records: one allocation.
type birth struct {
	segment Segment
	growth  growth
	index   chunkIndex
	slabs   [4]*slab
	sums    [16]uint64
}

// newSegment is a descriptor of the segment that c opens, with room for chunks records. Two allocations.
func newSegment(c *Chunk, chunks int) *Segment {
	b := &birth{}
	b.index.records, b.index.slabs = make([]chunkRecord, chunks), b.slabs[:]
	b.growth.digest.Reset()
	b.growth.sums = b.sums[:0]
	b.growth.index.Store(&b.index)
	b.segment = Segment{N: c.N, Slot: c.Slot, Ordinal: c.Ordinal, Start: c.Start, growth: &b.growth}
	return &b.segment
}

// append makes chunk c visible by one atomic store, then folds its bytes into the digest. Writer only.
func (g *growth) append(c *Chunk) {
	ix := g.index.Load()
	n := int(ix.n.Load()) // cannot move under us: we are the only writer
	if n == len(ix.records) || g.held+c.NumExtents > len(ix.slabs) {
		ix = g.enlarge(ix, n)
	}
	r := &ix.records[n]
	r.at, r.start, r.end, r.arrived, r.part = g.size, c.Start, c.End, c.Arrived, uint16(c.Part)
	if c.Sync {
		r.flags |= recordSync
	}
	if c.First {
		r.flags |= recordFirst
	}
	for i := range c.NumExtents {
		if e := c.Extents[i]; e.n > 0 {
			r.extents[i] = recordExtent{slab: g.slabOf(ix, e.slab), off: e.off, n: e.n}
		}
	}
	g.size += r.size()
	ix.n.Store(int32(n + 1)) // I2: bytes, slabs and record are in place
	for i := range c.NumExtents {
		_, _ = g.digest.Write(c.Extents[i].Bytes()) // never fails
	}
	for len(g.sums) <= c.Part {
		g.sums = append(g.sums, 0)
	}
	g.sums[c.Part] = g.digest.Sum64()
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

// finish fixes the segment: what is committed is its body. Writer only, once.
func (g *growth) finish() {
	g.etag = entityTag(g.digest.Sum64())
	g.whole.Store(true) // I3: chunks and etag are in place
}

// entityTag is a hash as a strong entity tag, with its quotes.
func entityTag(sum uint64) string {
	tag := [18]byte{0: '"', 17: '"'}
	hex := strconv.AppendUint(make([]byte, 0, 16), sum, 16)
	for i := 1; i <= 16-len(hex); i++ {
		tag[i] = '0'
	}
	copy(tag[17-len(hex):], hex)
	return string(tag[:])
}

// release gives up what the window held. Writer only, once.
func (g *growth) release() {
	ix := g.index.Load()
	for _, s := range ix.slabs[:g.held] {
		s.release()
	}
	g.held = 0
}

// size is how many bytes the first chunks records have.
func (ix *chunkIndex) size(chunks int) int64 {
	if chunks == 0 {
		return 0
	}
	last := &ix.records[chunks-1]
	return last.at + last.size()
}

// find is the record that byte off lies in, among the first chunks of them; readers who follow ask for the last.
func (ix *chunkIndex) find(off int64, chunks int) int {
	low, high := 0, chunks-1
	if high > 0 && ix.records[high].at <= off {
		return high
	}
	for low < high {
		if mid := (low + high + 1) / 2; ix.records[mid].at <= off {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return low
}

// cut is the extent's bytes.
func (ix *chunkIndex) cut(e recordExtent) []byte {
	return ix.slabs[e.slab].buf[e.off : e.off+e.n : e.off+e.n]
}
