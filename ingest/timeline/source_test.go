package timeline

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// two is what two encoders of one programme send: sessions of the primary and the secondary.
func two(primary, secondary session) []session {
	primary.source, secondary.source, secondary.rank = "primary", "secondary", 1
	return []session{primary, secondary}
}

// pure checks that no segment has frames of two encoders, unless they are bit-exact, and returns whose segments are
// listed, in order: the ids, 0 for a GAP.
func pure(t *testing.T, n *node, track string) (whose []string) {
	t.Helper()
	tr := n.check.track(track)
	for _, m := range tr.segments {
		var of []string
		for _, f := range m.frames {
			id := strings.Split(f, "/")[1]
			if !slices.Contains(of, id) {
				of = append(of, id)
			}
		}
		if m.done && len(of) > 1 {
			t.Errorf("%s %s: segment %d of generation %d, [%d,%d) is of encoders %v: %v", n.name, track, m.n, m.ordinal, m.start, m.end, of, m.frames)
		}
	}
	for _, ev := range tr.list {
		switch m := tr.segments[ev.N]; {
		case ev.Gap || m == nil:
			whose = append(whose, "0")
		default:
			whose = append(whose, strings.Split(m.frames[0], "/")[1])
		}
	}
	return whose
}

// runs is a list with repetitions left out: "1 0 2".
func runs(whose []string) string { return strings.Join(slices.Compact(slices.Clone(whose)), " ") }

// A death is how the served encoder ends.
type death struct {
	name   string
	silent bool // its connection stays open
}

var deaths = []death{{"closed", false}, {"silent", true}}

// The served encoder dies. Bit-exact ones leave no trace; others cost the slot, which is GAP; without shared time it is one
// generation.
func TestSourceDies(t *testing.T) {
	const died = 21*second + 300_000_000
	for _, d := range deaths {
		for _, bad := range []string{"primary", "secondary"} {
			for kind, exact := range map[string]bool{"exact": true, "alike": false, "apart": false} {
				t.Run(fmt.Sprintf("%s %s %s", d.name, bad, kind), func(t *testing.T) {
					n := single(config())
					n.delay = jitter(3, 10_000_000, 60_000_000)
					a := session{start: t0, end: t0 + 60*second, id: 1, tracks: ladder(5)}
					b := session{start: t0, end: t0 + 60*second, id: 2, tracks: ladder(5)}
					if exact {
						a.content, b.content = 9, 9
					}
					if kind == "apart" {
						b.start -= 500*second + 333_000_000
						b.tracks = with(b.tracks, func(e *elementary) {})
					}
					dies := &a
					if bad == "secondary" {
						dies = &b
					}
					if dies.end = t0 + died; d.silent {
						dies.kept = true
					}
					sessions := two(a, b)
					if kind == "apart" { // it has run for long; the channel is younger
						sessions[1].holes = []hole{{from: sessions[1].start - second, to: t0}}
					}
					n.run(sessions, t0+58*second)
					n.verify(t)
					want := map[string]string{"exact": "9", "alike": "1 0 2", "apart": "1 0 2"}[kind]
					if bad == "secondary" && kind != "exact" {
						want = "1"
					}
					for _, track := range []string{"v1", "v2", "a"} {
						whose := pure(t, n, track)
						got := runs(whose)
						if kind == "apart" {
							got = strings.ReplaceAll(got, "1 2", "1 0 2")
						}
						if got != want || len(whose) < 24 {
							t.Errorf("%s: %d entries of %s, want %s", track, len(whose), got, want)
						}
						gaps, _ := n.check.gaps(track, t0, t0+58*second)
						most := map[string]int{"exact": 0, "alike": 1, "apart": 2}[kind]
						if d.silent && kind == "alike" {
							most++ // where the next slot begins before the silence is found
						}
						if gaps > most {
							t.Errorf("%s: %d GAPs, want at most %d", track, gaps, most)
						}
					}
					gens := 1
					if kind == "apart" && bad == "primary" {
						gens = 2
					}
					if len(n.store.gens) != gens || len(n.store.joins) != 0 {
						t.Errorf("%d generations, want %d; %d joins", len(n.store.gens), gens, len(n.store.joins))
					}
					g := n.store.gens[0]
					for _, track := range []string{"v1", "v2", "a"} { // a list that stands still is taken for dead
						at := n.check.track(track).at
						for i := 1; i < len(at); i++ {
							if d := at[i] - at[i-1]; d > g.dNanos()+g.half()+second/5 {
								t.Errorf("%s: %.3f s between entries %d and %d", track, float64(d)/1e9, i-1, i)
							}
						}
					}
					if t.Failed() {
						t.Logf("%s%+v\n%+v", n.check.lists(), n.store.hands, n.check.served)
					}
				})
			}
		}
	}
}

// The primary comes back after a while: it is served again, at a boundary, and nothing is lost.
func TestSourceReturns(t *testing.T) {
	n := single(config())
	n.delay = jitter(3, 10_000_000, 60_000_000)
	tracks := ladder(5)
	sessions := []session{
		{start: t0, end: t0 + 21*second + 300_000_000, epoch: true, id: 1, tracks: tracks, source: "primary"},
		{start: t0 + 30*second, end: t0 + 80*second, epoch: true, id: 3, content: 1, tracks: tracks, source: "primary"},
		{start: t0, end: t0 + 80*second, epoch: true, id: 2, tracks: tracks, source: "secondary", rank: 1},
	}
	n.run(sessions, t0+78*second)
	n.verify(t)
	for _, track := range []string{"v1", "v2", "a"} {
		if got := runs(pure(t, n, track)); got != "1 0 2 1" {
			t.Errorf("%s: %s", track, got)
		}
		if gaps, _ := n.check.gaps(track, t0, t0+78*second); gaps != 1 {
			t.Errorf("%s: %d GAPs", track, gaps)
		}
	}
	for _, h := range n.store.hands {
		if at := n.store.gens[0].startNanos(n.store.gens[0].slot(h.N)); h.Why == WhyReturn && (at < t0+39*second || at > t0+44*second) {
			t.Errorf("return at %.3f: %+v", float64(at-t0)/1e9, h)
		}
	}
	if len(n.store.gens) != 1 || t.Failed() {
		t.Errorf("%d generations\n%s%+v\n%+v", len(n.store.gens), n.check.lists(), n.store.hands, n.check.served)
	}
}

// An encoder that restarts while no other is there stays the same encoder: GAPs, no generation, no handover.
func TestLoneSourceRestarts(t *testing.T) {
	n := single(config())
	n.delay = jitter(3, 10_000_000, 60_000_000)
	n.run([]session{
		{start: t0, end: t0 + 21*second + 300_000_000, id: 1, tracks: ladder(5), source: "west"},
		{start: t0 + 25*second, end: t0 + 60*second, id: 2, tracks: ladder(5), source: "west"},
	}, t0+58*second)
	n.verify(t)
	if len(n.store.gens) != 1 || len(n.store.hands) != 0 || len(n.store.joins) != 1 {
		t.Errorf("%d generations, %d handovers, %d joins", len(n.store.gens), len(n.store.hands), len(n.store.joins))
	}
}

// A node that is restarted, and finds that the source of the record is gone, waits for a while, for another node may have it; then
// the other source is served.
func TestRestartWithoutTheServedSource(t *testing.T) {
	for _, kind := range []string{"alike", "apart"} {
		n := single(config())
		n.delay = jitter(3, 10_000_000, 60_000_000)
		n.down = []hole{{from: t0 + 20*second, to: t0 + 30*second}}
		a := session{start: t0, end: t0 + 25*second, id: 1, tracks: ladder(5)}
		b := session{start: t0, end: t0 + 80*second, id: 2, tracks: ladder(5)}
		if kind == "apart" {
			b.start -= 333 * second / 10
		}
		n.run(two(a, b), t0+78*second)
		n.verify(t)
		for _, track := range []string{"v1", "v2", "a"} {
			if got := runs(pure(t, n, track)); got != "2" && got != "0 2" {
				t.Errorf("%s %s: %s", kind, track, got)
			}
			list := n.check.track(track).list
			if at := scale(list[0].Start, second, int64(n.store.gens[0].grid(track).Timescale)); at > t0+46*second {
				t.Errorf("%s %s: the list begins after %.3f s", kind, track, float64(at-t0)/1e9)
			}
		}
		if t.Failed() {
			t.Logf("%s%+v", n.check.lists(), n.check.served)
		}
	}
}

// How long it takes from the last chunk of what is served to the record: two parts and 100 ms, where it falls silent; at
// once, where its connection ends.
func TestSilenceIsDetectedInTime(t *testing.T) {
	for _, d := range deaths {
		n := single(config())
		a := session{start: t0, end: t0 + 21*second + 300_000_000, id: 1, tracks: ladder(5), kept: d.silent}
		b := session{start: t0, end: t0 + 60*second, id: 2, tracks: ladder(5)}
		n.latency = 0
		sessions := two(a, b)
		n.prepare(sessions)
		last := int64(0)
		for _, p := range sessions[0].packets(&sessions[0].tracks[0]) {
			last = p.done
		}
		n.goOn(last)
		most := 2*n.tl.gen().PartTarget + jitterTime + 2_000_000
		if !d.silent {
			last, most = a.end, 2_000_000
		}
		n.goOn(last + most)
		var found *Event
		for i, ev := range n.check.served {
			if ev.Track == "v1" {
				found = &n.check.served[i]
			}
		}
		if found == nil || found.Source != "secondary" || found.Text != "primary" {
			t.Errorf("%s: %+v %+v %+v", d.name, n.check.served, n.check.notes, n.store.hands)
		}
	}
}

// Two nodes, each fed by both encoders over networks of their own, one of them restarted, the encoders dying at random: both
// give the same bytes for each slot, or GAP.
func TestNodesAgreeOnSources(t *testing.T) {
	lives := uint64(60)
	if testing.Short() {
		lives = 16
	}
	for seed := range lives {
		for _, kind := range []string{"exact", "alike", "apart"} {
			t.Run(fmt.Sprintf("life %d %s", seed, kind), func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 77))
				sessions, end := redundantLife(r, kind)
				shared := &store{}
				var nodes []*node
				for i := range 2 {
					n := single(config())
					n.name, n.store, n.latency = string(rune('a'+i)), shared, r.Int64N(second/20)
					n.delay = jitter(seed+uint64(i)*1000, 1_000_000, 1_000_000+r.Int64N(200_000_000))
					if i > 0 && r.IntN(2) == 0 {
						from := t0 + 15*second + r.Int64N(60*second)
						n.down = []hole{{from: from, to: from + r.Int64N(15*second)}}
					}
					nodes = append(nodes, n)
				}
				world(sessions, end, true, nodes...)
				for _, n := range nodes {
					n.verify(t)
					for _, track := range []string{"v1", "v2", "a"} {
						pure(t, n, track)
					}
				}
				for _, ca := range append(nodes[0].past, nodes[0].check) {
					for _, cb := range append(nodes[1].past, nodes[1].check) {
						agree(t, ca, cb)
					}
				}
				for _, n := range nodes {
					gaps, media := n.check.gaps("v1", end-25*second, end-8*second)
					if media == 0 {
						t.Errorf("%s: %d GAPs and no segment in the end, where both encoders live", n.name, gaps)
					}
				}
				if t.Failed() {
					for _, n := range nodes {
						t.Logf("%s%+v", n.check.lists(), n.check.served)
					}
					for _, s := range sessions {
						t.Logf("session %d %s %.3f to %.3f kept %v epoch %v", s.id, s.source, float64(s.start-t0)/1e9, float64(s.end-t0)/1e9, s.kept, s.epoch)
					}
				}
			})
		}
	}
}

// redundantLife is a random history of two encoders, at least one of which lives at any time.
func redundantLife(r *rand.Rand, kind string) (sessions []session, end int64) {
	tracks := ladder(5)
	epoch := kind != "apart"
	at := t0/(2*second)*(2*second) + 2*second
	id := uint64(0)
	content := func(source int) uint64 {
		switch kind {
		case "exact":
			return 1000
		case "alike":
			return uint64(1000 + source)
		}
		return 0
	}
	begin := func(source int, from, to int64, kept bool) {
		id++
		sessions = append(sessions, session{
			start: from, end: to, epoch: epoch, id: id, content: content(source), tracks: tracks,
			source: []string{"primary", "secondary"}[source], rank: source, kept: kept,
		})
	}
	from := [2]int64{at, at + 2*second*r.Int64N(3)}
	if epoch {
		from[1] = at
	}
	now := at + 20*second
	for range 3 {
		dies := r.IntN(2)
		cut := now + r.Int64N(8*second)
		begin(dies, from[dies], cut, false)
		back := cut + 3*second + r.Int64N(10*second)
		if epoch {
			back = (back + 2*second - 1) / (2 * second) * (2 * second)
		}
		from[dies] = back
		now = back + 14*second + r.Int64N(8*second)
	}
	end = now + 30*second
	for source := range 2 {
		begin(source, from[source], end, false)
	}
	return sessions, end
}
