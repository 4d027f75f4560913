package timeline

import (
	"fmt"
	"testing"
)

// Nodes that share nothing agree on every name and byte of an encoder that says when it started (availabilityStartTime of
// its MPD), whatever their delays. Alone they would not: arrival differs.
func TestAnnouncedAnchor(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			sessions := []session{{start: t0, end: t0 + 60*second, id: 1, tracks: []elementary{
				video("v1", 25, 1, 12800, 50, 5), video("v2", 25, 1, 12800, 50, 5), audio("a", 48000, 10),
			}}}
			a, b := single(config()), single(config())
			b.name, b.store = "b", &store{}
			a.said, b.said = t0, t0
			a.delay, b.delay = jitter(seed, 10_000_000, 80_000_000), jitter(seed+100, 300_000_000, 700_000_000)
			world(sessions, t0+58*second, false, a, b)
			a.verify(t)
			b.verify(t)
			if ga, gb := a.store.gens[0], b.store.gens[0]; ga.Anchor != scaleUp(t0, 25, second) || ga.Anchor != gb.Anchor || ga.Phase != gb.Phase {
				t.Errorf("anchors %d and %d, phases %d and %d", ga.Anchor, gb.Anchor, ga.Phase, gb.Phase)
			}
			if same := agree(t, a.check, b.check); same < 60 {
				t.Errorf("only %d segments to compare", same)
			}
		})
	}
}

// What an encoder says is believed only where arrival bears it out: a clock that is wrong, or an MPD of another run, moves
// nothing.
func TestAnnouncedAnchorIsChecked(t *testing.T) {
	for off, believed := range map[int64]bool{0: true, -9 * second: true, -11 * second: false, second / 4: true, second: false, 3600 * second: false} {
		n := single(config())
		n.said = t0 + off
		n.run([]session{{start: t0, end: t0 + 20*second, id: 1, tracks: []elementary{
			video("v1", 25, 1, 12800, 50, 5), audio("a", 48000, 10),
		}}}, t0+18*second)
		n.verify(t)
		own := scaleUp(t0, 25, second)
		if got := n.store.gens[0].Anchor; (got == scaleUp(n.said, 25, second)) != believed || !believed && got != own {
			t.Errorf("%d s off: anchored at %d, own %d", off/second, got, own)
		}
	}
}
