package sample

import "weir/manifest"

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
