package sample

import (
	"weir/manifest"
	"weir/media"
)

// Cases are the presentations that golden files are kept of, by name.
func Cases() map[string]*manifest.Presentation {
	return map[string]*manifest.Presentation{
		"regular":     Live(6),
		"gap":         gap(),
		"generations": generations(),
		"absent":      absent(),
		"audio-only":  audioOnly(),
		"film":        film(),
		"left":        left(),
		"outage":      outage(),
		"irregular":   irregular(),
		"dependent":   dependent(),
		"groups":      groups(),
		"late":        late(),
		"renamed":     renamed(),
		"joining":     joining(),
		"ended":       ended(),
	}
}

func always(int64) bool { return true }

// gap has a hole of two slots in all tracks, and one more in audio alone.
func gap() *manifest.Presentation {
	g := Even()
	from, to := g.N0, g.N0+8
	hole := func(n int64) bool { return n == from+3 || n == from+4 }
	return present(2, []Grid{g},
		Track("v720", 3_000_000, Video(90000, 1280, 720), g, from, to, hole),
		Track("a128", 128_000, Audio("mp4a.40.2", "eng"), g, from, to, func(n int64) bool { return hole(n) || n == from+6 }),
	)
}

// generations changes the decoder configuration and the phase after four slots.
func generations() *manifest.Presentation {
	a := Even()
	cut, to := a.N0+4, a.N0+8
	b := a.Next(cut, 180000, 7200, 0)
	v := Track("v720", 3_000_000, Video(90000, 1280, 720), a, a.N0, cut, nil)
	s := Track("a128", 128_000, Audio("mp4a.40.2", "eng"), a, a.N0, cut, nil)
	high := Video(90000, 1280, 720)
	high.Codec = "avc1.640020"
	return present(2, []Grid{a, b}, Then(v, hashed(high), b, cut, to, nil), Then(s, Audio("mp4a.40.2", "eng"), b, cut, to, nil))
}

// absent has audio in the first and third generation only; in the second nobody described it, so it is all GAP there.
// German comes with the third.
func absent() *manifest.Presentation {
	a := Even()
	b := a.Next(a.N0+3, 172800, 0, 0)
	c := b.Next(a.N0+6, 172800, 36000, 5)
	to := a.N0 + 9
	video, audio := Video(90000, 1280, 720), Audio("mp4a.40.2", "eng")
	v := Track("v720", 3_000_000, video, a, a.N0, b.N0, nil)
	v = Then(Then(v, video, b, b.N0, c.N0, nil), video, c, c.N0, to, nil)
	s := Track("a128", 128_000, audio, a, a.N0, b.N0, nil)
	s = Then(Then(s, nil, b, b.N0, c.N0, always), audio, c, c.N0, to, nil)
	return present(2, []Grid{a, b, c}, v, s, Track("b128", 128_001, Audio("mp4a.40.2", "deu"), c, c.N0, to, nil))
}

func audioOnly() *manifest.Presentation {
	g := Samples()
	from, to := g.N0, g.N0+6
	return present(2, []Grid{g},
		Track("a128", 128_000, Audio("mp4a.40.2", "eng"), g, from, to, nil),
		Track("a64", 64_000, Audio("mp4a.40.2", "eng"), g, from, to, nil),
	)
}

func film() *manifest.Presentation {
	g := Film()
	from, to := g.N0, g.N0+6
	return present(2, []Grid{g},
		Track("v720", 3_000_000, Video(120000, 1280, 720), g, from, to, nil),
		Track("a128", 128_000, Audio("mp4a.40.2", "eng"), g, from, to, nil),
		Track("t", 1_000, Text("eng"), g, from, to, nil),
	)
}

// left is generations one window on: the first has left, and what is listed begins inside the second.
func left() *manifest.Presentation {
	a := Even()
	b := a.Next(a.N0+4, 180000, 7200, 0)
	from, to := b.N0+2, b.N0+7
	return present(2, []Grid{b},
		Track("v720", 3_000_000, Video(90000, 1280, 720), b, from, to, nil),
		Track("a128", 128_000, Audio("mp4a.40.2", "eng"), b, from, to, nil),
	)
}

// outage has nothing but holes in its window of a minute.
func outage() *manifest.Presentation {
	g := Even()
	from, to := g.N0+40, g.N0+72
	p := present(2, []Grid{g},
		Track("v720", 3_000_000, Video(90000, 1280, 720), g, from, to, always),
		Track("a128", 128_000, Audio("mp4a.40.2", "eng"), g, from, to, always),
	)
	for i := range p.Tracks {
		p.Tracks[i].Kept = g.Run(p.Tracks[i].Inits[0].Media, g.N0+9, false)
	}
	return p
}

// irregular has segments that start at the first sync sample after their slot, of 25 fps video with scene cuts.
func irregular() *manifest.Presentation {
	g := at(Grid{Timescale: 90000, Slot: 900000}, Noon)
	video, audio := Video(90000, 1280, 720), Audio("mp4a.40.2", "eng")
	v, a := Track("v720", 3_000_000, video, g, 0, 0, nil), Track("a128", 128_000, audio, g, 0, 0, nil)
	edges := []int64{0, 41, 3, 0, 77} // frames after the slot
	edge := func(i int) int64 {
		start, _ := g.Bounds(g.N0+int64(i), video)
		return start + edges[i]*3600
	}
	for i := range len(edges) - 1 {
		v.Runs = manifest.AppendRun(v.Runs, manifest.Run{
			N: uint64(g.N0) + uint64(i), Count: 1, Start: edge(i), Duration: edge(i+1) - edge(i),
		})
		at := func(i int) int64 { return (manifest.Floor(edge(i), 90000, 48000) + 1023) / 1024 * 1024 }
		a.Runs = manifest.AppendRun(a.Runs, manifest.Run{
			N: uint64(g.N0) + uint64(i), Count: 1, Start: at(i), Duration: at(i+1) - at(i),
		})
	}
	p := present(20, []Grid{g}, v, a)
	p.Generations[0].Regular = false
	return p
}

// dependent has a second generation whose GOPs do not fit: its segments are cut with or without a sync sample.
func dependent() *manifest.Presentation {
	p := generations()
	p.Generations[1].Regular, p.Generations[1].Dependent = false, true
	return p
}

// groups has two languages in two encodings each, a commentary in both, and two kinds of text.
func groups() *manifest.Presentation {
	g := Even()
	from, to := g.N0, g.N0+3
	track := func(name string, id int64, m *media.Track) manifest.Track {
		return Track(name, id, m, g, from, to, nil)
	}
	return present(2, []Grid{g},
		track("v720", 3_000_000, With(Video(90000, 1280, 720), "main")),
		track("v360", 800_000, Video(90000, 640, 360)),
		track("aac-com", 64_000, With(Audio("mp4a.40.2", "eng"), "commentary")),
		track("aac-deu", 128_000, Audio("mp4a.40.2", "deu")),
		track("aac-eng", 128_001, With(Audio("mp4a.40.2", "eng"), "main")),
		track("ac3-1", 384_000, Surround("eng")),
		track("ac3-2", 384_001, Surround("deu")),
		track("ac3-3", 192_000, With(Surround("eng"), "commentary")),
		track("t-deu", 1_000, Text("deu")),
		track("t-eng", 1_001, With(Text("eng"), "caption")),
	)
}

// late has an audio track one slot behind and a video track that has begun the next generation.
func late() *manifest.Presentation {
	a := Even()
	b := a.Next(a.N0+4, 172800, 0, 0)
	video, audio := Video(90000, 1280, 720), Audio("mp4a.40.2", "eng")
	v := Then(Track("v720", 3_000_000, video, a, a.N0, b.N0, nil), video, b, b.N0, b.N0+1, nil)
	s := Then(Track("a128", 128_000, audio, a, a.N0, b.N0-1, nil), audio, b, 0, 0, nil)
	return present(2, []Grid{a, b}, v, s)
}

// renamed has an encoder that came back with another ladder: v720 is of the first generation, v540 of the second.
func renamed() *manifest.Presentation {
	a := Even()
	b := a.Next(a.N0+4, 172800, 0, 0)
	video, audio := Video(90000, 1280, 720), Audio("mp4a.40.2", "eng")
	return present(2, []Grid{a, b},
		Track("v720", 3_000_000, video, a, a.N0, b.N0, nil),
		Track("v540", 2_000_000, Video(90000, 960, 540), b, b.N0, b.N0+3, nil),
		Then(Track("a128", 128_000, audio, a, a.N0, b.N0, nil), audio, b, b.N0, b.N0+3, nil),
	)
}

// joining has a track that the second generation waits for: it is described there, and has listed nothing yet.
func joining() *manifest.Presentation {
	a := Even()
	b := a.Next(a.N0+4, 172800, 0, 0)
	video, audio := Video(90000, 1280, 720), Audio("mp4a.40.2", "eng")
	return present(2, []Grid{a, b},
		Then(Track("v720", 3_000_000, video, a, a.N0, b.N0, nil), video, b, b.N0, b.N0+2, nil),
		Then(Track("a128", 128_000, audio, a, a.N0, b.N0, nil), audio, b, b.N0, b.N0+1, nil),
		Track("b128", 128_001, Audio("mp4a.40.2", "deu"), b, 0, 0, nil),
	)
}

func ended() *manifest.Presentation {
	p := generations()
	p.Live = false
	return p
}
