package timeline

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// A life is a random history of an encoder.
func life(r *rand.Rand, epoch bool) (sessions []session, end int64) {
	shapes := [][5]int64{{25, 1, 12800, 50, 5}, {30000, 1001, 10_000_000, 60, 6}, {50, 1, 90000, 96, 10}, {25, 1, 1000, 25, 0}, {24000, 1001, 24000, 48, 12}}
	shape := shapes[r.IntN(len(shapes))]
	tracks := []elementary{
		video("v1", shape[0], shape[1], uint32(shape[2]), int(shape[3]), int(shape[4])),
		video("v2", shape[0], shape[1], uint32(shape[2]), int(shape[3]), int(shape[4])), audio("a", []uint32{44100, 48000}[r.IntN(2)], 5+r.IntN(40)),
	}
	tracks[2].late = r.Int64N(second)
	words := rand.New(rand.NewPCG(r.Uint64(), 2))
	switch words.IntN(3) {
	case 0:
		tracks = append(tracks, text("t", 200+words.Int64N(3000), nil))
	case 1:
		n := 5 + words.IntN(100)
		tracks = append(tracks, text("t", 100, oneIn(n, 1+words.IntN(n))))
	}
	gop := scale(shape[3]*shape[1], 1000*second, shape[0])
	lock := func(at int64) int64 {
		if epoch { // GOPs stay on the clock
			return scaleUp(scaleUp(at, 1000, gop), gop, 1000)
		}
		return at
	}
	at := lock(t0)
	for i := range 2 + r.IntN(3) {
		length := 15*second + r.Int64N(40*second)
		s := session{start: at, end: at + length, epoch: epoch, id: uint64(i + 1), kept: r.IntN(3) == 0}
		s.tracks = append(s.tracks, tracks...)
		if !epoch && r.IntN(3) == 0 {
			s.shift = r.Int64N(10_000 * second)
		}
		for r.IntN(3) == 0 {
			from := at + r.Int64N(length)
			h := hole{from: from, to: from + r.Int64N(6*second), track: []string{"", "v1", "v2", "a"}[r.IntN(4)]}
			s.holes = append(s.holes, h)
		}
		if r.IntN(4) == 0 && !epoch {
			s.jumps = append(s.jumps, jump{at: at + r.Int64N(length), by: r.Int64N(100*second) - 50*second})
		}
		if r.IntN(4) == 0 {
			for j := range s.tracks {
				s.tracks[j].config += uint64(10 * i)
			}
		}
		sessions = append(sessions, s)
		at = lock(at + length + r.Int64N(15*second)*r.Int64N(2))
	}
	for i := range sessions {
		if len(sessions[i].jumps) > 0 { // nodes get to know of a join before or after a cue comes
			for j := range sessions {
				sessions[j].tracks = slices.DeleteFunc(sessions[j].tracks, func(e elementary) bool { return e.kind == Sparse })
			}
		}
	}
	return sessions, at + 5*second
}

// wild adds what breaks cadence and sets to a life.
func wild(r *rand.Rand, sessions []session) []session {
	for i := range sessions {
		s := &sessions[i]
		switch r.IntN(6) {
		case 0: // scene cuts
			s.tracks = with(s.tracks, func(e *elementary) {
				if e.kind == Video {
					e.sync = scenes
					if e.chunk == 0 {
						e.chunk = 5
					}
				}
			})
		case 1: // another GOP
			n := 20 + r.IntN(130)
			s.tracks = with(s.tracks, func(e *elementary) {
				if e.kind == Video {
					e.sync = every(n)
				}
			})
		case 2: // a track less
			gone := r.IntN(len(s.tracks))
			s.tracks = append(append([]elementary(nil), s.tracks[:gone]...), s.tracks[gone+1:]...)
		case 3: // a track that comes and goes
			lone := *s
			at := r.IntN(len(s.tracks))
			lone.tracks = []elementary{s.tracks[at]}
			s.tracks = append(append([]elementary(nil), s.tracks[:at]...), s.tracks[at+1:]...)
			cut := s.start + r.Int64N(max(1, s.end-s.start))
			first, second := lone, lone
			first.end, second.start = cut, min(cut+r.Int64N(5*1_000_000_000), s.end)
			first.kept, second.kept = false, false
			first.id, second.id = s.id+100, s.id+200
			sessions = append(sessions, first, second)
		case 4: // one rendition has another cadence
			if len(s.tracks) > 1 {
				s.tracks = append([]elementary(nil), s.tracks...)
				s.tracks[1].num *= 2
				s.tracks[1].config += 100
			}
		case 5: // one track is another's configuration
			s.tracks = append([]elementary(nil), s.tracks...)
			s.tracks[r.IntN(len(s.tracks))].config += uint64(r.IntN(3))
		}
	}
	return sessions
}

// Nodes that share a store, or are fed UTC, agree in random histories of encoders, networks and nodes.
func TestRandomLives(t *testing.T) {
	lives := uint64(100)
	if testing.Short() {
		lives = 20
	}
	seeds := []uint64{174, 344, 440, 496, 509, 545} // nodes once disagreed in these
	for seed := range lives {
		seeds = append(seeds, seed)
	}
	for _, seed := range seeds {
		epoch := seed%3 == 0
		t.Run(fmt.Sprintf("life %d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			sessions, end := life(r, epoch)
			if seed%5 == 4 {
				sessions = wild(r, sessions)
			}
			shared := &store{}
			var nodes []*node
			for i := range 3 {
				n := single(config())
				n.name, n.store, n.latency = string(rune('a'+i)), shared, r.Int64N(second/5)
				n.delay = jitter(seed+uint64(i)*1000, 1_000_000, 1_000_000+r.Int64N(500_000_000))
				if i > 0 && r.IntN(2) == 0 {
					from := t0 + 10*second + r.Int64N(40*second)
					n.down = []hole{{from: from, to: from + r.Int64N(20*second)}}
				}
				nodes = append(nodes, n)
			}
			world(sessions, end, seed%5 > 2, nodes...)
			for _, n := range nodes {
				n.verify(t)
			}
			for _, x := range nodes {
				for _, y := range nodes {
					if x.name < y.name {
						for _, cx := range append(x.past, x.check) {
							for _, cy := range append(y.past, y.check) {
								agree(t, cx, cy)
							}
						}
					}
				}
			}
			if t.Failed() {
				for _, n := range nodes {
					for _, c := range append(n.past, n.check) {
						t.Logf("%s", c.lists())
					}
				}
				for _, s := range sessions {
					t.Logf("session %.3f %.3f epoch %v kept %v shift %.3f holes %.3v jumps %.3v config %d", float64(s.start-t0)/1e9, float64(s.end-t0)/1e9, s.epoch, s.kept, float64(s.shift)/1e9, s.holes, s.jumps, s.tracks[0].config)
				}
				for _, j := range shared.joins {
					t.Logf("%+v", j)
				}
			}
		})
	}
}
