package segcache

import (
	"testing"
	"time"
)

// TestMemoryBound: beyond Config.Memory no slab is made, what is listed stays, and pinned slabs stop at a quarter more.
func TestMemoryBound(t *testing.T) {
	const memory = 8 << 20
	c := newCache(t, Config{Memory: memory})
	f := newFeed(t, c, 1000, 1) // a window that never ends
	f.layout = func(int, uint64) []int { return []int{100 << 10} }
	n := uint64(0)
	for ; ; n++ {
		err := f.chunk(0, n, 0)
		if err != nil {
			wantError(t, err, ErrMemory)
			break
		}
		wantError(t, f.tracks[0].Complete(n, int64(n)*1000, int64(n+1)*1000), nil)
		wantError(t, f.list(0, n, false), nil)
		f.ch.Publish()
		if s := c.Stats(); s.Window > memory || s.Window+s.Pinned > memory+memory/4 {
			t.Fatalf("I8: %+v", s)
		}
	}
	if n < 60 || c.Stats().Failed == 0 {
		t.Fatalf("only %d segments of 100 KiB in 8 MiB; %+v", n, c.Stats())
	}
	for i := range n {
		if string(read(f.bodyOf(0, i))) != string(f.segment(0, i)) {
			t.Fatalf("segment %d gave way", i)
		}
	}
	_, err := f.arenas[0].Reserve(maxSlabBytes, maxSlabBytes)
	wantError(t, err, ErrMemory)
}

// TestReadersCannotPinWithoutBound: bodies that readers hold on to stop the writer at a quarter more than Memory, and
// let it go on when they are let go.
func TestReadersCannotPinWithoutBound(t *testing.T) {
	const memory = 8 << 20
	c := newCache(t, Config{Memory: memory})
	f := newFeed(t, c, 2, 1)
	f.layout = func(int, uint64) []int { return []int{200 << 10} }
	var held []Body
	var n uint64
	step := func() error {
		err := f.chunk(0, n, 0)
		if err == nil {
			wantError(t, f.tracks[0].Complete(n, int64(n)*1000, int64(n+1)*1000), nil)
		}
		wantError(t, f.list(0, n, err != nil), nil)
		f.ch.Publish()
		n++
		return err
	}
	for {
		if err := step(); err != nil {
			wantError(t, err, ErrMemory)
			break
		}
		held = append(held, f.bodyOf(0, n-1))
		if s := c.Stats(); s.Window+s.Pinned > memory+memory/4 {
			t.Fatalf("I8: %+v", s)
		}
	}
	if len(held) < 30 {
		t.Fatalf("stopped after %d bodies", len(held))
	}
	held = nil
	eventually(t, "room again", func() bool { return step() == nil })
}

// TestAdmit: inputs are admitted while all that they will need fits, and closing one makes place for another.
func TestAdmit(t *testing.T) {
	c := newCache(t, Config{Memory: 256 << 20})
	ch, other := c.NewChannel("a", 60*time.Second), c.NewChannel("b", 60*time.Second)
	defer ch.Close()
	defer other.Close()
	var arenas []*Arena
	for {
		a := c.NewArena(4_000_000) // 126 s of 4 Mb/s and an eighth: 71 MB, and three slabs of 1 MB
		if err := ch.Admit(a); err != nil {
			wantError(t, err, ErrMemory)
			break
		}
		arenas = append(arenas, a)
	}
	if len(arenas) != 3 || c.Stats().Refused != 1 {
		t.Fatalf("%d inputs of 4 Mb/s admitted to 256 MiB, %+v", len(arenas), c.Stats())
	}
	wantError(t, other.Admit(c.NewArena(4_000_000)), ErrMemory)
	wantError(t, other.Admit(c.NewArena(1_000_000)), nil)
	arenas[0].Close()
	arenas[0].Close() // again: nothing
	wantError(t, other.Admit(c.NewArena(4_000_000)), nil)
	wantError(t, other.Admit(c.NewArena(4_000_000)), ErrMemory)
}

// TestLiarsTakeNothingFromOthers: an input that sends far more than it declared stops before it takes what another was
// admitted with, which can still have all of it.
func TestLiarsTakeNothingFromOthers(t *testing.T) {
	c := newCache(t, Config{Memory: 32 << 20})
	honest, liar := newFeed(t, c, 20, 1), newFeed(t, c, 1000, 1)
	for f, bits := range map[*feed]int{honest: 2_000_000, liar: 10_000} {
		f.layout = func(int, uint64) []int { return []int{230 << 10} } // 1.9 Mb/s
		f.arenas[0] = c.NewArena(bits)
		wantError(t, f.ch.Admit(f.arenas[0]), nil)
	}
	n := uint64(0)
	for ; ; n++ {
		if err := liar.chunk(0, n, 0); err != nil {
			wantError(t, err, ErrMemory)
			break
		}
		wantError(t, liar.tracks[0].Complete(n, int64(n)*1000, int64(n+1)*1000), nil)
		wantError(t, liar.list(0, n, false), nil)
		liar.ch.Publish()
	}
	if held := liar.ch.held.Load(); held < 4<<20 {
		t.Fatalf("the liar stopped at %d bytes with memory to spare", held)
	}
	honest.slots(0, 100) // fails where a chunk finds no room
}

// TestAdmitCountsWhatIsHeld: media of a channel whose inputs are gone counts until it is evicted; an encoder that comes
// back to it counts once.
func TestAdmitCountsWhatIsHeld(t *testing.T) {
	c := newCache(t, Config{Memory: 16 << 20})
	f := newFeed(t, c, 20, 1)
	f.layout = func(int, uint64) []int { return []int{230 << 10} } // 1.9 Mb/s for 43 s: 10 MB
	f.slots(0, 60)
	other := c.NewChannel("other", 20*time.Second)
	defer other.Close()
	wantError(t, other.Admit(c.NewArena(1_400_000)), ErrMemory)
	back := c.NewArena(1_900_000)
	defer back.Close()
	wantError(t, f.ch.Admit(back), nil)
	back.Close()
	f.ch.Close()
	wantError(t, other.Admit(c.NewArena(1_400_000)), nil)
}

// TestDroppedWithoutClose: a channel and its arenas that were only forgotten still give their memory back.
func TestDroppedWithoutClose(t *testing.T) {
	c := newCache(t, Config{Memory: 64 << 20})
	func() {
		a := c.NewArena(0)
		if _, err := a.Reserve(0, 100); err != nil {
			t.Fatal(err)
		}
	}()
	eventually(t, "the arena's slab", func() bool {
		s := c.Stats()
		return s.Window == 0 && s.Pinned == 0 && s.Slabs == 0
	})
}
