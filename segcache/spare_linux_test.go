package segcache

import (
	"bytes"
	"testing"
	"unsafe"
)

// TestSparesAreUsedAgain: a window that slides lives in the same memory all the time, what a reader holds on to stays as it is
// meanwhile, and in the end all of it goes back.
func TestSparesAreUsedAgain(t *testing.T) {
	c := newCache(t, Config{Memory: 256 << 20})
	f := newFeed(t, c, 10, 1)
	f.layout = func(int, uint64) []int { return []int{300 << 10, 300 << 10, 300 << 10} } // most of a slab: its tail is given back
	places := map[*byte]int{}
	step := func(n uint64) {
		f.slots(n, n+1)
		eventually(t, "nothing to collect", func() bool { return c.Stats().Pinned < 3<<20 })
		places[unsafe.SliceData(f.arenas[0].cur.buf)]++
	}
	for n := range uint64(40) {
		step(n)
	}
	held := f.bodyOf(0, 39)
	clear(places)
	for n := uint64(40); n < 140; n++ {
		step(n)
		if b := f.bodyOf(0, n-5); !bytes.Equal(read(b), f.segment(0, n-5)) {
			t.Fatalf("I1: segment %d was written over", n-5)
		}
	}
	if !bytes.Equal(read(held), f.segment(0, 39)) {
		t.Fatal("I5: bytes that a reader holds were written over")
	}
	if len(places) > 60 {
		t.Errorf("100 slabs had %d places", len(places))
	}
	if s := c.Stats(); s.Spare+s.Pinned > s.Window/smallShare+2<<20 {
		t.Errorf("%d and %d bytes are kept beside a window of %d", s.Spare, s.Pinned, s.Window)
	}
	held = Body{}
	f.ch.Close()
	f.arenas[0].Close()
	f.arenas, f.tracks = nil, nil
	eventually(t, "no memory", func() bool { return c.slabs.Load() == 0 && c.mapped.Load() == 0 && c.live.Load() == 0 })
}
