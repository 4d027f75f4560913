//go:build !race

package timeline

import "testing"

func TestChunkDoesNotAllocate(t *testing.T) {
	for _, n := range []int{1, 5, 50} {
		m := newTreadmill(n)
		if a := testing.AllocsPerRun(2000, m.turn); a != 0 {
			t.Errorf("chunks of %d frames: %v allocations a turn, want 0", n, a)
		}
	}
}

// A text track beside them costs nothing either: neither a cue, nor the slots that it lasts through, nor blanks.
func TestTextDoesNotAllocate(t *testing.T) {
	m := newTreadmill(5)
	words := Chunk{Durations: []uint32{2300}}
	m.tl.Open(m.now, 5, TrackInfo{Name: "t", Kind: Sparse, Timescale: 1000, Config: 3})
	turn := func() {
		if ms := m.frames * 40; ms%3000 < 200 {
			words.Time = ms / 3000 * 3000
			m.tl.Chunk(m.now, 5, &words)
			m.answer()
		}
		m.turn()
	}
	for range 500 {
		turn()
	}
	if len(m.tl.gens) != 2 {
		t.Fatalf("%d generations, want one more for the text", len(m.tl.gens))
	}
	listed := m.tl.trackOf("t", Sparse).next
	if a := testing.AllocsPerRun(2000, turn); a != 0 {
		t.Errorf("%v allocations a turn", a)
	}
	if n := m.tl.trackOf("t", Sparse).next - listed; n < 100 {
		t.Errorf("%d slots of text were listed", n)
	}
}
