package timeline

import "testing"

// TestRestartedCadence lays an encoder that rounds its times to 100 ns, and is off by some microseconds now and then as
// ffmpeg is, on every multiple of a GOP: its samples follow each other on the grid as they did before.
func TestRestartedCadence(t *testing.T) {
	const hns = 10_000_000
	for _, lattice := range []int64{0, 300, 512} { // where its samples lie, from its time 0
		before := Base{At: 1_795_597_541 * 25, AtScale: 25, Scale: 1}
		grid := &Grid{Timescale: 48000, Cadence: 1024, Lattice: lattice}
		grid.Phase = floorMod(before.mapping(&Grid{Timescale: 48000}, hns).off+lattice, 1024)
		for gops := range int64(16) {
			after := Base{At: before.At + 50*gops, AtScale: 25, Scale: 1}
			m := after.mapping(grid, hns)
			at := func(i int64) int64 {
				dither := []int64{0, 1, -1, 341, 0, -341}[i%6]
				return m.At(scaleNear(i*1024+lattice, hns, 48000) + dither)
			}
			for i := range int64(400) {
				if d := at(i+1) - at(i); d != 1024 {
					t.Fatalf("samples at %d, %d GOPs on: sample %d lasts %d", lattice, gops, i, d)
				}
			}
			moved := at(0) - scaleNear(before.At+50*gops, 48000, 25) - lattice
			if abs(moved) > 1024*5/8 {
				t.Errorf("samples at %d, %d GOPs on: moved by %d", lattice, gops, moved)
			}
		}
	}
}
