// Package sample makes presentations for the tests of manifest and its sub-packages: hand-made ones for golden files
// (Cases), and a channel that lives through random events for properties (Channel). Nothing of it is linked into weir.
// Start reading at Cases.
package sample

import (
	"fmt"
	"hash/fnv"

	"weir/manifest"
	"weir/media"
)

// Noon is 2026-11-22T12:00:00Z in seconds since the Unix epoch.
const Noon = 1_795_348_800

// Video describes an H.264 track; 120000 ticks a second mean 29.97 frames a second, all others 25.
func Video(timescale uint32, width, height int) *media.Track {
	m := &media.Track{
		Kind: media.Video, SampleEntry: "avc1", Codec: "avc1.64001f", Timescale: timescale, Width: width, Height: height,
		FrameRate: media.Ratio{Num: 25, Den: 1}, Language: "und",
	}
	if timescale == 120000 {
		m.FrameRate = media.Ratio{Num: 30000, Den: 1001}
	}
	return hashed(m)
}

// Audio describes a stereo AAC track at 48 kHz.
func Audio(codec, language string) *media.Track {
	return hashed(&media.Track{
		Kind: media.Audio, SampleEntry: "mp4a", Codec: codec, Timescale: 48000, SampleRate: 48000, Channels: 2,
		Language: language,
	})
}

// Text describes an IMSC1 track in milliseconds.
func Text(language string) *media.Track {
	return hashed(&media.Track{
		Kind: media.Text, SampleEntry: "stpp", Codec: "stpp.ttml.im1t", Timescale: 1000, Language: language,
	})
}

// Surround describes a 5.1 AC-3 track.
func Surround(language string) *media.Track {
	m := Audio("ac-3", language)
	m.SampleEntry, m.Channels = "ac-3", 6
	return hashed(m)
}

// With returns the track with roles of DASH's scheme.
func With(m *media.Track, roles ...string) *media.Track {
	c := *m
	for _, r := range roles {
		c.Roles = append(c.Roles, media.Role{Scheme: manifest.RoleScheme, Value: r})
	}
	return hashed(&c)
}

// hashed gives the track an init segment, and a name for it that follows from its description.
func hashed(m *media.Track) *media.Track {
	m.Init, m.InitHash = nil, ""
	h := fnv.New64a()
	fmt.Fprintf(h, "%+v", *m)
	m.InitHash, m.Init = fmt.Sprintf("%016x", h.Sum64()), header(m)
	return m
}

// Track makes a track of one generation out of its description and its segments [from,to).
func Track(name string, id int64, m *media.Track, g Grid, from, to int64, gap func(n int64) bool) manifest.Track {
	return manifest.Track{
		Name: name, ID: id, Bandwidth: int(id) * 11 / 10,
		Inits: []manifest.Init{g.Init(m)}, Runs: g.Runs(m, from, to, gap),
	}
}

// Then goes on with a track in another generation: its description there (nil: it has none) and its segments [from,to).
func Then(t manifest.Track, m *media.Track, g Grid, from, to int64, gap func(n int64) bool) manifest.Track {
	grid := t.Inits[0].Media
	if m != nil {
		t.Inits = append(t.Inits, g.Init(m))
		grid = m
	}
	for _, r := range g.Runs(grid, from, to, gap) {
		t.Runs = manifest.AppendRun(t.Runs, r)
	}
	return t
}

// Live is a presentation of three video renditions and one audio with the given number of segments.
func Live(segments int64) *manifest.Presentation {
	g := Even()
	from, to := g.N0, g.N0+segments
	return present(2, []Grid{g},
		Track("v1080", 6_000_000, Video(90000, 1920, 1080), g, from, to, nil),
		Track("v720", 3_000_000, Video(90000, 1280, 720), g, from, to, nil),
		Track("v360", 800_000, Video(90000, 640, 360), g, from, to, nil),
		Track("a128", 128_000, Audio("mp4a.40.2", "eng"), g, from, to, nil),
	)
}

// present makes a live presentation with a window of a minute.
func present(target int, grids []Grid, tracks ...manifest.Track) *manifest.Presentation {
	p := &manifest.Presentation{
		Live: true, TargetDuration: target, PartTarget: 200e6, Window: 60e9, Epoch: true, Tracks: tracks,
	}
	for _, g := range grids {
		p.Generations = append(p.Generations, g.Generation())
	}
	return p
}
