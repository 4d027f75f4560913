package segcache

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

// TestBodyOutlivesEviction: a body reads the same when its segment, its channel and all its siblings' slabs are gone.
func TestBodyOutlivesEviction(t *testing.T) {
	c := newCache(t, Config{Memory: 64 << 20})
	f := newFeed(t, c, 4, 1)
	f.layout = func(int, uint64) []int { return []int{100 << 10, 50 << 10, 30 << 10} }
	f.slots(0, 1)
	body, want := f.bodyOf(0, 0), f.segment(0, 0)
	tag := body.ETag()
	f.slots(1, 80)
	if f.tracks[0].Segment(0) != nil {
		t.Fatal("segment 0 is held for ever")
	}
	eventually(t, "slabs of evicted segments unmapped", func() bool { return c.Stats().Slabs < 30 })
	if !bytes.Equal(read(body), want) || body.ETag() != tag {
		t.Fatal("I5: the body changed")
	}
	f.ch.Close()
	f.arenas[0].Close()
	f.arenas, f.tracks = nil, nil
	eventually(t, "one slab left, the body's", func() bool { return c.slabs.Load() <= 2 })
	if c.slabs.Load() == 0 || !bytes.Equal(read(body), want) {
		t.Fatal("I5: the body was unmapped")
	}
}

func TestBodyRange(t *testing.T) {
	c := newCache(t, Config{Memory: 8 << 20})
	f := newFeed(t, c, 4, 1)
	f.layout = func(int, uint64) []int { return []int{5, 6, 7, 1, 2, 300} }
	f.slots(0, 1)
	all, want := f.bodyOf(0, 0), f.segment(0, 0)
	for off := int64(-1); off <= int64(len(want))+1; off++ {
		for _, n := range []int64{-1, 0, 1, 4, 5, 6, 13, 300, 400} {
			low := min(max(off, 0), int64(len(want)))
			high := min(low+max(n, 0), int64(len(want)))
			b := all.Range(off, n)
			if got := read(b); !bytes.Equal(got, want[low:high]) || b.Len() != high-low || b.ETag() != all.ETag() {
				t.Fatalf("Range(%d,%d) = %d bytes, want [%d,%d)", off, n, len(got), low, high)
			}
			if inner := read(b.Range(1, 3)); !bytes.Equal(inner, want[min(low+1, high):min(low+4, high)]) {
				t.Fatalf("Range(%d,%d).Range(1,3) is wrong", off, n)
			}
		}
	}
}

func TestBodyZero(t *testing.T) {
	var b Body
	if b.Len() != 0 || b.ETag() != "" || b.Slices() != nil || len(read(b)) != 0 || b.Range(1, 1) != b {
		t.Fatal("the zero Body is not empty")
	}
}

// TestBodyMergesChunks: chunks that were read into the slab side by side leave it as one slice.
func TestBodyMergesChunks(t *testing.T) {
	c := newCache(t, Config{Memory: 8 << 20})
	f := newFeed(t, c, 4, 1)
	f.layout = func(int, uint64) []int { return []int{500, 600} }
	f.slots(0, 3)
	if n := len(f.bodyOf(0, 1).Slices()); n != 1 {
		t.Fatalf("%d slices, want 1", n)
	}
}

type failingWriter struct{ left int }

var errFull = errors.New("full")

func (w *failingWriter) Write(p []byte) (int, error) {
	if len(p) > w.left {
		return w.left, errFull
	}
	w.left -= len(p)
	return len(p), nil
}

func TestBodyWriteToFails(t *testing.T) {
	c := newCache(t, Config{Memory: 8 << 20})
	f := newFeed(t, c, 4, 1)
	f.slots(0, 1)
	n, err := f.bodyOf(0, 0).WriteTo(&failingWriter{left: 3500})
	if n != 3500 {
		t.Fatalf("%d bytes written, want 3500", n)
	}
	wantError(t, err, errFull)
}

// TestETag: the tag is the xxhash of the bytes, however they were cut into chunks, with its zeros.
func TestETag(t *testing.T) {
	c := newCache(t, Config{Memory: 8 << 20})
	tags := map[string]bool{}
	for i, sizes := range [][]int{{6500}, {500, 6000}, {1, 1, 1, 1, 6496}} {
		ch := c.NewChannel(fmt.Sprint(i), 4e9)
		track, arena := ch.AddTrack(TrackConfig{Name: "v"}), c.NewArena(0)
		all := pattern(nil, 0, 0, 0, 6500)
		for _, size := range sizes {
			e, err := arena.Copy(all[:size])
			if err != nil {
				t.Fatal(err)
			}
			all = all[size:]
			if err := track.Commit(Chunk{Extents: [2]Extent{e}, NumExtents: 1}); err != nil {
				t.Fatal(err)
			}
		}
		if err := track.Complete(0, 0, 1); err != nil {
			t.Fatal(err)
		}
		b, _ := track.Segment(0).Body()
		tags[b.ETag()] = true
		arena.Close()
		ch.Close()
	}
	if len(tags) != 1 {
		t.Fatalf("the same bytes have %d tags: %v", len(tags), tags)
	}
}
