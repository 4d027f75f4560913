package segcache

import (
	"io"
	"runtime"
)

// A Body is the bytes of an answer: slices of slabs, and what keeps them mapped. It is a small value: copy it freely,
// and never write to its bytes.
//
// The bytes stay as they are while the Body is reachable, whatever is evicted meanwhile. A slice taken from it does not
// keep itself mapped: hold the Body until the last slice is used (runtime.KeepAlive, or a field of the answer), or use
// WriteTo, which sees to it. The zero Body is empty.
type Body struct {
	index  *chunkIndex // nil: empty
	tag    *string     // entity tag; nil: the segment grew when the Body was made
	chunks int         // records of index that may be read
	off, n int64       // the bytes of them
}

// Len is the number of bytes.
func (b Body) Len() int64 { return b.n }

// ETag is the strong entity tag with its quotes: the xxhash of the whole segment, part or derived body, also for
// a range of it; "" for a segment that still grows.
func (b Body) ETag() string {
	if b.tag == nil {
		return ""
	}
	return *b.tag
}

// Arrived is when the last byte of the chunk that the Body ends in had arrived: Chunk.Arrived; 0 where that is not known.
func (b Body) Arrived() int64 {
	if b.n == 0 {
		return 0
	}
	return b.index.records[b.index.find(b.off+b.n-1, b.chunks)].arrived
}

// Range is the part of n bytes from off on, cut to what there is. It does not allocate.
func (b Body) Range(off, n int64) Body {
	off = min(max(off, 0), b.n)
	b.off, b.n = b.off+off, min(max(n, 0), b.n-off)
	return b
}

// Slices are the bytes in order. It allocates the list; AppendSlices into one that is large enough does not.
func (b Body) Slices() [][]byte { return b.AppendSlices(nil) }

// AppendSlices appends the bytes' slices to dst, for net.Buffers and the like. Chunks that lie side by side in a slab
// are one slice.
func (b Body) AppendSlices(dst [][]byte) [][]byte {
	for s := range b.pieces {
		dst = append(dst, s)
	}
	return dst
}

// Lend says that the bytes' pages are given to the kernel, which may have them when nobody can reach the Body any more: their
// memory is not used for other bytes afterwards. Call it before they are given. It does not allocate.
func (b Body) Lend() {
	for e := range b.extents {
		b.index.slabs[e.slab].lend()
	}
}

// WriteTo writes all bytes to w. It does not allocate, and keeps the bytes mapped until it returns.
func (b Body) WriteTo(w io.Writer) (done int64, err error) {
	defer runtime.KeepAlive(b.index)
	for s := range b.pieces {
		n, err := w.Write(s)
		done += int64(n)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// pieces yields the bytes' slices in order, as few as there can be.
func (b Body) pieces(yield func([]byte) bool) {
	for e := range b.extents {
		if !yield(b.index.cut(e)) {
			return
		}
	}
}

// extents yields where the bytes lie, in order, as few extents as there can be.
func (b Body) extents(yield func(recordExtent) bool) {
	if b.n == 0 {
		return
	}
	ix, left := b.index, b.n
	i := ix.find(b.off, b.chunks)
	skip := b.off - ix.records[i].at
	var run recordExtent
	for ; left > 0; i++ {
		for _, e := range ix.records[i].extents {
			if skip >= int64(e.n) {
				skip -= int64(e.n)
				continue
			}
			e.off, e.n, skip = e.off+uint32(skip), e.n-uint32(skip), 0
			e.n = uint32(min(int64(e.n), left))
			left -= int64(e.n)
			switch {
			case e.n == 0:
			case run.n > 0 && e.slab == run.slab && e.off == run.off+run.n:
				run.n += e.n
			case run.n > 0 && !yield(run):
				return
			default:
				run = e
			}
		}
	}
	yield(run)
}
