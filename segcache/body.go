package segcache

import (
	"io"
	"runtime"
)

// content is what bodies point at: slices of slabs and the slabs that they lie in. Immutable once made.
type content struct {
	slices [][]byte
	slabs  []*slab // of each slice
	size   int64
	etag   string
}

// A Body is the bytes of an answer: slices of slabs, and what keeps them mapped. It is a small value: copy it freely,
// and never write to its bytes.
//
// The bytes stay as they are while the Body is reachable, whatever is evicted meanwhile. A slice taken from it does not
// keep itself mapped: hold the Body until the last slice is used (runtime.KeepAlive, or a field of the answer), or use
// WriteTo, which sees to it. The zero Body is empty.
type Body struct {
	src    *content
	off, n int64
}

// Len is the number of bytes.
func (b Body) Len() int64 { return b.n }

// ETag is the strong entity tag with its quotes: the xxhash of the whole segment, also for a range of it; "" for a
// segment that still grows.
func (b Body) ETag() string {
	if b.src == nil {
		return ""
	}
	return b.src.etag
}

// Slices are the bytes in order. It allocates only for a range; AppendSlices does not.
func (b Body) Slices() [][]byte {
	if b.src == nil {
		return nil
	}
	if b.n == b.src.size {
		return b.src.slices[:len(b.src.slices):len(b.src.slices)]
	}
	return b.AppendSlices(nil)
}

// AppendSlices appends the bytes' slices to dst, for net.Buffers and the like.
func (b Body) AppendSlices(dst [][]byte) [][]byte {
	for i, end := 0, b.off+b.n; b.src != nil && i < len(b.src.slices); i++ {
		if s := b.piece(i, end); len(s) > 0 {
			dst = append(dst, s)
		}
		end -= int64(len(b.src.slices[i]))
		b.off -= int64(len(b.src.slices[i]))
	}
	return dst
}

// piece is the part of slice i that lies in [b.off,end), both counted from the slice's first byte.
func (b Body) piece(i int, end int64) []byte {
	s := b.src.slices[i]
	from, to := max(b.off, 0), min(end, int64(len(s)))
	if from >= to {
		return nil
	}
	return s[from:to:to]
}

// Range is the part of n bytes from off on, cut to what there is. It does not allocate.
func (b Body) Range(off, n int64) Body {
	off = min(max(off, 0), b.n)
	return Body{src: b.src, off: b.off + off, n: min(max(n, 0), b.n-off)}
}

// WriteTo writes all bytes to w. It does not allocate, and keeps the bytes mapped until it returns.
func (b Body) WriteTo(w io.Writer) (int64, error) {
	defer runtime.KeepAlive(b.src)
	var done int64
	off, end := b.off, b.off+b.n
	for i := 0; b.src != nil && i < len(b.src.slices); i++ {
		s := Body{src: b.src, off: off}.piece(i, end)
		off, end = off-int64(len(b.src.slices[i])), end-int64(len(b.src.slices[i]))
		if len(s) == 0 {
			continue
		}
		n, err := w.Write(s)
		done += int64(n)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}
