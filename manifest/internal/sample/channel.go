package sample

import (
	"math/rand/v2"
	"slices"

	"weir/manifest"
	"weir/media"
)

// A Channel lives through random events: its tracks list slot after slot, one a slot ahead of the other now and then,
// with holes long and short; generations open with another grid and other decoder configurations, and sometimes nobody
// describes a track in one. Its lists keep a window of 20 s, by the rules of the live window. Two channels of the same
// seed live the same life.
type Channel struct {
	Window int64 // nanoseconds
	Burst  int64 // nanoseconds, of its encoder's chunks; 0: not known
	rng    *rand.Rand
	grids  []Grid
	tracks []*life
}

// A life is all that ever happened to a track.
type life struct {
	manifest.Track
	describe func(ordinal int) *media.Track
	runs     []manifest.Run // Count 1 each
	hole     bool
}

// NewChannel makes a channel with two renditions, audio and text, which has listed nothing.
func NewChannel(seed uint64) *Channel {
	ch := &Channel{Window: 20e9, rng: rand.New(rand.NewPCG(seed, 0))}
	first := []Grid{Even(), Film()}[ch.rng.IntN(2)]
	codec := func(ordinal int) string { return []string{"avc1.64001f", "avc1.640020"}[ordinal%2] }
	video := func(w, h int) func(int) *media.Track {
		return func(ordinal int) *media.Track {
			m := Video(first.Timescale, w, h)
			m.Codec = codec(ordinal)
			return hashed(m)
		}
	}
	ch.add("v720", 3_000_000, video(1280, 720))
	ch.add("v360", 800_000, video(640, 360))
	ch.add("a128", 128_000, func(int) *media.Track { return Audio("mp4a.40.2", "eng") })
	ch.add("t", 1_000, func(int) *media.Track { return Text("eng") })
	ch.open(first)
	return ch
}

func (ch *Channel) add(name string, id int64, describe func(int) *media.Track) {
	ch.tracks = append(ch.tracks, &life{Track: manifest.Track{Name: name, ID: id}, describe: describe})
}

// open starts a generation. Not everybody is described in it, but the first track always is.
func (ch *Channel) open(g Grid) {
	ch.grids = append(ch.grids, g)
	for i, t := range ch.tracks {
		if i == 0 || len(ch.grids) == 1 || ch.rng.IntN(5) > 0 {
			t.Inits = append(t.Inits, g.Init(t.describe(g.Ordinal)))
		}
	}
}

// end is the number that the track lists next.
func (ch *Channel) end(t *life) int64 {
	if len(t.runs) == 0 {
		return ch.grids[0].N0
	}
	return int64(t.runs[len(t.runs)-1].End())
}

// Step lets one track list one slot, then says what the channel lists.
func (ch *Channel) Step() *manifest.Presentation {
	lowest, highest := ch.end(ch.tracks[0]), ch.end(ch.tracks[0])
	for _, t := range ch.tracks {
		lowest, highest = min(lowest, ch.end(t)), max(highest, ch.end(t))
	}
	if last := ch.grids[len(ch.grids)-1]; lowest == highest && lowest > last.N0 && ch.rng.IntN(12) == 0 {
		slot := []int64{2, 3, 4}[ch.rng.IntN(3)] * int64(last.Timescale) / 2 * 1001 / 1000
		ch.open(last.Next(lowest, slot, ch.rng.Int64N(slot), ch.rng.Int64N(20)))
	}
	t := ch.tracks[ch.rng.IntN(len(ch.tracks))]
	for ch.end(t) > lowest { // one slot ahead at most
		t = ch.tracks[ch.rng.IntN(len(ch.tracks))]
	}
	ch.list(t)
	return ch.present()
}

// list adds the next slot to a track's list.
func (ch *Channel) list(t *life) {
	n := ch.end(t)
	i := len(ch.grids) - 1
	for ch.grids[i].N0 > n {
		i--
	}
	g := ch.grids[i]
	if ch.rng.IntN(8) == 0 {
		t.hole = !t.hole
	}
	m := t.Init(g.Ordinal)
	t.runs = append(t.runs, g.Run(t.describe(g.Ordinal), n, t.hole || m == nil))
}

// position is where slot n starts, in nanoseconds, holes between generations left out.
func (ch *Channel) position(n int64) (at int64) {
	for i, g := range ch.grids {
		end := n
		if i+1 < len(ch.grids) {
			end = min(end, ch.grids[i+1].N0)
		}
		if end > g.N0 {
			at += manifest.Floor((end-g.N0)*g.Slot, g.Timescale, 1e9)
		}
	}
	return at
}

// present cuts the lists to the window and copies them.
func (ch *Channel) present() *manifest.Presentation {
	p := &manifest.Presentation{Live: true, TargetDuration: 2, PartTarget: 200e6, Burst: ch.Burst, Window: ch.Window, Epoch: true}
	oldest := len(ch.grids) - 1
	for _, l := range ch.tracks {
		t := l.Track
		t.Inits, t.Runs = slices.Clone(t.Inits), nil
		first := 0
		if len(l.runs) > 0 {
			end := ch.position(ch.end(l))
			for ch.position(int64(l.runs[first].N)+1) <= end-ch.Window {
				first++
			}
		}
		for i, r := range l.runs {
			switch {
			case i >= first:
				t.Runs = manifest.AppendRun(t.Runs, r)
			case !r.Gap:
				t.Kept = r
			}
		}
		if len(t.Runs) > 0 {
			oldest = min(oldest, t.Runs[0].Ordinal)
		}
		p.Tracks = append(p.Tracks, t)
	}
	for _, g := range ch.grids[oldest:] {
		p.Generations = append(p.Generations, g.Generation())
	}
	return p
}
