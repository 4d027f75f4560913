package segcache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"
	"time"

	"weir/media"
)

// A feed writes one channel the way ingest does, with bytes that follow from track, number and chunk alone.
type feed struct {
	t      testing.TB
	cache  *Cache
	ch     *Channel
	tracks []*Track
	arenas []*Arena
	layout func(track int, n uint64) []int // sizes of a segment's chunks
}

// The master grid of all tests: slots of one second in ticks of a thousandth, so that slot, number and second agree.
func testGeneration() Generation {
	return Generation{Ordinal: 0, Timescale: 1000, SlotTicks: 1000, Regular: true, TargetDuration: 1}
}

func newCache(t testing.TB, config Config) *Cache {
	t.Helper()
	c := New(config)
	t.Cleanup(c.Close)
	return c
}

// newFeed makes a channel of so many tracks, with a window of so many slots.
func newFeed(t testing.TB, c *Cache, window, tracks int) *feed {
	t.Helper()
	f := &feed{
		t: t, cache: c, ch: c.NewChannel("test", time.Duration(window)*time.Second),
		layout: func(int, uint64) []int { return []int{3000, 1, 2000, 1500} },
	}
	t.Cleanup(f.ch.Close)
	f.ch.SetGenerations([]Generation{testGeneration()})
	for i := range tracks {
		f.tracks = append(f.tracks, f.ch.AddTrack(TrackConfig{Name: string(rune('a' + i)), ID: int64(i + 1), Kind: media.Video}))
		f.arenas = append(f.arenas, c.NewArena(0))
	}
	return f
}

// pattern appends the bytes of one chunk to dst.
func pattern(dst []byte, track int, n uint64, chunk, size int) []byte {
	x := uint64(track+1)<<56 ^ n<<16 ^ uint64(chunk+1)
	for ; size >= 8; size -= 8 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		dst = binary.LittleEndian.AppendUint64(dst, x)
	}
	for ; size > 0; size-- {
		dst = append(dst, byte(x))
	}
	return dst
}

// segment is what the body of a segment must be.
func (f *feed) segment(track int, n uint64) (all []byte) {
	for k, size := range f.layout(track, n) {
		all = pattern(all, track, n, k, size)
	}
	return all
}

// chunk commits chunk k of segment n, every third one in two pieces out of order, as a split chunk is.
func (f *feed) chunk(track int, n uint64, k int) error { return f.chunkIn(track, n, k, 0) }

// chunkIn is chunk in a part.
func (f *feed) chunkIn(track int, n uint64, k, part int) error {
	size := f.layout(track, n)[k]
	want := pattern(make([]byte, 0, size), track, n, k, size)
	head := min(100, len(want)/2)
	a := f.arenas[track]
	c := Chunk{N: n, Slot: int64(n), Ordinal: f.ordinal(n), Start: int64(n) * 1000, End: int64(n)*1000 + 1, First: k == 0, Sync: k == 0, Part: part, Arrived: int64(k + 1)}
	room, err := a.Reserve(head, len(want)-head)
	if err != nil {
		return err
	}
	if k%3 == 2 {
		copy(room.Payload(), want[head:])
		e, err := a.Copy(want[:head])
		if err != nil {
			return err
		}
		c.Extents, c.NumExtents = [2]Extent{e, room.Extent(head, len(want))}, 2
		if head == 0 {
			c.Extents, c.NumExtents = [2]Extent{room.Extent(0, len(want))}, 1
		}
	} else {
		copy(room.Head(), want)
		copy(room.Payload(), want[head:])
		c.Extents[0], c.NumExtents = room.Extent(0, len(want)), 1
	}
	return f.tracks[track].Commit(c)
}

// whole commits and completes segment n.
func (f *feed) whole(track int, n uint64) {
	f.t.Helper()
	for k := range f.layout(track, n) {
		if err := f.chunk(track, n, k); err != nil {
			f.t.Fatalf("commit %d/%d: %v", n, k, err)
		}
	}
	if err := f.tracks[track].Complete(n, int64(n)*1000, int64(n+1)*1000); err != nil {
		f.t.Fatal(err)
	}
}

// ordinal is the generation of number n.
func (f *feed) ordinal(n uint64) int {
	return f.ch.generations[containing(f.ch.generations, n)].Ordinal
}

// list lists segment n, as media or GAP.
func (f *feed) list(track int, n uint64, gap bool) error {
	return f.tracks[track].List(Entry{N: n, Slot: int64(n), Ordinal: f.ordinal(n), Start: int64(n) * 1000, End: int64(n+1) * 1000, Gap: gap})
}

// slots feeds whole slots [from,to) of all tracks and publishes each.
func (f *feed) slots(from, to uint64) {
	f.t.Helper()
	for n := from; n < to; n++ {
		for i := range f.tracks {
			f.whole(i, n)
			if err := f.list(i, n, false); err != nil {
				f.t.Fatal(err)
			}
		}
		f.ch.Publish()
	}
}

// gaps lists slots [from,to) of all tracks as GAP and publishes each.
func (f *feed) gaps(from, to uint64) {
	f.t.Helper()
	for n := from; n < to; n++ {
		for i := range f.tracks {
			if err := f.list(i, n, true); err != nil {
				f.t.Fatal(err)
			}
		}
		f.ch.Publish()
	}
}

// read is all bytes of a body.
func read(b Body) []byte {
	var w bytes.Buffer
	if n, err := b.WriteTo(&w); err != nil || n != b.Len() || n != int64(w.Len()) {
		panic("WriteTo disagrees with Len")
	}
	return w.Bytes()
}

// bodyOf is the body of segment n, which must have one.
func (f *feed) bodyOf(track int, n uint64) Body {
	f.t.Helper()
	s := f.tracks[track].Segment(n)
	if s == nil {
		f.t.Fatalf("segment %d is not held", n)
	}
	b, ok := s.Body()
	if !ok {
		f.t.Fatalf("segment %d has no body", n)
	}
	return b
}

// eventually collects until done says so: cleanups run some time after the collection that finds a slab.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
		runtime.GC()
	}
}

func wantError(t testing.TB, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("error %v, want %v", got, want)
	}
}
