package segcache

import (
	"math"

	"github.com/cespare/xxhash/v2"
)

// A Piece is a stretch of a derived body: bytes of its own, or bytes [Off,Off+N) of the body that it is derived from.
type Piece struct {
	Own    []byte // copied; nil: a stretch of the other body
	Off, N int64
}

// Derive makes a body of pieces of b and of bytes of its own: a segment in another dress, with none of its payload
// copied. The result is a Body like any other, and may be derived from in turn: immutable, with an entity tag over its
// own bytes, and b's bytes stay mapped for as long as it is reachable. What a piece asks beyond b is cut off, as Range
// does.
//
// It reads all bytes once, for the tag, and allocates: make it once, and keep it where the segment's variants are
// (Segment.Variant). b must be whole; Derive of the zero Body can only have bytes of its own.
func (b Body) Derive(pieces ...Piece) Body {
	own := 0
	for i := range pieces {
		own += len(pieces[i].Own)
	}
	if own > math.MaxUint32 {
		panic("segcache: a derived body with more than 4 GiB of its own")
	}
	heap := make([]byte, 0, own)
	records := make([]chunkRecord, 0, 2*len(pieces))
	size := int64(0)
	add := func(e recordExtent) bool {
		records = append(records, chunkRecord{at: size, extents: [2]recordExtent{e}})
		size += int64(e.n)
		return true
	}
	for i := range pieces {
		p := &pieces[i]
		if p.Own == nil {
			for e := range b.Range(p.Off, p.N).extents {
				e.slab++ // behind the slab of its own bytes
				add(e)
			}
			continue
		}
		add(recordExtent{off: uint32(len(heap)), n: uint32(len(p.Own))})
		heap = append(heap, p.Own...)
	}

	ix := &chunkIndex{records: records, slabs: []*slab{{&mapping{buf: heap, file: -1}}}}
	if b.index != nil {
		ix.slabs = append(ix.slabs, b.index.slabs...)
	}
	ix.n.Store(int32(len(records)))
	d := Body{index: ix, chunks: len(records), n: size}
	digest := xxhash.New()
	_, _ = d.WriteTo(digest) // a hash does not fail
	tag := entityTag(digest.Sum64())
	d.tag = &tag
	return d
}
