package sample

import (
	"weir/manifest"
	"weir/media"
)

// LowCases are presentations of encoders whose chunks are known, by name.
func LowCases() map[string]*manifest.Presentation {
	return map[string]*manifest.Presentation{
		"low":      Low(),
		"low-gap":  lowGap(),
		"low-next": lowNext(),
		"low-late": lowLate(),
		"low-film": lowFilm(),
		"bursts":   bursts(),
		"segments": segments(),
	}
}

// Low is a channel with text, whose encoder sends chunks of 0.2 s.
func Low() *manifest.Presentation {
	g := Even()
	from, to := g.N0, g.N0+6
	p := present(2, []Grid{g},
		Track("v720", 3_000_000, Video(90000, 1280, 720), g, from, to, nil),
		Track("v360", 800_000, Video(12800, 640, 360), g, from, to, nil),
		Track("a128", 128_000, Audio("mp4a.40.2", "eng"), g, from, to, nil),
		Track("t", 1_000, Text("eng"), g, from, to, nil),
	)
	p.Burst = 200e6
	return p
}

// lowGap has a hole in audio right before the open slot, and one in the middle of both.
func lowGap() *manifest.Presentation {
	p := gap()
	p.Burst = 200e6
	p.Tracks[1].Runs[len(p.Tracks[1].Runs)-1].Gap = true
	return p
}

// lowNext knows the generation after the slot that it foresees, and lists nothing of it.
func lowNext() *manifest.Presentation {
	p := Low()
	g := Even()
	p.Generations = append(p.Generations, g.Next(g.N0+8, 180000, 7200, 0).Generation())
	return p
}

// lowLate has an encoder whose clock says that its media is 0.45 s late, and tracks of which one is a slot ahead.
func lowLate() *manifest.Presentation {
	p := Low()
	p.Generations[0].Late = 450e6
	for i := range p.Tracks[1:] {
		r := &p.Tracks[1+i].Runs[len(p.Tracks[1+i].Runs)-1]
		*r = r.Cut(0, r.End()-1)
	}
	return p
}

func lowFilm() *manifest.Presentation {
	p := film()
	p.Burst = 200e6
	return p
}

// bursts has an encoder that sends half a segment at a time.
func bursts() *manifest.Presentation {
	p := Low()
	p.Burst = 960e6
	return p
}

// segments has an encoder that sends whole segments: nothing can be said of low latency.
func segments() *manifest.Presentation {
	p := Low()
	p.Burst = 1920e6
	return p
}

// Parts are what a stretch of a track is divided into by its grid; nil where it has none. Pictures of the first can be
// decoded alone.
func Parts(grid *manifest.Init, target, start, end int64) (parts []media.Part) {
	if grid == nil || grid.Cadence == 0 {
		return nil
	}
	frames := target * int64(grid.Media.Timescale) / 1e9 / grid.Cadence
	for at := start; at < end; {
		next := min(at+max(frames, 1)*grid.Cadence, end)
		parts = append(parts, media.Part{Start: at, End: next, Independent: at == start || grid.Media.Kind != media.Video})
		at = next
	}
	return parts
}

// Open gives tracks the parts of their newest segments, of which GAPs have kept two, and the first few of the slot after
// those: as many as the track's place in open says, where that is not 0.
func Open(p *manifest.Presentation, open ...int) *manifest.Presentation {
	for i := range p.Tracks {
		t := &p.Tracks[i]
		t.Parts = nil
		add := func(n uint64, ordinal int, start, end int64, most int) {
			if parts := Parts(t.Grid(ordinal), p.PartTarget, start, end); len(parts) > 0 {
				t.Parts = append(t.Parts, manifest.SegmentParts{N: n, Ordinal: ordinal, Parts: parts[:min(most, len(parts))]})
			}
		}
		for n := max(t.Runs[0].N, t.End()-3); n < t.End(); n++ {
			for _, r := range t.Runs {
				if s := r.Cut(n, n+1); s.Count > 0 {
					most := 1000
					if s.Gap {
						most = 2
					}
					add(n, s.Ordinal, s.Start, s.EndTicks(), most)
				}
			}
		}
		if i < len(open) && open[i] > 0 {
			for j := len(p.Generations) - 1; j >= 0; j-- {
				if g := &p.Generations[j]; g.N0 <= t.End() {
					if grid := t.Grid(g.Ordinal); grid != nil {
						from, _ := g.Edge(grid, t.End())
						to, _ := g.Edge(grid, t.End()+1)
						add(t.End(), g.Ordinal, from, to, open[i])
					}
					break
				}
			}
		}
	}
	return p
}

// Turning is a channel of twelve slots that has changed its phase and its decoder configuration in the middle, and does so
// again with the slot that is open.
func Turning() *manifest.Presentation {
	a := Even()
	b := a.Next(a.N0+3, 172800, 9000, 2)
	c := b.Next(b.N0+9, 172800, 0, 0)
	video, high := Video(90000, 1280, 720), Video(90000, 1280, 720)
	high.Codec = "avc1.640020"
	hashed(high)
	audio := Audio("mp4a.40.2", "eng")
	v := Then(Track("v720", 3_000_000, video, a, a.N0, b.N0, nil), high, b, b.N0, c.N0, nil)
	s := Then(Track("a128", 128_000, audio, a, a.N0, b.N0, nil), audio, b, b.N0, c.N0, func(n int64) bool { return n == c.N0-2 })
	p := present(2, []Grid{a, b, c}, Then(v, video, c, 0, 0, nil), Then(s, audio, c, 0, 0, nil))
	p.Burst = 200e6
	return p
}
