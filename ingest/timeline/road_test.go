package timeline

import (
	"fmt"
	"testing"
)

// rates are cadences and GOPs that encoders have: frames a second, their own timescale, frames a GOP.
var rates = []struct {
	num, den  int64
	timescale uint32
	gop       int
	chunk     int
}{
	{25, 1, 12800, 50, 5},
	{25, 1, 12800, 48, 5},
	{25, 1, 90000, 50, 0},
	{25, 1, 10_000_000, 50, 5},
	{25, 1, 1000, 50, 3},
	{24000, 1001, 24000, 48, 6},
	{24000, 1001, 10_000_000, 48, 4},
	{24000, 1001, 1000, 48, 6},
	{24000, 1001, 90000, 48, 0},
	{30000, 1001, 30000, 60, 10},
	{30000, 1001, 10_000_000, 60, 3},
	{30000, 1001, 1000, 60, 6},
	{30000, 1001, 90000, 111, 3},
	{30, 1, 15360, 60, 6},
	{30, 1, 1000, 60, 6},
	{50, 1, 12800, 100, 10},
	{50, 1, 10_000_000, 96, 5},
	{50, 1, 25000, 185, 10},
	{60000, 1001, 60000, 120, 12},
	{60000, 1001, 10_000_000, 120, 6},
	{60000, 1001, 1000, 120, 12},
	{25, 1, 12800, 200, 5},
	{25, 1, 12800, 500, 10},
	{50, 1, 90000, 50, 1},
	{25, 1, 12800, 25, 0},
	{25, 1, 90000, 1, 5},
}

// A channel of every rate, epoch and zero based, with each audio rate: after its start no slot is GAP, no frame is
// missing or off the cadence, and a segment is listed as soon as it is whole.
func TestMainRoad(t *testing.T) {
	for i, r := range rates {
		for _, epoch := range []bool{false, true} {
			rate := []uint32{48000, 44100}[i%2]
			name := fmt.Sprintf("%d/%d in %d gop %d audio %d epoch %v", r.num, r.den, r.timescale, r.gop, rate, epoch)
			t.Run(name, func(t *testing.T) {
				n := single(config())
				n.delay = jitter(uint64(i), 20_000_000, 90_000_000)
				length := 40*second + 6*int64(r.gop)*r.den*second/r.num
				n.run([]session{{start: t0, end: t0 + length, epoch: epoch, id: 1, tracks: []elementary{
					video("v1", r.num, r.den, r.timescale, r.gop, r.chunk),
					video("v2", r.num, r.den, r.timescale, r.gop, r.chunk), audio("a", rate, 10),
				}}}, t0+length-second)
				n.verify(t)
				if len(n.store.gens) != 1 || len(n.store.joins) != 0 {
					t.Fatalf("%d generations, %d joins\n%s", len(n.store.gens), len(n.store.joins), n.check.lists())
				}
				if g := &n.store.gens[0]; !g.Regular || g.Epoch != epoch || len(g.Tracks) != 3 {
					t.Errorf("generation %+v", g)
				}
				for _, track := range []string{"v1", "v2", "a"} {
					steady(t, n, track)
				}
			})
		}
	}
}

// steady checks a track that had no trouble.
func steady(t *testing.T, n *node, track string) {
	t.Helper()
	c := n.check
	k := c.track(track)
	g := &n.store.gens[0]
	grid := g.grid(track)
	want := 30 * second / g.dNanos()
	if int64(len(k.list)) < want {
		t.Fatalf("%s: %d entries, want at least %d\n%s", track, len(k.list), want, c.lists())
	}
	if grid.Cadence == 0 {
		t.Errorf("%s has no cadence", track)
	}
	last := int64(0)
	for i, ev := range k.list {
		if ev.Gap {
			t.Fatalf("%s: entry %d is GAP\n%s", track, ev.N, c.lists())
		}
		m := k.segments[ev.N]
		if wait := k.at[i] - m.doneAt; i > 3 && wait > second/2 {
			t.Errorf("%s: segment %d is listed %d ms after it was whole", track, ev.N, wait/1e6)
		}
		for _, f := range m.frames {
			var what string
			var at int64
			if _, err := fmt.Sscanf(split(f), "%s %d", &what, &at); err != nil {
				t.Fatal(err)
			}
			if last != 0 && at-last != grid.Cadence {
				t.Fatalf("%s: segment %d: %s follows at %d ticks, cadence %d", track, ev.N, f, at-last, grid.Cadence)
			}
			last = at
		}
	}
	for why, count := range c.drops {
		if why != BeforeStart {
			t.Errorf("%d samples dropped: %s", count, why)
		}
	}
}

func split(f string) string {
	for i := range f {
		if f[i] == '@' {
			return f[:i] + " " + f[i+1:]
		}
	}
	return f
}
