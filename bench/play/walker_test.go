//go:build linux

package play

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"weir/bench/stamp"
)

func box(kind string, payload ...byte) []byte {
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(payload))), kind...), payload...)
}

// stamped is a chunk of a prft, a moof and an mdat.
func stamped(nanos int64) []byte {
	return slices.Concat(box("prft", 1, 2, 3), box("free"), box("moof", make([]byte, 30)...),
		box("mdat", append(stamp.Append([]byte{0, 0, 0, 2, 9, 0xf0}, time.Unix(0, nanos)), make([]byte, 300)...)...))
}

// TestWalker cuts a stream of chunks in pieces of every size: the chunks and their times are always the same but for what
// the pieces' own times say.
func TestWalker(t *testing.T) {
	large := append([]byte("\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x18"), make([]byte, 8)...) // a size of 64 bits
	stream := slices.Concat(box("ftyp", 1, 2, 3, 4), box("moov", make([]byte, 100)...), stamped(1001), stamped(1002), box("moof", 1), large)
	for size := 1; size <= len(stream); size++ {
		var w walker
		var got []chunk
		at := int64(0)
		for piece := range slices.Chunk(stream, size) {
			at++
			for rest, ended := w.next(piece, at); ; rest, ended = w.next(rest, at) {
				if !ended {
					break
				}
				got = append(got, w.chunk)
			}
		}
		if w.bad || len(got) != 3 || got[0].sent != 1001 || got[1].sent != 1002 || got[2].sent != 0 {
			t.Fatalf("in pieces of %d: %+v", size, got)
		}
		if end := int64((len(stream) + size - 1) / size); got[2].last != end || got[1].first < got[0].last || got[1].last < got[1].first {
			t.Fatalf("in pieces of %d: times %+v, the last piece is number %d", size, got, end)
		}
	}
}

func FuzzWalker(f *testing.F) {
	f.Add(stamped(5), 3)
	f.Add([]byte("\x00\x00\x00\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff..."), 1)
	f.Add([]byte("\x00\x00\x00\x00mdat"), 8)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		if size < 1 {
			return
		}
		var w walker
		for piece := range slices.Chunk(b, size) {
			for rest, ended := w.next(piece, 7); ended; rest, ended = w.next(rest, 7) {
				if len(rest) >= len(piece) {
					t.Fatal("no progress")
				}
			}
			if w.left < 0 || w.have > 16 || w.filled > len(w.start) {
				t.Fatalf("%+v", w)
			}
		}
	})
}
