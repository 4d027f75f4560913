//go:build linux

package play

import (
	"encoding/binary"

	"weir/bench/stamp"
)

// A walker follows the boxes of an answer as they come, in pieces of any size: when each chunk's first and last byte came, and
// what its stamp says. It keeps some hundred bytes and copies none but headers.
type walker struct {
	head   [16]byte // of the box that is being read
	have   int      // bytes of it
	left   int64    // bytes of the box that are still to come
	inMdat bool
	start  [160]byte // of the mdat's payload: a delimiter and a stamp fit in
	filled int

	began int64 // when the first byte of the chunk came; 0: none has
	chunk chunk // the last whole one
	bad   bool  // what comes are no boxes
}

// A chunk is one moof and mdat with what stands before them. Times are nanoseconds since 1970.
type chunk struct {
	first, last int64 // arrival of the first and the last byte
	sent        int64 // what its stamp says; 0: it has none
}

// next takes bytes that came at a time, up to the end of a chunk. It returns the rest, and whether a chunk, w.chunk, has
// ended.
func (w *walker) next(b []byte, at int64) (rest []byte, ended bool) {
	for len(b) > 0 && !w.bad {
		if w.left == 0 {
			if b = w.header(b, at); w.left > 0 || w.bad {
				continue
			}
			return b, false // the header goes on in the next piece
		}
		n := int(min(int64(len(b)), w.left))
		if w.inMdat && w.filled < len(w.start) {
			w.filled += copy(w.start[w.filled:], b[:n])
		}
		b, w.left = b[n:], w.left-int64(n)
		if w.left > 0 {
			return nil, false
		}
		w.have = 0
		if w.inMdat {
			w.end(at)
			return b, true
		}
	}
	return nil, false
}

// header takes bytes of a box's header.
func (w *walker) header(b []byte, at int64) []byte {
	if w.began == 0 {
		w.began = at
	}
	for len(b) > 0 {
		w.head[w.have] = b[0]
		b, w.have = b[1:], w.have+1
		size := int64(binary.BigEndian.Uint32(w.head[:]))
		switch {
		case w.have < 8, size == 1 && w.have < 16:
			continue
		case size == 1:
			size = int64(binary.BigEndian.Uint64(w.head[8:]))
		}
		w.left = size - int64(w.have)
		w.inMdat, w.filled = string(w.head[4:8]) == "mdat", 0
		w.bad = w.left <= 0 && (size < 8 || w.inMdat)
		if w.left <= 0 { // an empty box
			w.have, w.left = 0, 0
			continue
		}
		return b
	}
	return b
}

func (w *walker) end(at int64) {
	w.chunk = chunk{first: w.began, last: at}
	if sent, _, ok := stamp.Find(w.start[:w.filled]); ok {
		w.chunk.sent = sent
	}
	w.began, w.inMdat = 0, false
}

// restart begins with another answer.
func (w *walker) restart() { w.have, w.left, w.inMdat, w.began, w.bad = 0, 0, false, 0, false }
