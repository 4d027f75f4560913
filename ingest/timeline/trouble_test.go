package timeline

import (
	"regexp"
	"testing"
)

// only picks tracks of a set.
func only(tracks []elementary, names ...string) []elementary {
	var out []elementary
	for _, e := range tracks {
		for _, n := range names {
			if e.name == n {
				out = append(out, e)
			}
		}
	}
	return out
}

// with changes tracks.
func with(tracks []elementary, change func(e *elementary)) []elementary {
	out := append([]elementary(nil), tracks...)
	for i := range out {
		change(&out[i])
	}
	return out
}

func scenes(i int) bool { // a scene-cut encoder: GOPs of 0.04 to 4.8 s at 25 fps
	switch i % 431 {
	case 0, 37, 100, 130, 210, 211, 300, 420:
		return true
	}
	return false
}

// Each case is a history of an encoder and what the lists look like after it (see checker.draw), for each track, and how
// many generations and joins were written.
func TestTrouble(t *testing.T) {
	set := ladder(5)
	newConfig := with(set, func(e *elementary) { e.config += 10 })
	gop := func(n int) []elementary {
		return with(set, func(e *elementary) {
			if e.kind == Video {
				e.sync = every(n)
			}
		})
	}
	irregular := with(set, func(e *elementary) {
		if e.kind == Video {
			e.sync = scenes
		}
	})
	const s = second
	cases := map[string]struct {
		sessions []session
		lose     func(*packet) bool
		delay    func(*packet) int64
		cfg      func(*Config)
		away     func(int64) bool
		again    func(*packet) int64
		loose    bool
		lists    map[string]string // regular expressions
		gens     int
		joins    int
	}{
		"clock jumps ahead": {
			sessions: []session{{end: 80 * s, tracks: set, jumps: []jump{{30 * s, 9300 * millisecond}}}},
			lists:    map[string]string{"v1": `a{15}\.a{20,}`, "v2": `a{15}\.a{20,}`, "a": `a{15}-\.?a{20,}`}, gens: 1, joins: 1,
		},
		"clock jumps back": {
			sessions: []session{{end: 80 * s, tracks: set, jumps: []jump{{30 * s, -9300 * millisecond}}}},
			lists:    map[string]string{"v1": `a{15}\.a{20,}`, "v2": `a{15}\.a{20,}`, "a": `a{15}-\.?a{20,}`}, gens: 1, joins: 1,
		},
		"UTC jumps ahead by less than 30 s": {
			sessions: []session{{end: 80 * s, epoch: true, tracks: set, jumps: []jump{{30 * s, 9300 * millisecond}}}},
			lists:    map[string]string{"v1": `a{15}\.{4,7}b{15,}`, "v2": `a{15}\.{4,7}b{15,}`, "a": `a{15}-\.{3,7}a?b{15,}`}, gens: 2,
		},
		"UTC jumps back by less than 30 s": {
			sessions: []session{{end: 120 * s, epoch: true, tracks: set, jumps: []jump{{30 * s, -9300 * millisecond}}}},
			lists:    map[string]string{"v1": `a{15}[.o]{5,8}b{20,}`, "v2": `a{15}[.o]{5,8}b{20,}`, "a": `a{15}[.o]{5,8}b{20,}`}, gens: 2,
		},
		"UTC jumps ahead by 40 s: refused, after a minute anchored anew": {
			sessions: []session{{end: 150 * s, epoch: true, tracks: set, jumps: []jump{{30 * s, 40 * s}}}},
			lists:    map[string]string{"v1": `a{15}\.{30,34}b{20,}`, "v2": `a{15}\.{30,34}b{20,}`, "a": `a{15}-?\.{30,34}b{20,}`}, gens: 2,
		},
		"UTC jumps back by 100 s: refused, after a minute anchored anew": {
			sessions: []session{{end: 150 * s, epoch: true, tracks: set, jumps: []jump{{30 * s, -100 * s}}}},
			lists:    map[string]string{"v1": `a{15}\.{30,34}b{20,}`, "v2": `a{15}\.{30,34}b{20,}`, "a": `a{15}-?\.{30,34}b{20,}`}, gens: 2,
		},
		"an encoder on UTC comes back at zero": {
			sessions: []session{{end: 30 * s, epoch: true, tracks: set}, {start: 33 * s, end: 80 * s, tracks: set}},
			lists:    map[string]string{"v1": `a{15}\.{2,4}a{18,}`, "v2": `a{15}\.{2,4}a{18,}`, "a": `a{14,15}-?\.{1,4}a{18,}`}, gens: 1, joins: 1,
		},
		"an encoder at zero comes back on UTC": {
			sessions: []session{{end: 30 * s, tracks: set}, {start: 33 * s, end: 80 * s, epoch: true, tracks: set}},
			lists:    map[string]string{"v1": `a{15}\.{1,4}a{18,}`, "v2": `a{15}\.{1,4}a{18,}`, "a": `a{14,15}-?\.{1,4}a{18,}`}, gens: 1, joins: 1,
		},
		"a lone rendition comes back off phase": {
			sessions: []session{{end: 80 * s, tracks: only(set, "v1", "a")}, {end: 30 * s, tracks: only(set, "v2")}, {start: 35 * s, end: 80 * s, tracks: only(set, "v2")}},
			lists:    map[string]string{"v1": `a{37,}`, "v2": `a{15}\.{20,}`, "a": `a{37,}`}, gens: 1,
		},
		"a lone rendition comes back in phase": {
			sessions: []session{{end: 80 * s, tracks: only(set, "v1", "a")}, {end: 30 * s, tracks: only(set, "v2")}, {start: 36*s + 10*millisecond, end: 80 * s, tracks: only(set, "v2")}},
			lists:    map[string]string{"v1": `a{37,}`, "v2": `a{15}\.{2,4}o?a{18,}`, "a": `a{37,}`}, gens: 1, joins: 1,
		},
		"the master comes back alone and off phase": {
			sessions: []session{{end: 80 * s, tracks: only(set, "v2", "a")}, {end: 30 * s, tracks: only(set, "v1")}, {start: 35 * s, end: 80 * s, tracks: only(set, "v1")}},
			lists:    map[string]string{"v1": `a{15}\.{20,}`, "v2": `a{37,}`, "a": `a{37,}`}, gens: 1,
		},
		"audio comes back alone": {
			sessions: []session{{end: 80 * s, tracks: only(set, "v1", "v2")}, {end: 30 * s, tracks: only(set, "a")}, {start: 35 * s, end: 80 * s, tracks: only(set, "a")}},
			lists:    map[string]string{"v1": `a{37,}`, "v2": `a{37,}`, "a": `a{14}-\.{2,4}a{18,}`}, gens: 1, joins: 1,
		},
		"the encoder comes back with another configuration": {
			sessions: []session{{end: 30 * s, tracks: set}, {start: 35 * s, end: 80 * s, tracks: newConfig}},
			lists:    map[string]string{"v1": `a{15}\.{2,4}b{18,}`, "v2": `a{15}\.{2,4}b{18,}`, "a": `a{14}-\.{2,4}b{18,}`}, gens: 2,
		},
		"on UTC, it comes back with another configuration": {
			sessions: []session{{end: 30 * s, epoch: true, tracks: set}, {start: 36 * s, end: 80 * s, epoch: true, tracks: newConfig}},
			lists:    map[string]string{"v1": `a{15}\.{2,4}b{18,}`, "v2": `a{15}\.{2,4}b{18,}`, "a": `a{14}-\.{2,4}b{18,}`}, gens: 2,
		},
		"audio changes its configuration without a break": {
			sessions: []session{{end: 80 * s, tracks: only(set, "v1", "v2")}, {end: 30 * s, tracks: only(set, "a")}, {start: 30 * s, shift: 30 * s, end: 80 * s, tracks: only(newConfig, "a")}},
			lists:    map[string]string{"v1": `a{15,16}b{20,}`, "v2": `a{15,16}b{20,}`, "a": `a{14}-\.?b{20,}`}, gens: 2,
		},
		"the master changes its configuration without a break": {
			sessions: []session{{end: 80 * s, tracks: only(set, "v2", "a")}, {end: 30 * s, tracks: only(set, "v1")}, {start: 30 * s, shift: 30 * s, end: 80 * s, tracks: only(newConfig, "v1")}},
			lists:    map[string]string{"v1": `a{15}\.?b{20,}`, "v2": `a{15,16}b{20,}`, "a": `a{15,16}b{20,}`}, gens: 2,
		},
		"a rendition comes late": {
			sessions: []session{{end: 80 * s, tracks: only(set, "v1", "a")}, {start: 30 * s, shift: 30 * s, end: 80 * s, tracks: only(set, "v2")}},
			lists:    map[string]string{"v1": `a{16,17}b{20,}`, "v2": `b{20,}`, "a": `a{16,17}b{20,}`}, gens: 2,
		},
		"audio comes late, at zero": {
			sessions: []session{{end: 80 * s, tracks: only(set, "v1", "v2")}, {start: 31 * s, end: 80 * s, tracks: only(set, "a")}},
			lists:    map[string]string{"v1": `a{16,20}b{17,}`, "v2": `a{16,20}b{17,}`, "a": `b{17,}`}, gens: 2, joins: 1,
		},
		"a rendition comes late, at zero and off phase": {
			sessions: []session{{end: 80 * s, tracks: only(set, "v1", "a")}, {start: 31 * s, end: 80 * s, tracks: only(set, "v2")}},
			lists:    map[string]string{"v1": `a{37,}`, "v2": ``, "a": `a{37,}`}, gens: 1,
		},
		"the GOP doubles": {
			sessions: []session{{end: 30 * s, tracks: set, kept: true}, {start: 30 * s, shift: 30 * s, end: 90 * s, tracks: gop(100)}},
			lists:    map[string]string{"v1": `a{16}[.a]{2,10}b{15,}`, "v2": `a{16}[.a]{2,10}b{15,}`, "a": `a{16,}[oa.]{2,10}b{15,}`}, gens: 2,
		},
		"the GOP halves": {
			sessions: []session{{end: 30 * s, tracks: set, kept: true}, {start: 30 * s, shift: 30 * s, end: 80 * s, tracks: gop(25)}},
			lists:    map[string]string{"v1": `a{37,}`, "v2": `a{37,}`, "a": `a{37,}`}, gens: 1,
		},
		"the GOP slips": {
			sessions: []session{{end: 30 * s, tracks: set, kept: true}, {start: 31 * s, shift: 31 * s, end: 80 * s, tracks: set}},
			lists:    map[string]string{"v1": `a{15}\.{1,4}b{18,}`, "v2": `a{15}\.{1,4}b{18,}`, "a": `a{14,15}[-.ao]{1,4}b{18,}`}, gens: 2,
		},
		"one GOP is odd": {
			sessions: []session{{end: 80 * s, tracks: with(set, func(e *elementary) {
				if e.kind == Video {
					e.sync = func(i int) bool { return i%50 == 0 && i != 800 || i == 810 || i == 790 }
				}
			})}},
			lists: map[string]string{"v1": `a{16}\.a{20,}`, "v2": `a{16}\.a{20,}`, "a": `a{37,}`}, gens: 1,
		},
		"the cadence becomes irregular": {
			sessions: []session{{end: 30 * s, tracks: set, kept: true}, {start: 30 * s, shift: 30 * s, end: 120 * s, tracks: irregular}},
			lists:    map[string]string{"v1": `a{16}[.a]{2,8}b{20,}`, "v2": `a{16}[.a]{2,8}b{20,}`, "a": `a{16,}[oa.]{2,8}b{20,}`}, gens: 2,
		},
		"an irregular cadence": {
			sessions: []session{{end: 180 * s, tracks: irregular}},
			lists:    map[string]string{"v1": `a{15,}`, "v2": `a{15,}`, "a": `a{15,}`}, gens: 1,
		},
		"an irregular cadence, declared": {
			sessions: []session{{end: 180 * s, tracks: irregular}}, cfg: func(c *Config) { c.GOP = 5 * s },
			lists: map[string]string{"v1": `a{30,}`, "v2": `a{30,}`, "a": `a{30,}`}, gens: 1,
		},
		"an irregular cadence on UTC, with holes": {
			sessions: []session{{end: 180 * s, epoch: true, tracks: irregular, holes: []hole{{50 * s, 53 * s, ""}, {90 * s, 90*s + 300*millisecond, "v1"}}}},
			lists:    map[string]string{"v1": `aaa-\.aa-\.a{6,}`, "v2": `aaa-\.a{9,}`, "a": `a{4}-a{9,}`}, gens: 1,
		},
		"audio alone": {
			sessions: []session{{end: 30 * s, tracks: only(set, "a")}, {start: 33 * s, end: 80 * s, tracks: only(set, "a")}},
			lists:    map[string]string{"a": `a{14,15}-?\.{0,2}a{20,}`}, gens: 1, joins: 1,
		},
		"audio 3 s late": {
			sessions: []session{{end: 80 * s, tracks: with(set, func(e *elementary) {
				if e.kind == Audio {
					e.late = 3 * s
				}
			})}},
			lists: map[string]string{"v1": `a{36,}`, "v2": `a{36,}`, "a": `a{36,}`}, gens: 1,
		},
		"chunks are lost": {
			sessions: []session{{end: 80 * s, tracks: set}},
			lose:     func(p *packet) bool { return p.track.name == "v1" && (p.first == 150 || p.first == 405) },
			lists:    map[string]string{"v1": `aaa\.a{30,}`, "v2": `a{35,}`, "a": `a{35,}`}, gens: 1,
		},
		"a rendition ends": {
			sessions: []session{{end: 80 * s, tracks: only(set, "v1", "a")}, {end: 30 * s, tracks: only(set, "v2")}},
			lists:    map[string]string{"v1": `a{37,}`, "v2": `a{15}\.{20,}`, "a": `a{37,}`}, gens: 1,
		},
		"the network is slow for 20 s": {
			sessions: []session{{end: 80 * s, tracks: set}},
			delay: func(p *packet) int64 {
				if p.done > t0+30*s && p.done < t0+50*s {
					return 700 * millisecond
				}
				return 20 * millisecond
			}, // the join states the lateness anew
			lists: map[string]string{"v1": `a{37,}`, "v2": `a{37,}`, "a": `a{37,}`}, gens: 1, joins: 1,
		},
		"the network is away for 5 s and catches up": {
			sessions: []session{{end: 80 * s, tracks: set}},
			delay: func(p *packet) int64 {
				if p.done > t0+30*s && p.done < t0+36*s {
					return 36*s + t0 - p.done
				}
				return 20 * millisecond
			},
			lists: map[string]string{"v1": `a{15}oo?a{18,}`, "v2": `a{15}oo?a{18,}`, "a": `a{14,15}oo?o?a{18,}`}, gens: 1,
		},
		"segments overtake each other": {
			sessions: []session{{end: 80 * s, tracks: ladder(0)}}, loose: true,
			delay: func(p *packet) int64 {
				if p.first/max(1, len(p.chunk.Durations))%7 == 6 {
					return 2*s + 100*millisecond
				}
				return 20 * millisecond
			},
			lists: map[string]string{"v1": `(a{4,}o?)+`, "v2": `(a{4,}o?)+`, "a": `(a{4,}o?)+`}, gens: 1,
		},
		"chunks overtake each other": {
			sessions: []session{{end: 80 * s, tracks: set}}, loose: true,
			delay: func(p *packet) int64 {
				if p.first/5%13 == 6 {
					return 330 * millisecond
				}
				return 20 * millisecond
			},
			lists: map[string]string{"v1": `a{36,}`, "v2": `a{36,}`, "a": `a{36,}`}, gens: 1,
		},
		"segments come twice": {
			sessions: []session{{end: 80 * s, tracks: ladder(0)}}, loose: true,
			again: func(p *packet) int64 { return int64(p.first%3) * 1300 * millisecond },
			lists: map[string]string{"v1": `a{36,}`, "v2": `a{36,}`, "a": `a{36,}`}, gens: 1,
		},
		"chunks come again much later": {
			sessions: []session{{end: 80 * s, tracks: set}}, loose: true,
			again: func(p *packet) int64 { return int64(p.first/5%3) * 7300 * millisecond },
			lists: map[string]string{"v1": `a{36,}`, "v2": `a{36,}`, "a": `a{36,}`}, gens: 1,
		},
		"the store is away at the start": {
			sessions: []session{{end: 80 * s, tracks: set}}, away: func(at int64) bool { return at < t0+20*s },
			lists: map[string]string{"v1": `[.oa]*a{28,}`, "v2": `[.oa]*a{28,}`, "a": `[.oa]*a{28,}`}, gens: 1,
		},
		"the store is away when the encoder comes back": {
			sessions: []session{{end: 30 * s, tracks: set}, {start: 33 * s, end: 90 * s, tracks: set}},
			away:     func(at int64) bool { return at > t0+20*s && at < t0+45*s },
			lists:    map[string]string{"v1": `a{15}[.o]{5,10}a{18,}`, "v2": `a{15}[.o]{5,10}a{18,}`, "a": `a{14,15}-?[.o]{5,10}a{18,}`}, gens: 1, joins: 1,
		},
		"an input of another clock takes over the track, and goes away": {
			sessions: []session{{end: 80 * s, tracks: set}, {start: 30 * s, end: 60 * s, tracks: with(only(set, "v1"), func(e *elementary) { e.timescale = 90000 })}},
			lists:    map[string]string{"v1": `a{15}[.o]?a{13,}\.{7,}`, "v2": `a{36,}`, "a": `a{36,}`}, gens: 1, joins: 1,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			n := single(config())
			if c.cfg != nil {
				c.cfg(&n.cfg)
			}
			n.store.away, n.lose, n.delay, n.again, n.loose = c.away, c.lose, c.delay, c.again, c.loose
			if n.delay == nil {
				n.delay = jitter(1, 10_000_000, 80_000_000)
			}
			end := int64(0)
			sessions := append([]session(nil), c.sessions...)
			for i := range sessions {
				x := &sessions[i]
				x.start, x.end, x.id = x.start+t0, x.end+t0, uint64(i+1)
				x.jumps, x.holes = append([]jump(nil), x.jumps...), append([]hole(nil), x.holes...)
				for j := range x.jumps {
					x.jumps[j].at += t0
				}
				for j := range x.holes {
					x.holes[j].from, x.holes[j].to = x.holes[j].from+t0, x.holes[j].to+t0
				}
				end = max(end, x.end-second)
			}
			n.run(sessions, end)
			n.verify(t)
			for track, want := range c.lists {
				if got := n.check.draw(track); !regexp.MustCompile("^" + want + "$").MatchString(got) {
					t.Errorf("%s: %s\n  want %s", track, got, want)
				}
			}
			if len(n.store.gens) != c.gens || len(n.store.joins) != c.joins {
				t.Errorf("%d generations, %d joins, want %d and %d", len(n.store.gens), len(n.store.joins), c.gens, c.joins)
			}
			if t.Failed() {
				t.Logf("\n%s", n.check.lists())
			}
		})
	}
}
