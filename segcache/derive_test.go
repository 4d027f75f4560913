package segcache

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cespare/xxhash/v2"
)

// TestDerive derives bodies of random pieces, also of derived ones, and compares bytes, lengths, tags and ranges with
// slices put together by hand.
func TestDerive(t *testing.T) {
	c := newCache(t, Config{Memory: 8 << 20})
	f := newFeed(t, c, 4, 1)
	f.layout = func(int, uint64) []int { return []int{5, 600, 7, 1, 200, 300} }
	f.slots(0, 1)
	const seed = 1
	rnd := rand.New(rand.NewPCG(seed, seed))
	for round := range 500 {
		body, want := f.bodyOf(0, 0), f.segment(0, 0)
		for depth := range 1 + rnd.IntN(3) {
			var pieces []Piece
			var all []byte
			for k := range rnd.IntN(6) {
				if rnd.IntN(2) == 0 {
					own := pattern(nil, round, uint64(depth), k, rnd.IntN(40))
					pieces, all = append(pieces, Piece{Own: own}), append(all, own...)
					continue
				}
				off, n := rnd.Int64N(int64(len(want))+20)-10, rnd.Int64N(int64(len(want))+20)-10
				low := min(max(off, 0), int64(len(want)))
				high := min(low+max(n, 0), int64(len(want)))
				pieces, all = append(pieces, Piece{Off: off, N: n}), append(all, want[low:high]...)
			}
			body, want = body.Derive(pieces...), all
			for i := range pieces {
				clear(pieces[i].Own) // they were copied
			}
		}
		if got := read(body); !bytes.Equal(got, want) || body.Len() != int64(len(want)) {
			t.Fatalf("seed %d round %d: %d bytes, want %d", seed, round, len(got), len(want))
		}
		if tag := fmt.Sprintf(`"%016x"`, xxhash.Sum64(want)); body.ETag() != tag {
			t.Fatalf("seed %d round %d: tag %s, want %s", seed, round, body.ETag(), tag)
		}
		off, n := rnd.Int64N(int64(len(want))+1), rnd.Int64N(int64(len(want))+1)
		part := body.Range(off, n)
		if got := bytes.Join(part.Slices(), nil); !bytes.Equal(got, want[off:min(off+n, int64(len(want)))]) || part.ETag() != body.ETag() {
			t.Fatalf("seed %d round %d: Range(%d,%d) is wrong", seed, round, off, n)
		}
	}
}

// TestDerivedSharesPayload: what lies side by side leaves as one slice of the slab, not of a copy.
func TestDerivedSharesPayload(t *testing.T) {
	c := newCache(t, Config{Memory: 8 << 20})
	f := newFeed(t, c, 4, 1)
	f.layout = func(int, uint64) []int { return []int{500, 600} }
	f.slots(0, 1)
	body := f.bodyOf(0, 0)
	d := body.Derive(Piece{Own: []byte("head")}, Piece{Off: 100, N: 300}, Piece{Off: 400, N: 700})
	got := d.Slices()
	if len(got) != 2 || string(got[0]) != "head" || &got[1][0] != &body.Slices()[0][100] {
		t.Fatalf("%d slices, want the head and one of the slab", len(got))
	}
}

// TestDerivedOutlivesEviction: a derived body alone keeps its segment's slabs mapped.
func TestDerivedOutlivesEviction(t *testing.T) {
	c := newCache(t, Config{Memory: 64 << 20})
	f := newFeed(t, c, 4, 1)
	f.layout = func(int, uint64) []int { return []int{100 << 10, 50 << 10, 30 << 10} }
	f.slots(0, 1)
	d := f.bodyOf(0, 0).Derive(Piece{Own: []byte("head")}, Piece{Off: 90 << 10, N: 80 << 10})
	want := append([]byte("head"), f.segment(0, 0)[90<<10:170<<10]...)
	f.slots(1, 80)
	f.ch.Close()
	f.arenas[0].Close()
	f.arenas, f.tracks = nil, nil
	eventually(t, "the body's slabs alone are left", func() bool { return c.slabs.Load() <= 2 })
	if c.slabs.Load() == 0 || !bytes.Equal(read(d), want) {
		t.Fatal("I5: the derived body was unmapped")
	}
}

func TestDeriveOfNothing(t *testing.T) {
	if d := (Body{}).Derive(); d.Len() != 0 || len(read(d)) != 0 || len(d.ETag()) != 18 {
		t.Fatal("nothing derived from nothing is not empty")
	}
	if d := (Body{}).Derive(Piece{Own: []byte("x")}, Piece{N: 5}); string(read(d)) != "x" {
		t.Fatalf("derived %q, want x", read(d))
	}
}
