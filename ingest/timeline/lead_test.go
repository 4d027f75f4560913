package timeline

import (
	"fmt"
	"testing"
)

// An encoder that is started again and again, from zero and sooner than a GOP: each session is laid on the phase, behind
// what was used, so each could push the channel further ahead of the clock. It does not: past a bound some media is given
// up. Two nodes that share a store agree all the while.
func TestRestartsDoNotPileUp(t *testing.T) {
	for _, chunk := range []int{5, 0} {
		for _, gap := range []int64{second / 10, second / 3, second} {
			t.Run(fmt.Sprintf("chunk %d gap %v", chunk, float64(gap)/1e9), func(t *testing.T) {
				a, b := single(config()), single(config())
				a.name, b.name, b.store = "a", "b", a.store
				a.delay, b.delay = jitter(1, 10_000_000, 60_000_000), jitter(2, 10_000_000, 300_000_000)
				sessions, at := []session(nil), t0
				for i := range 40 {
					s := session{start: at, end: at + 14*second + 300_000_000, id: uint64(i + 1), tracks: ladder(chunk)}
					sessions = append(sessions, s)
					at = s.end + gap
				}
				a.prepare(sessions)
				b.prepare(sessions)
				for _, s := range sessions {
					for now := s.start; now < s.end; now += second / 50 {
						a.goOn(now)
						b.goOn(now)
					}
					for _, n := range []*node{a, b} {
						g := n.tl.gen()
						if ahead := n.tl.used() - s.end; ahead > g.leadMost()+g.gopNanos() {
							t.Fatalf("%s: after session %d the channel is %.1f s ahead", n.name, s.id, float64(ahead)/1e9)
						}
					}
				}
				a.verify(t)
				b.verify(t)
				if same := agree(t, a.check, b.check); same < 400 {
					t.Errorf("only %d segments to compare", same)
				}
				if n := len(a.store.gens); n != 1 {
					t.Errorf("%d generations", n)
				}
			})
		}
	}
}
