package timeline

import (
	"fmt"
	"slices"
	"testing"
)

// lowLatency is a configuration with parts of 200 ms.
func lowLatency() Config {
	cfg := config()
	cfg.Part = second / 5
	return cfg
}

// whole are the segments of a track that were listed as media.
func (k *kept) whole() (all []*made) {
	for i := range k.list {
		if !k.list[i].Gap {
			all = append(all, k.segments[k.list[i].N])
		}
	}
	return all
}

// The parts of a segment that is whole tile it, whatever chunks its encoder sends; each is at most PART-TARGET and, but for
// the last, at least 0.85 of it; and one is listed with its last frame, not with the next.
func TestParts(t *testing.T) {
	type rate struct {
		num, den  int64
		timescale uint32
	}
	rates := map[string]rate{
		"23.976": {24000, 1001, 24000}, "25": {25, 1, 12800}, "29.97": {30000, 1001, 10_000_000}, "50": {50, 1, 90000},
		"59.94": {60000, 1001, 60000},
	}
	gops := map[string]int64{"1.92": 1920, "2": 2000, "2.002": 2002, "3.7": 3700, "8": 8000, "20": 20_000, "irregular": 0}
	for fps, r := range rates {
		for length, ms := range gops {
			for _, chunk := range []int{1, 6, 0} {
				for _, hz := range []uint32{44100, 48000} {
					if testing.Short() && (chunk == 6 || hz == 44100) {
						continue
					}
					t.Run(fmt.Sprintf("%s/%s/%d/%d", fps, length, chunk, hz), func(t *testing.T) {
						t.Parallel()
						v1 := video("v1", r.num, r.den, r.timescale, int(ms*r.num/r.den/1000), chunk)
						if ms == 0 {
							v1.sync = scenes
						}
						v2 := v1
						v2.name = "v2"
						a := audio("a", hz, 7)
						if chunk == 0 {
							a.chunk = int(ms*int64(hz)/1024/1000) + 43
						}
						n := single(lowLatency())
						end := t0 + 40*second + 5*ms*second/1000
						n.run([]session{{start: t0, end: end, id: 1, tracks: []elementary{v1, v2, a}}}, end)
						n.verify(t)
						for name, k := range n.check.tracks {
							n.checkParts(t, name, k.whole())
						}
						if late := n.latest(k(n, "v1")); late != 0 && chunk != 0 {
							t.Errorf("a part of the master was listed %d ms after its last frame", late/1e6)
						}
					})
				}
			}
		}
	}
}

func k(n *node, name string) []*made { return n.check.track(name).whole() }

// checkParts checks the lengths of the parts of segments that are whole, and that they tile them.
func (n *node) checkParts(t *testing.T, name string, segments []*made) {
	t.Helper()
	if len(segments) < 2 {
		t.Fatalf("%s: %d segments\n%s", name, len(segments), n.check.lists())
	}
	for _, m := range segments {
		g := n.check.opened[m.ordinal]
		grid := g.grid(name)
		pos := m.start
		for i, p := range m.parts {
			if p.Start != pos {
				t.Fatalf("%s: segment %d: part %d starts at %d, the one before ends at %d", name, m.n, i, p.Start, pos)
			}
			length := scale(p.End-p.Start, second, int64(grid.Timescale))
			if length > g.PartTarget || length*100 < g.PartTarget*85 && i+1 < len(m.parts) {
				t.Fatalf("%s: segment %d: part %d of %d lasts %d ns, PART-TARGET is %d", name, m.n, i, len(m.parts), length, g.PartTarget)
			}
			pos = p.End
		}
		if pos != m.end {
			t.Fatalf("%s: segment %d ends at %d, its parts at %d", name, m.n, m.end, pos)
		}
	}
}

// latest is by how much a part was listed later than its last frame came, at most; but for the first segments, in which
// the lag settles.
func (n *node) latest(segments []*made) (late int64) {
	for _, m := range segments[min(3, len(segments)):] {
		for i := range m.parts {
			late = max(late, m.partsAt[i]-m.endsAt[i])
		}
	}
	return late
}

// Without a grid a part ends before the first frame that would make it too long, and is listed when that comes.
func TestPartsWithoutGrid(t *testing.T) {
	n := single(lowLatency())
	v := video("v1", 25, 1, 12800, 50, 1)
	s := session{start: t0, end: t0 + 40*second, id: 1, tracks: []elementary{v}}
	n.prepare([]session{s})
	for i := range n.all {
		if p := n.all[i].p; p != nil { // frames of 27 to 53 ms
			wander := func(i int) int64 { return int64((i*7)%13-6) * 512 / 20 * int64(min(1, i%50)) }
			p.chunk.Time += wander(p.first)
			p.chunk.Durations = []uint32{uint32(512 + wander(p.first+1) - wander(p.first))}
		}
	}
	n.goOn(s.end)
	n.verify(t)
	if g := n.tl.gen(); g.Tracks[0].Cadence != 0 {
		t.Fatalf("cadence %d", g.Tracks[0].Cadence)
	}
	parts := 0
	for _, m := range k(n, "v1") {
		g := n.check.opened[m.ordinal]
		pos := m.start
		for i, p := range m.parts {
			if p.Start != pos || p.End-p.Start > g.partTicks(&g.Tracks[0]) {
				t.Fatalf("segment %d: part %d [%d,%d) after %d", m.n, i, p.Start, p.End, pos)
			}
			if i+1 < len(m.parts) && m.partsAt[i] < m.endsAt[i] {
				t.Fatalf("segment %d: part %d is listed before it is there", m.n, i)
			}
			if i+1 < len(m.parts) && (p.End-p.Start)*100 < g.partTicks(&g.Tracks[0])*85 {
				t.Fatalf("segment %d: part %d [%d,%d) is too short for PART-TARGET %d ns", m.n, i, p.Start, p.End, g.PartTarget)
			}
			pos = p.End
			parts++
		}
		if pos != m.end {
			t.Fatalf("segment %d ends at %d, its parts at %d", m.n, m.end, pos)
		}
	}
	if parts < 100 {
		t.Errorf("%d parts", parts)
	}
}

// A list that has come to part k of segment N says the same on every node, whatever came first: tracks are delayed at
// random, in all ways that keep slots from being missed.
func TestVersionsAreFunctions(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			chunk := []int{1, 5, 0, 13}[seed%4]
			shapes := [][4]int64{{25, 1, 12800, 50}, {30000, 1001, 30000, 60}, {24000, 1001, 1000, 48}, {50, 1, 90000, 96}}
			shape := shapes[seed/4%4]
			v1 := video("v1", shape[0], shape[1], uint32(shape[2]), int(shape[3]), chunk)
			v2 := v1
			v2.name, v2.timescale = "v2", 90000
			tracks := []elementary{v1, v2, audio("a", []uint32{44100, 48000}[seed%2], 9), text("t", 700, nil)}
			if seed%5 == 4 {
				tracks = with(tracks, func(e *elementary) {
					if e.kind == Video {
						e.sync = scenes
					}
				})
			}
			shared := &store{}
			s := session{start: t0, end: t0 + 70*second, id: 1, tracks: tracks}
			var nodes []*node
			for i := range 4 {
				n := single(lowLatency())
				n.name, n.store = string(rune('a'+i)), shared
				n.delay = jitter(seed*100+uint64(i), 1_000_000, []int64{2_000_000, 100_000_000, 300_000_000, 400_000_000}[i])
				nodes = append(nodes, n)
			}
			world([]session{s}, s.end, false, nodes...)
			states, seen := map[string]string{}, 0
			for _, n := range nodes {
				n.verify(t)
				for name, k := range n.check.tracks {
					for state, says := range k.versions() {
						if before, ok := states[name+state]; ok && before != says {
							t.Fatalf("%s: %s at %s says\n%s\nelsewhere\n%s", n.name, name, state, says, before)
						} else if ok {
							seen++
						}
						states[name+state] = says
					}
				}
			}
			if seen < 400 {
				t.Errorf("%d states to compare\n%s", seen, nodes[0].check.lists())
			}
		})
	}
}

// versions are all states that a track's list went through, by (N, part): what it says in each of the newest segments.
func (k *kept) versions() map[string]string {
	states := map[string]string{}
	entry := func(i int) string {
		ev := &k.list[i]
		says := fmt.Sprintf("%d [%d,%d) slot %d generation %d gap %v", ev.N, ev.Start, ev.End, ev.Slot, ev.Ordinal, ev.Gap)
		if m := k.segments[ev.N]; m != nil {
			says += fmt.Sprint(spans(m.parts))
		}
		return says
	}
	for i := range k.list {
		says := ""
		for j := max(0, i-3); j < i && i-3 >= 0; j++ {
			says += entry(j) + "\n"
		}
		if i >= 3 {
			states[fmt.Sprintf(" %d.0", k.list[i].N)] = says
		}
		if m := k.segments[k.list[i].N]; m != nil && i >= 3 {
			for p := range m.parts {
				states[fmt.Sprintf(" %d.%d", k.list[i].N, p+1)] = says + fmt.Sprint(spans(m.parts[:p+1]))
			}
		}
	}
	return states
}

func spans(parts []Event) (all [][2]int64) {
	for _, p := range parts {
		all = append(all, [2]int64{p.Start, p.End})
	}
	return all
}

// A chunk that is lost costs the part that it was in nothing but its frames: the frames behind the hole start early, and
// parts stay where the grid has them. A longer hole makes the slot a GAP, which keeps the parts that were listed.
func TestPartsAndHoles(t *testing.T) {
	for _, chunk := range []int64{1, 2, 5} {
		for missing := int64(1); missing <= 7; missing += chunk {
			for at := chunk; at+missing < 50; at += 3 * chunk {
				t.Run(fmt.Sprintf("chunks of %d, %d frames at %d", chunk, missing, at), func(t *testing.T) {
					v := video("v1", 25, 1, 12800, 50, int(chunk))
					s := session{start: t0, end: t0 + 40*second, id: 1, tracks: []elementary{v, audio("a", 48000, 9)}}
					n := single(lowLatency())
					lost := int64(0)
					n.lose = func(p *packet) bool {
						frame := int64(p.first) - 500
						if p.track.name != "v1" || frame < at || frame >= at+missing {
							return false
						}
						lost += chunk
						return true
					}
					n.run([]session{s}, s.end)
					n.verify(t)
					list := n.check.track("v1").list
					gap := slices.IndexFunc(list, func(ev Event) bool { return ev.Gap })
					g := n.tl.gen()
					part := g.partLength(g.grid("v1")) / 512
					if bridged := lost <= part; bridged == (gap >= 0) && at+lost < 50 {
						t.Fatalf("%d frames are missing, gap %d\n%s", lost, gap, n.check.lists())
					}
					for _, name := range []string{"v1", "a"} {
						for _, m := range k(n, name) {
							if end := m.parts[len(m.parts)-1].End; end != m.end {
								t.Errorf("%s: segment %d ends at %d, its parts at %d", name, m.n, m.end, end)
							}
							for i := range m.parts {
								if m.begins[i] != m.parts[i].Start {
									t.Errorf("%s: segment %d: part %d is said to start at %d, and does at %d", name, m.n, i, m.parts[i].Start, m.begins[i])
								}
							}
						}
					}
					if gap < 0 || at+lost >= 50 {
						return
					}
					if m := n.check.track("v1").segments[list[gap].N]; len(m.parts) != int(at/part) {
						t.Errorf("%d parts of the GAP are listed, want %d", len(m.parts), at/part)
					}
				})
			}
		}
	}
}

// A node that is started again lists parts from its first whole slot on.
func TestPartsAfterRestart(t *testing.T) {
	for shift := int64(0); shift < 2*second; shift += 230_000_000 {
		n := single(lowLatency())
		n.down = []hole{{from: t0 + 21*second + shift, to: t0 + 22*second + shift}}
		s := session{start: t0, end: t0 + 40*second, id: 1, tracks: ladder(1)}
		n.run([]session{s}, s.end)
		n.verify(t)
		for _, name := range []string{"v1", "v2", "a"} {
			before, after := n.past[0].track(name), n.check.track(name)
			if len(after.list) == 0 || after.list[0].Gap || after.list[0].N > before.list[len(before.list)-1].N+3 {
				t.Fatalf("%s: lists\n%s%s", name, n.past[0].lists(), n.check.lists())
			}
			first := after.segments[after.list[0].N]
			if len(first.parts) < 10 || first.partsAt[0] > first.partsAt[9]-second {
				t.Errorf("%s: the first segment's parts were listed at %v", name, first.partsAt)
			}
		}
		agree(t, n.past[0], n.check)
	}
}

// The burst is the longest chunk, or what comes at once; a hiccup of the network or of the encoder is neither.
func TestBurst(t *testing.T) {
	collect := func(every int64) func(p *packet) int64 {
		return func(p *packet) int64 { return every - (p.done-t0-1)%every - 1 }
	}
	hiccup := func(p *packet) int64 {
		if late := p.done - t0 - 3*second; late >= 0 && late < second {
			return second - late
		}
		return 10_000_000
	}
	for name, c := range map[string]struct {
		chunk, audio int
		delay        func(*packet) int64
		least, most  int64
	}{
		"frames":                      {1, 1, nil, 40, 40},
		"chunks":                      {5, 9, nil, 200, 200},
		"chunks, jitter":              {5, 9, jitter(1, 1_000_000, 60_000_000), 200, 200},
		"chunks, a hiccup":            {5, 9, hiccup, 200, 200},
		"frames, collected for 2 s":   {1, 1, collect(2 * second), 1800, 2000},
		"chunks, collected for 2 s":   {5, 9, collect(2 * second), 1800, 2000},
		"chunks, collected for 0.6 s": {5, 9, collect(600_000_000), 400, 700},
		"long sound":                  {5, 47, nil, 1002, 1003},
		"segments":                    {0, 94, nil, 2000, 2006},
	} {
		t.Run(name, func(t *testing.T) {
			n := single(lowLatency())
			n.delay = c.delay
			tracks := []elementary{video("v1", 25, 1, 12800, 50, c.chunk), audio("a", 48000, c.audio)}
			n.run([]session{{start: t0, end: t0 + 20*second, id: 1, tracks: tracks}}, t0+20*second)
			n.verify(t)
			if got := n.tl.gen().Burst / 1_000_000; got < c.least || got > c.most {
				t.Errorf("burst %d ms, want %d to %d", got, c.least, c.most)
			}
		})
	}
}

// A track whose siblings come late is not listed further ahead of them than players stay behind; the clock lists its parts
// then, one by one.
func TestPartsStayTogether(t *testing.T) {
	const late = 1500 * second / 1000
	n := single(lowLatency())
	n.delay = func(p *packet) int64 { return 10_000_000 }
	a := audio("a", 48000, 9)
	a.late = late
	n.run([]session{{start: t0, end: t0 + 40*second, id: 1, tracks: []elementary{video("v1", 25, 1, 12800, 50, 1), a}}}, t0+40*second)
	n.verify(t)
	g := n.tl.gen()
	var times []int64
	for _, m := range k(n, "v1")[4:] {
		for i := range m.parts {
			times = append(times, m.partsAt[i])
			if held := m.partsAt[i] - m.endsAt[i]; held < late-g.lead() || held > late {
				t.Fatalf("part %d of segment %d was held for %d ms; lead %d ms, lag %d ms", i, m.n, held/1e6, g.lead()/1e6, n.tl.lag/1e6)
			}
		}
	}
	for i := 1; i < len(times); i++ {
		if d := times[i] - times[i-1]; d < 150_000_000 || d > 250_000_000 {
			t.Errorf("a part %d ms after the one before", d/1e6)
		}
	}
	if n.ticks < len(times) {
		t.Errorf("%d parts by %d ticks", len(times), n.ticks)
	}
}

// A new generation's parts are listed when all tracks that deliver have reached it.
func TestPartsOfNewGeneration(t *testing.T) {
	n := single(lowLatency())
	n.delay = func(p *packet) int64 {
		if p.track.name == "a" && p.sess.id == 2 { // later than it was
			return 1_300_000_000
		}
		return 10_000_000
	}
	before := []elementary{video("v1", 25, 1, 12800, 50, 1), audio("a", 48000, 1)}
	after := with(before, func(e *elementary) { e.config += 10 })
	sessions := []session{
		{start: t0, end: t0 + 20*second, id: 1, tracks: before, kept: true},
		{start: t0 + 20*second, end: t0 + 40*second, id: 2, tracks: after, shift: 20 * second},
	}
	n.run(sessions, t0+40*second)
	n.verify(t)
	if len(n.store.gens) != 2 {
		t.Fatalf("%d generations\n%s", len(n.store.gens), n.check.lists())
	}
	n0 := n.store.gens[1].N0
	v, a := n.check.track("v1").segments[n0], n.check.track("a").segments[n0]
	if v == nil || a == nil || len(v.parts) == 0 {
		t.Fatalf("generation 1 has no media\n%s", n.check.lists())
	}
	if opened := a.endsAt[0] - second/5; v.partsAt[0] < opened {
		t.Errorf("the first part is listed %d ms before the sound is there", (opened-v.partsAt[0])/1e6)
	}
}

// A segment of more parts than a segment may have is listed with as many; a track of which nothing can be listed for long
// does not fill memory with its parts.
func TestMostParts(t *testing.T) {
	g := &Generation{PartTarget: second / 50}
	tl := &Timeline{}
	tr := &track{name: "v"}
	tr.cur = cursor{g: g, grid: &Grid{Timescale: 1000, Cadence: 20}, open: true}
	tr.cur.parts = division{length: 20}
	for range maxParts + 1000 {
		tr.cur.pos += 20
		tr.cur.parts.some = true
		tl.divide(tr)
	}
	if n := tr.parts.len(); n != maxParts-1 || tr.cur.parts.index != maxParts-1 {
		t.Errorf("%d parts wait, the next is %d", n, tr.cur.parts.index)
	}
	for n := range uint64(10) {
		tr.cur.n, tr.cur.parts = n+1, division{length: 20, start: tr.cur.pos}
		for range maxParts - 1 {
			tr.cur.pos += 20
			tr.cur.parts.some = true
			tl.divide(tr)
		}
	}
	if n := tr.parts.len(); n != maxPartsQueued {
		t.Errorf("%d parts wait", n)
	}
	for i := range tr.parts.all { // none of a segment is there without those before it
		if p := tr.parts.all[i]; p.index > 0 && (tr.parts.all[i-1].n != p.n || tr.parts.all[i-1].index != p.index-1) {
			t.Fatalf("part %d of segment %d follows part %d of %d", p.index, p.n, tr.parts.all[i-1].index, tr.parts.all[i-1].n)
		}
	}
}
