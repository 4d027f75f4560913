package timeline

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// spoken draws a text track's list, one letter an entry: 'T' where cues fill the slot, 't' where they fill a part of it, '_'
// for a blank, '.' for a GAP.
func (c *checker) spokenList(name string) string {
	t := c.track(name)
	var b strings.Builder
	for _, ev := range t.list {
		m := t.segments[ev.N]
		cues, blanks := 0, 0
		if m != nil {
			for _, f := range m.frames {
				if strings.HasPrefix(f, "@") {
					blanks++
				} else {
					cues++
				}
			}
		}
		switch {
		case ev.Gap:
			b.WriteByte('.')
		case cues == 0:
			b.WriteByte('_')
		case blanks > 0:
			b.WriteByte('t')
		default:
			b.WriteByte('T')
		}
	}
	return b.String()
}

// one in n frames begins a cue that lasts for some frames.
func oneIn(n, lasts int) func(i int) int {
	return func(i int) int {
		if i%n == n-1 {
			return lasts
		}
		return 0
	}
}

// Text of all kinds beside an encoder's pictures and sound. None of it makes a GAP, in its own track or another.
func TestText(t *testing.T) {
	const s = second
	set := ladder(5)
	plus := func(e ...elementary) []elementary { return append(append([]elementary(nil), set...), e...) }
	later := func(e elementary, late int64) elementary { e.late = late; return e }
	apart := func(e elementary, frames int64) elementary { e.phase = frames; return e }
	newConfig := func(e elementary) elementary { e.config += 10; return e }
	video := `a{37,}`
	cases := map[string]struct {
		sessions  []session
		cfg       func(*Config)
		video     string
		text      string
		gens      int
		joins     int
		lateDrops bool
	}{
		"a cue a slot": {
			sessions: []session{{end: 80 * s, tracks: plus(text("t", 2000, nil))}}, text: `T{36,}`,
		},
		"on UTC": {
			sessions: []session{{end: 80 * s, epoch: true, tracks: plus(text("t", 2000, nil))}}, text: `T{36,}`,
		},
		"cues that miss the slots": {
			sessions: []session{{end: 80 * s, tracks: plus(apart(text("t", 1100, nil), 1))}}, text: `[tT]T{36,}`,
		},
		"chunks of 200 ms": {
			sessions: []session{{end: 80 * s, tracks: plus(text("t", 200, nil))}}, text: `T{36,}`,
		},
		"long cues": {
			sessions: []session{{end: 80 * s, tracks: plus(later(text("t", 7000, nil), -6900*millisecond))}}, text: `T{36,}`,
		},
		"a cue of 100 ms every 10 s, when it is over": {
			sessions: []session{{end: 80 * s, tracks: plus(text("t", 100, oneIn(100, 1)))}}, text: `_{4}t(_{4}t){6,}_*`,
		},
		"a cue of 5 s every 20 s, when it begins": {
			sessions: []session{{end: 80 * s, tracks: plus(text("t", 100, oneIn(200, 50)))}}, text: `_{9}tTTt_{6}tTTt_{6}tTTt_{5,}`,
		},
		"a cue a minute": {
			sessions: []session{{end: 150 * s, tracks: plus(text("t", 1000, oneIn(60, 2)))}}, text: `_{29}tt_{28}tt_+`, video: `a{70,}`,
		},
		"a header and nothing else": {
			sessions: []session{{end: 80 * s, tracks: plus(text("t", 1000, func(int) int { return 0 }))}}, text: `_{37,}`,
		},
		"two languages, one silent": {
			sessions: []session{{end: 80 * s, tracks: plus(text("t", 1000, nil), text("u", 1000, func(int) int { return 0 }))}}, text: `T{36,}`,
		},
		"800 ms later than its pictures": {
			sessions: []session{{end: 80 * s, tracks: plus(later(text("t", 1000, nil), 800*millisecond))}}, text: `T{36,}`,
		},
		"6 s later than its pictures: too late": {
			sessions: []session{{end: 80 * s, tracks: plus(later(text("t", 1000, nil), 6*s))}}, text: `[T_]?_{36,}`, lateDrops: true,
		},
		"another clock than its pictures": {
			sessions: []session{
				{end: 80 * s, tracks: set},
				{end: 80 * s, shift: 10_000 * s, tracks: []elementary{text("t", 1000, nil)}},
			}, text: `_{37,}`, lateDrops: true,
		},
		"it comes late: a generation": {
			sessions: []session{
				{end: 80 * s, tracks: set},
				{start: 30 * s, shift: 30 * s, end: 80 * s, tracks: []elementary{text("t", 1000, nil)}},
			}, text: `T{19,}`, video: `a{16,18}b{18,}`, gens: 2, lateDrops: true,
		},
		"two languages come late, one after the other: one generation": {
			sessions: []session{
				{end: 80 * s, tracks: set},
				{start: 30 * s, shift: 30 * s, end: 80 * s, tracks: []elementary{text("t", 1000, nil)}},
				{start: 31 * s, shift: 31 * s, end: 80 * s, tracks: []elementary{text("u", 1000, oneIn(9, 1))}},
			}, text: `T{19,}`, video: `a{16,18}b{18,}`, gens: 2, lateDrops: true,
		},
		"a header comes late": {
			sessions: []session{
				{end: 80 * s, tracks: set},
				{start: 30 * s, shift: 30 * s, end: 80 * s, tracks: []elementary{text("t", 1000, func(int) int { return 0 })}},
			}, text: `_{19,}`, video: `a{16,18}b{18,}`, gens: 2,
		},
		"it goes away and comes back": {
			sessions: []session{
				{end: 80 * s, tracks: set},
				{end: 30 * s, tracks: []elementary{text("t", 1000, nil)}},
				{start: 50 * s, shift: 50 * s, end: 80 * s, tracks: []elementary{text("t", 1000, nil)}},
			}, text: `T{15}_{9,10}t?T{13,}`,
		},
		"it comes back with another configuration": {
			sessions: []session{
				{end: 80 * s, tracks: set},
				{end: 30 * s, tracks: []elementary{text("t", 1000, nil)}},
				{start: 50 * s, shift: 50 * s, end: 80 * s, tracks: []elementary{newConfig(text("t", 1000, nil))}},
			}, text: `T{15}_{10,13}t?T{11,}`, video: `a{26,28}b{11,}`, gens: 2, lateDrops: true,
		},
		"the encoder comes back at zero": {
			sessions: []session{
				{end: 30 * s, tracks: plus(text("t", 1000, nil))},
				{start: 37 * s, end: 80 * s, tracks: plus(text("t", 1000, nil))},
			}, text: `T{15}_{3,5}t?T{16,}`, video: `a{15}\.{2,5}a{18,}`, joins: 1,
		},
		"the encoder comes back at zero, its text first": {
			sessions: []session{
				{end: 30 * s, tracks: plus(text("t", 1000, nil))},
				{start: 37 * s, end: 80 * s, tracks: append([]elementary{text("t", 200, nil)}, with(set, func(e *elementary) { e.late = 400 * millisecond })...)},
			}, text: `T{15}_{3,5}t?T{16,}`, video: `a{15}\.{2,5}a{18,}`, joins: 1,
		},
		"the encoder comes back with other pictures": {
			sessions: []session{
				{end: 30 * s, tracks: plus(text("t", 1000, nil))},
				{start: 35 * s, end: 80 * s, tracks: append(with(set, func(e *elementary) { e.config += 10 }), text("t", 1000, nil))},
			}, text: `T{15}_{2,4}t?T{18,}`, video: `a{15}\.{2,4}b{18,}`, gens: 2,
		},
		"the cadence becomes irregular": {
			sessions: []session{
				{end: 30 * s, tracks: plus(text("t", 1000, nil)), kept: true},
				{start: 30 * s, shift: 30 * s, end: 120 * s, tracks: append(with(set, func(e *elementary) {
					if e.kind == Video {
						e.sync = scenes
					}
				}), text("t", 1000, nil))},
			}, text: `T{16}[T_]{2,9}T{20,}`, video: `a{16}[.a]{2,8}b{20,}`, gens: 2, lateDrops: true,
		},
		"declared, it comes with the others": {
			sessions: []session{{end: 80 * s, tracks: plus(text("t", 1000, nil))}}, text: `T{37,}`,
			cfg: func(c *Config) { c.Tracks = []string{"v1", "v2", "a", "t"} },
		},
		"beside audio alone": {
			sessions: []session{{end: 80 * s, tracks: append(only(set, "a"), text("t", 1000, nil))}}, text: `t?T{36,}`, video: ``,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			n := single(config())
			if c.cfg != nil {
				c.cfg(&n.cfg)
			}
			n.delay = jitter(1, 10_000_000, 80_000_000)
			end := int64(0)
			sessions := append([]session(nil), c.sessions...)
			for i := range sessions {
				x := &sessions[i]
				x.start, x.end, x.id = x.start+t0, x.end+t0, uint64(i+1)
				end = max(end, x.end-second)
			}
			n.run(sessions, end)
			n.verify(t)
			if c.video == "" {
				c.video = video
			}
			for _, track := range []string{"v1", "v2"} {
				if got := n.check.draw(track); got != "" && !regexp.MustCompile("^"+c.video+"$").MatchString(got) {
					t.Errorf("%s: %s\n  want %s", track, got, c.video)
				}
			}
			if got := n.check.spokenList("t"); !regexp.MustCompile("^" + c.text + "$").MatchString(got) {
				t.Errorf("t: %s\n  want %s", got, c.text)
			}
			if gens := max(c.gens, 1); len(n.store.gens) != gens || len(n.store.joins) != c.joins {
				t.Errorf("%d generations, %d joins, want %d and %d", len(n.store.gens), len(n.store.joins), gens, c.joins)
			}
			for why, samples := range n.check.drops {
				if why != BeforeStart && !c.lateDrops && len(c.sessions) == 1 {
					t.Errorf("%d samples dropped: %s", samples, why)
				}
			}
			if t.Failed() {
				t.Logf("\n%s", n.check.lists())
			}
		})
	}
}

// Pictures and sound are listed at the same times with text beside them as without, whatever the text does.
func TestTextHoldsNothingBack(t *testing.T) {
	at := func(tracks ...elementary) string {
		n := single(config())
		n.delay = jitter(1, 10_000_000, 80_000_000)
		n.run([]session{{start: t0, end: t0 + 80*second, id: 1, tracks: append(ladder(5), tracks...)}}, t0+79*second)
		n.verify(t)
		var b strings.Builder
		for _, name := range []string{"v1", "v2", "a"} {
			k := n.check.track(name)
			for i, ev := range k.list {
				fmt.Fprintln(&b, name, ev.N, ev.Start, ev.End, ev.Gap, k.at[i])
			}
		}
		if len(tracks) > 0 { // and itself no later than the slot's deadline
			k := n.check.track("t")
			g := &n.store.gens[0]
			for i, ev := range k.list[2:] {
				if late := k.at[i+2] - g.endNanos(ev.Slot); late > g.half()+2*second/5 {
					t.Errorf("%s: text of slot %d is listed %d ms after the slot's end", tracks[0].name, ev.Slot, late/1e6)
				}
			}
		}
		return b.String()
	}
	want := at()
	for name, e := range map[string]elementary{
		"a cue a slot": text("t", 2000, nil),
		"silence":      text("t", 2000, func(int) int { return 0 }),
		"late":         func() elementary { e := text("t", 1000, nil); e.late = 9 * second; return e }(),
		"early":        func() elementary { e := text("t", 1000, nil); e.late = -5 * second; return e }(),
		"long chunks":  text("t", 30_000, nil),
	} {
		if got := at(e); got != want {
			t.Errorf("%s: pictures and sound are listed otherwise", name)
		}
	}
}

// Nodes that share a store agree on text as on the rest, with their own delays and over the restarts of encoder and node.
func TestNodesAgreeOnText(t *testing.T) {
	for seed := range uint64(8) {
		epoch := seed%2 == 0
		texts := [][]elementary{
			{text("t", 2000, nil), text("u", 300, nil)},
			{text("t", 1700, nil), text("u", 100, oneIn(37, 9))},
		}[seed/2%2]
		tracks := append(ladder(5), texts...)
		start, back := t0, t0+47*second
		if epoch {
			start, back = t0/second*second, t0/second*second+48*second
		}
		sessions := []session{
			{start: start, end: start + 41*second, epoch: epoch, id: 1, tracks: tracks},
			{start: back, end: back + 60*second, epoch: epoch, id: 2, tracks: tracks},
		}
		shared := &store{}
		a, b := single(config()), single(config())
		a.store, b.store, b.name = shared, shared, "b"
		a.delay, b.delay = jitter(seed, 10_000_000, 80_000_000), jitter(seed+100, 10_000_000, 400_000_000)
		b.down = []hole{{from: start + int64(20+3*seed)*second, to: start + int64(24+5*seed)*second}}
		world(sessions, back+58*second, seed%4 > 1, a, b)
		a.verify(t)
		b.verify(t)
		for _, c := range append(b.past, b.check) {
			if same := agree(t, a.check, c); same < 30 {
				t.Errorf("seed %d: only %d segments to compare", seed, same)
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d\n%s\n%s\n%s\n%s%s", seed, a.check.spokenList("t"), b.past[0].spokenList("t"), b.check.spokenList("t"), a.check.lists(), b.check.lists())
		}
	}
}
