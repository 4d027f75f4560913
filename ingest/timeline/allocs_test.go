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
