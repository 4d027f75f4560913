//go:build !race

package segcache

import (
	"testing"
	"time"
)

// A countingWriter counts what it is given.
type countingWriter struct{ n int64 }

func (w *countingWriter) Write(p []byte) (int, error) {
	w.n += int64(len(p))
	return len(p), nil
}

// TestCommitDoesNotAllocate: nothing per chunk inside a segment, and little per segment.
func TestCommitDoesNotAllocate(t *testing.T) {
	c := newCache(t, Config{Memory: 512 << 20})
	ch := c.NewChannel("test", 10*time.Second)
	defer ch.Close()
	ch.SetGenerations([]Generation{testGeneration()})
	track, a, heads := ch.AddTrack(TrackConfig{Name: "v"}), c.NewArena(1<<30), c.NewArena(1<<30)
	defer a.Close()
	defer heads.Close()
	moof := make([]byte, 100)
	n := uint64(0)
	chunk := func() {
		r, err := a.Reserve(100, 400)
		if err != nil {
			t.Fatal(err)
		}
		e, err := heads.Copy(moof)
		if err != nil {
			t.Fatal(err)
		}
		c := Chunk{N: n, Start: int64(n) * 1000, Extents: [2]Extent{e, r.Extent(100, 500)}, NumExtents: 2}
		if err := track.Commit(c); err != nil {
			t.Fatal(err)
		}
	}
	segment := func() {
		for range 20 {
			chunk()
		}
		if track.Complete(n, int64(n)*1000, int64(n+1)*1000) != nil {
			t.Fatal("complete")
		}
		if track.List(Entry{N: n, Start: int64(n) * 1000, End: int64(n+1) * 1000}) != nil {
			t.Fatal("list")
		}
		n++
	}
	for range 100 { // a steady window: rings and slabs have their size
		segment()
		ch.Publish()
	}
	chunk()
	if got := testing.AllocsPerRun(15, chunk); got != 0 {
		t.Errorf("a chunk inside a segment: %v allocations, want 0", got)
	}
	segment()
	// The first chunk: descriptor and records. The last: final descriptor and entity tag.
	if got := testing.AllocsPerRun(100, segment); got > 4 {
		t.Errorf("a segment: %v allocations, want at most 4", got)
	}
	// The version, its views, and the channel that wakes the waiters (two by the runtime's count).
	if got := testing.AllocsPerRun(100, ch.Publish); got > 4 {
		t.Errorf("a version: %v allocations, want at most 4", got)
	}
}

// TestReadingDoesNotAllocate: what is stored is found and written without allocation, whole or in ranges, and so is what
// grows.
func TestReadingDoesNotAllocate(t *testing.T) {
	c := newCache(t, Config{Memory: 64 << 20})
	f := newFeed(t, c, 10, 1)
	f.slots(0, 30)
	wantError(t, f.chunk(0, 30, 0), nil)
	var w countingWriter
	slices := make([][]byte, 0, 16)
	track := f.tracks[0]
	derived := f.bodyOf(0, 25).Derive(Piece{Own: []byte("head")}, Piece{Off: 10, N: 2000}, Piece{Off: 3000, N: 3000})
	for name, read := range map[string]func(){
		"by name": func() {
			v := f.ch.Version()
			s := f.ch.Track("a", 1).Segment(v.View(track).End - 1)
			b, ok := s.Body()
			if !ok || b.ETag() == "" {
				t.Fatal("no body")
			}
			_, _ = b.WriteTo(&w)
		},
		"by time": func() {
			b, _ := track.SegmentAt(25000).Body()
			slices = b.AppendSlices(slices[:0])
		},
		"range": func() {
			b, _ := track.Segment(25).Body()
			_, _ = b.Range(2999, 1000).WriteTo(&w)
		},
		"derived": func() {
			_, _ = derived.Range(2, 4000).WriteTo(&w)
			slices = derived.AppendSlices(slices[:0])
		},
		"growing": func() {
			b, whole := track.Segment(30).Grow(100)
			if whole || b.Len() != 2900 {
				t.Fatal("growth")
			}
			_, _ = b.WriteTo(&w)
		},
	} {
		if got := testing.AllocsPerRun(100, read); got != 0 {
			t.Errorf("%s: %v allocations, want 0", name, got)
		}
	}
}
