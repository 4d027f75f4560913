// Package sample makes presentations for the tests of manifest and its sub-packages: hand-made ones for golden files and
// random ones for properties. Nothing of it is linked into weir. Start reading at Live.
package sample

import (
	"fmt"

	"weir/manifest"
	"weir/media"
)

// Noon is 2026-11-22T12:00:00Z in seconds since the Unix epoch.
const Noon = 1_795_348_800

// Video describes an H.264 track in 1/12800 s.
func Video(width, height int) *media.Track {
	return &media.Track{
		Kind: media.Video, SampleEntry: "avc1", Codec: "avc1.64001f", Timescale: 12800, Width: width, Height: height,
		FrameRate: media.Ratio{Num: 25, Den: 1}, InitHash: fmt.Sprintf("%016x", width),
	}
}

// Audio describes a stereo AAC track at 48 kHz.
func Audio(codec, language string) *media.Track {
	return &media.Track{
		Kind: media.Audio, SampleEntry: "mp4a", Codec: codec, Timescale: 48000, SampleRate: 48000, Channels: 2,
		Language: language, InitHash: "00000000000000" + language[:2],
	}
}

// Text describes an IMSC1 track in milliseconds.
func Text(language string) *media.Track {
	return &media.Track{
		Kind: media.Text, SampleEntry: "stpp", Codec: "stpp.ttml.im1t", Timescale: 1000, Language: language,
		InitHash: "00000000000000ff",
	}
}

// A Grid is what the segments of a generation are cut by.
type Grid struct {
	Timescale        uint32
	Slot, Phase      int64 // ticks
	Frame            int64 // ticks of a video frame
	Ordinal          int
	N0, K0, Sequence int64
}

// Generation says the grid as manifest's own type.
func (g Grid) Generation() manifest.Generation {
	return manifest.Generation{
		Ordinal: g.Ordinal, N0: uint64(g.N0), DiscontinuitySequence: uint64(g.Sequence), Timescale: g.Timescale,
		SlotTicks: g.Slot, PhaseTicks: g.Phase, K0: g.K0, Regular: true,
	}
}

// Bounds returns the ticks between which the segment of number n lies in a track: whole slots for the master's timescale,
// the frames that start in the slot for audio (1024 samples each), the slot rounded down otherwise.
func (g Grid) Bounds(n int64, m *media.Track) (start, end int64) {
	edge := func(n int64) int64 {
		ticks := (g.K0+n-g.N0)*g.Slot + g.Phase
		t := manifest.Floor(ticks, g.Timescale, m.Timescale)
		if m.Kind == media.Audio {
			if manifest.Floor(t, m.Timescale, g.Timescale) < ticks {
				t++
			}
			t = (t + 1023) / 1024 * 1024
		}
		return t
	}
	return edge(n), edge(n + 1)
}

// Runs lists the segments [from,to) of a track; gap tells which are holes.
func (g Grid) Runs(m *media.Track, from, to int64, gap func(n int64) bool) []manifest.Run {
	var runs []manifest.Run
	for n := from; n < to; n++ {
		start, end := g.Bounds(n, m)
		runs = manifest.AppendRun(runs, manifest.Run{
			N: uint64(n), Count: 1, Start: start, Duration: end - start, Ordinal: g.Ordinal, Gap: gap != nil && gap(n),
		})
	}
	return runs
}

// Even is a grid of 1.92 s slots in 1/12800 s whose first listed number is N0.
func Even() Grid {
	const slot = 24576
	k := int64(Noon * 12800 / slot)
	return Grid{Timescale: 12800, Slot: slot, Frame: 512, Ordinal: 1, N0: k, K0: k}
}

// Track makes a track of one generation out of its description and its segments [from,to).
func Track(name string, id int64, m *media.Track, g Grid, from, to int64, gap func(n int64) bool) manifest.Track {
	return manifest.Track{
		Name: name, ID: id, Bandwidth: int(id) * 11 / 10,
		Inits: []manifest.Init{{Ordinal: g.Ordinal, Media: m}}, Runs: g.Runs(m, from, to, gap),
	}
}

// Live is a presentation of two video renditions and one audio with the given number of segments.
func Live(segments int64) *manifest.Presentation {
	g := Even()
	from, to := g.N0, g.N0+segments
	return &manifest.Presentation{
		Live: true, TargetDuration: 2, PartTarget: 200e6, Window: 60e9, Epoch: true,
		Generations: []manifest.Generation{g.Generation()},
		Tracks: []manifest.Track{
			Track("v720", 3_000_000, Video(1280, 720), g, from, to, nil),
			Track("v360", 800_000, Video(640, 360), g, from, to, nil),
			Track("a128", 128_000, Audio("mp4a.40.2", "eng"), g, from, to, nil),
		},
	}
}
