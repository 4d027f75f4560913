package segcache

import (
	"bytes"
	"testing"
	"time"
)

// TestArenaRooms: rooms lie side by side, a cancelled one is given out again, and slabs turn where one does not fit.
func TestArenaRooms(t *testing.T) {
	c := newCache(t, Config{Memory: 64 << 20})
	a := c.NewArena(1)
	defer a.Close()
	first, err := a.Reserve(10, 90)
	wantError(t, err, nil)
	if len(first.Head()) != 10 || len(first.Payload()) != 90 || first.Len() != 100 || cap(first.Head()) != 10 || cap(first.Payload()) != 90 {
		t.Fatalf("room %+v", first)
	}
	copy(first.Payload(), "payload")
	if got := first.Extent(10, 17).Bytes(); string(got) != "payload" {
		t.Fatalf("extent %q", got)
	}
	second, _ := a.Reserve(0, 50)
	if second.slab != first.slab || second.off != 100 {
		t.Fatalf("second room at %d, want 100", second.off)
	}
	a.Cancel(first) // not the newest: nothing happens
	if a.off != 150 {
		t.Fatalf("the next room would lie at %d, want 150", a.off)
	}
	a.Cancel(second)
	third, _ := a.Reserve(0, 70)
	if third.off != 100 {
		t.Fatalf("third room at %d, want 100 again", third.off)
	}
	next, err := a.Reserve(0, minArenaBytes-100)
	wantError(t, err, nil)
	if next.slab == first.slab || next.off != 0 {
		t.Fatal("a room that does not fit was squeezed in")
	}
	a.Cancel(third) // of another slab: nothing happens
	e, err := a.Copy([]byte("moof"))
	wantError(t, err, nil)
	if !bytes.Equal(e.Bytes(), []byte("moof")) || e.Len() != 4 {
		t.Fatalf("copy %q", e.Bytes())
	}
	if (Extent{}).Bytes() != nil {
		t.Fatal("the zero Extent has bytes")
	}
}

func TestExtentOutsideOfItsRoomPanics(t *testing.T) {
	c := newCache(t, Config{Memory: 8 << 20})
	a := c.NewArena(1)
	defer a.Close()
	r, _ := a.Reserve(10, 10)
	for _, e := range [][2]int{{-1, 5}, {0, 21}, {8, 7}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Extent(%d,%d) did not panic", e[0], e[1])
				}
			}()
			r.Extent(e[0], e[1])
		}()
	}
}

// TestSlabsFollowTheBitrate: a slab holds about slabSeconds, within bounds, and grows for chunks that are larger.
func TestSlabsFollowTheBitrate(t *testing.T) {
	c := newCache(t, Config{Memory: 1 << 30})
	for bits, want := range map[int]int{
		1: minArenaBytes, 0: assumedBitsPerS / 8 * slabSeconds, 6_500_000: hugeBytes, 8_000_000: hugeBytes, 9_000_000: 2 * hugeBytes,
	} {
		a := c.NewArena(bits)
		r, err := a.Reserve(0, 1)
		wantError(t, err, nil)
		if got := len(r.slab.buf); got < want || got >= want+pageBytes {
			t.Errorf("%d bit/s: slab of %d bytes, want %d", bits, got, want)
		}
		a.Close()
	}
	if a := c.NewArena(1 << 40); a.bytes.Load() != maxArenaBytes {
		t.Errorf("slab of %d bytes, want %d", a.bytes.Load(), maxArenaBytes)
	}
	if a := newCache(t, Config{Memory: 1 << 40}).NewArena(1); a.bytes.Load() != 64<<20 {
		t.Errorf("a terabyte in slabs of %d bytes: too many mappings", a.bytes.Load())
	}
	a := c.NewArena(1)
	defer a.Close()
	for range 4 {
		if _, err := a.Reserve(1000, 3<<20); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(a.cur.buf); n < 6<<20 {
		t.Errorf("chunks of 3 MiB go into slabs of %d bytes", n)
	}
}

// TestNextSlabIsReady: the writer that turns to a new slab finds it mapped and touched.
func TestNextSlabIsReady(t *testing.T) {
	c := newCache(t, Config{Memory: 64 << 20})
	a := c.NewArena(1)
	defer a.Close()
	for range 10 {
		for a.cur == nil || len(a.cur.buf)-a.off >= minArenaBytes/16 {
			_, err := a.Reserve(0, minArenaBytes/16)
			wantError(t, err, nil)
		}
		eventually(t, "the next slab", func() bool { return a.next.Load() != nil && !a.busy.Load() })
		ready := a.next.Load()
		r, err := a.Reserve(0, minArenaBytes/16)
		wantError(t, err, nil)
		if r.slab != ready {
			t.Fatal("the writer made a slab though one was ready")
		}
	}
}

// TestTrim: what a slab has left when its arena turns does not count, and goes back to the system.
func TestTrim(t *testing.T) {
	c := newCache(t, Config{Memory: 64 << 20})
	ch := c.NewChannel("test", 10*time.Second)
	defer ch.Close()
	track, a := ch.AddTrack(TrackConfig{Name: "v"}), c.NewArena(0)
	r, _ := a.Reserve(0, 100_000)
	wantError(t, track.Commit(Chunk{Extents: [2]Extent{r.Extent(0, 100_000)}, NumExtents: 1}), nil)
	a.Close()
	if s := c.Stats(); s.Window != 25*pageBytes || s.Pinned != 0 {
		t.Fatalf("%+v, want 25 pages", s)
	}
	if c.config.Dir == "" && len(r.slab.buf) < 900_000 {
		t.Fatal("the slab was small from the start")
	}
}
