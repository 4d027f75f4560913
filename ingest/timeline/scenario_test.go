package timeline

import (
	"fmt"
	"testing"
)

// ladder is what most encoders send: two renditions and audio.
func ladder(chunk int) []elementary {
	v1, v2, a := video("v1", 25, 1, 12800, 50, chunk), video("v2", 25, 1, 90000, 50, chunk), audio("a", 48000, 10)
	if chunk == 0 {
		a.chunk = 94
	}
	return []elementary{v1, v2, a}
}

// An encoder that is cut and comes back: with its clock running on, what is missing is GAP; from zero, it is laid on the
// phase by a record. Either way numbers go on and nothing has to be opened.
func TestEncoderComesBack(t *testing.T) {
	for _, chunk := range []int{5, 0} {
		for _, epoch := range []bool{false, true} {
			for _, away := range []int64{second / 2, 3 * second, 7 * second, 40 * second} {
				t.Run(fmt.Sprintf("chunk %d epoch %v away %v", chunk, epoch, float64(away)/1e9), func(t *testing.T) {
					n := single(config())
					n.delay = jitter(1, 10_000_000, 60_000_000)
					cut := t0 + 31*second + 370_000_000
					back := cut + away
					if epoch { // its GOPs stay on the clock
						back = t0 + (back-t0+2*second-1)/(2*second)*2*second
					}
					n.run([]session{
						{start: t0, end: cut, epoch: epoch, id: 1, tracks: ladder(chunk)},
						{start: back, end: back + 30*second, epoch: epoch, id: 2, tracks: ladder(chunk)},
					}, back+29*second)
					n.verify(t)
					if len(n.store.gens) != 1 {
						t.Errorf("%d generations", len(n.store.gens))
					}
					joins := 1
					if epoch {
						joins = 0
					}
					if len(n.store.joins) != joins {
						t.Errorf("%d joins, want %d", len(n.store.joins), joins)
					}
					for _, track := range []string{"v1", "v2", "a"} {
						if gaps, media := n.check.gaps(track, back+4*second, back+22*second); gaps != 0 || media < 8 {
							t.Errorf("%s: %d GAPs and %d segments after the return", track, gaps, media)
						}
						gaps, _ := n.check.gaps(track, t0, back+22*second)
						if most := int(away/(2*second)) + 3; gaps > most {
							t.Errorf("%s: %d GAPs, want at most %d", track, gaps, most)
						}
					}
					if t.Failed() {
						t.Logf("%s%+v", n.check.lists(), n.store.joins)
					}
				})
			}
		}
	}
}

// A connection that breaks while the encoder goes on: it comes back at the time that the encoder has by then.
func TestConnectionComesBack(t *testing.T) {
	for _, chunk := range []int{5, 0} {
		n := single(config())
		n.delay = jitter(1, 10_000_000, 60_000_000)
		s := session{start: t0, end: t0 + 70*second, id: 1, tracks: ladder(chunk), holes: []hole{{from: t0 + 31*second, to: t0 + 38*second}}}
		n.run([]session{s}, t0+69*second)
		n.verify(t)
		if len(n.store.joins) != 0 || len(n.store.gens) != 1 {
			t.Errorf("%d joins, %d generations", len(n.store.joins), len(n.store.gens))
		}
		for _, track := range []string{"v1", "v2", "a"} {
			if gaps, _ := n.check.gaps(track, t0, t0+70*second); gaps < 3 || gaps > 5 {
				t.Errorf("chunk %d %s: %d GAPs\n%s", chunk, track, gaps, n.check.lists())
			}
		}
	}
}

// Nodes that share a store, or are fed UTC, agree on every name, number, boundary and byte, whatever their delays and
// restarts.
func TestNodesAgree(t *testing.T) {
	for seed := range uint64(6) {
		for _, epoch := range []bool{false, true} {
			for _, r := range [][5]int64{{25, 1, 12800, 50, 5}, {30000, 1001, 10_000_000, 60, 6}, {24000, 1001, 1000, 48, 0}, {50, 1, 90000, 96, 10}} {
				t.Run(fmt.Sprintf("seed %d epoch %v %v", seed, epoch, r), func(t *testing.T) {
					tracks := []elementary{
						video("v1", r[0], r[1], uint32(r[2]), int(r[3]), int(r[4])), video("v2", r[0], r[1], uint32(r[2]), int(r[3]), int(r[4])),
						audio("a", []uint32{44100, 48000}[seed%2], 9),
					}
					start := t0
					if epoch {
						gop := scale(r[3]*r[1], second*1000, r[0])
						start = t0 / second * second / 1000 * 1000
						start = scaleUp(scaleUp(start, 1000, gop), gop, 1000)
					}
					back := start + 47*second
					if epoch {
						gop := scale(r[3]*r[1], second*1000, r[0])
						back = scaleUp(scaleUp(back, 1000, gop), gop, 1000)
					}
					sessions := []session{
						{start: start, end: start + 41*second, epoch: epoch, id: 1, tracks: tracks},
						{start: back, end: back + 60*second, epoch: epoch, id: 2, tracks: tracks},
					}
					shared := &store{}
					a, b := single(config()), single(config())
					a.store, b.store, b.name = shared, shared, "b"
					if epoch {
						b.store = &store{}
					}
					a.delay, b.delay = jitter(seed, 10_000_000, 80_000_000), jitter(seed+100, 10_000_000, 400_000_000)
					b.down = []hole{{from: start + int64(20+3*seed)*second, to: start + int64(24+5*seed)*second}}
					end := back + 58*second
					world(sessions, end, seed%2 == 1, a, b)
					a.verify(t)
					b.verify(t)
					same := 0
					for _, c := range append(b.past, b.check) {
						same += agree(t, a.check, c)
					}
					if same < 60 {
						t.Errorf("only %d segments to compare", same)
					}
					if t.Failed() {
						t.Logf("%s%s%s%+v\n%+v", a.check.lists(), b.past[0].lists(), b.check.lists(), shared.gens, shared.joins)
					}
				})
			}
		}
	}
}
