package smooth

import (
	"flag"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"weir/manifest"
	"weir/manifest/internal/golden"
	"weir/manifest/internal/sample"
	"weir/media"
)

var update = flag.Bool("update", false, "write golden files anew")

// cases are those of sample, and what Smooth has to say of its own.
func cases() map[string]*manifest.Presentation {
	all := sample.Cases()
	all["codecs"] = codecs()
	all["flapping"] = flapping()
	all["named"] = named()
	return all
}

// track makes a track of [0,n) slots of the even grid.
func track(name string, id int64, m *media.Track, n int64, gap func(int64) bool) manifest.Track {
	g := sample.Even()
	return sample.Track(name, id, m, g, g.N0, g.N0+n, func(k int64) bool { return gap != nil && gap(k-g.N0) })
}

func present(live bool, tracks ...manifest.Track) *manifest.Presentation {
	p := sample.Live(1)
	p.Tracks, p.Live = tracks, live
	return p
}

// codecs has what Smooth has names for, and what it has none for.
func codecs() *manifest.Presentation {
	coded := func(m *media.Track, entry, codec string) *media.Track {
		m.SampleEntry, m.Codec = entry, codec
		return sample.With(m)
	}
	return present(true,
		track("hevc", 6_000_000, coded(sample.Video(90000, 1920, 1080), "hvc1", "hvc1.1.6.L120.90"), 5, nil),
		track("h265", 5_000_000, coded(sample.Video(90000, 1280, 720), "hev1", "hev1.1.6.L93.90"), 5, nil),
		track("avc", 3_000_000, sample.Video(90000, 1280, 720), 5, nil),
		track("av1", 2_000_000, coded(sample.Video(90000, 1280, 720), "av01", "av01.0.05M.08"), 5, nil),
		track("aac", 128_000, sample.Audio("mp4a.40.2", "eng"), 5, nil),
		track("he", 64_000, sample.Audio("mp4a.40.5", "eng"), 5, nil),
		track("ac3", 384_000, sample.Surround("eng"), 5, nil),
		track("ttml", 1_000, sample.Text("deu"), 5, nil),
		track("wvtt", 1_001, coded(sample.Text("eng"), "wvtt", "wvtt"), 5, nil),
	)
}

// flapping has a rendition that dropped out for good, one that has been back for two slots, and one with an old hole.
func flapping() *manifest.Presentation {
	return present(true,
		track("v1080", 6_000_000, sample.Video(90000, 1920, 1080), 20, func(k int64) bool { return k > 10 }),
		track("v720", 3_000_000, sample.Video(90000, 1280, 720), 20, func(k int64) bool { return k > 5 && k < 16 }),
		track("v540", 2_000_000, sample.Video(90000, 960, 540), 20, func(k int64) bool { return k == 3 || k == 4 }),
		track("v360", 800_000, sample.Video(90000, 640, 360), 20, nil),
	)
}

// named has tracks as an encoder of Smooth Streaming names them.
func named() *manifest.Presentation {
	return present(true,
		track("video", 3_000_000, sample.Video(90000, 1280, 720), 5, nil),
		track("video", 800_000, sample.Video(90000, 640, 360), 5, nil),
		track("audio", 128_000, sample.Audio("mp4a.40.2", "eng"), 5, nil),
		track("audio", 128_001, sample.Audio("mp4a.40.2", "deu"), 5, nil),
		track(`a"<b`, 96_000, sample.With(sample.Audio("mp4a.40.2", "eng"), "commentary"), 5, nil),
	)
}

// TestGolden renders every case in both versions and compares with testdata; what is rendered also passes the strict
// checks.
func TestGolden(t *testing.T) {
	all := cases()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			got := Manifest(nil, all[name], true)
			golden.Compare(t, *update, filepath.Join("testdata", name+".ismc"), got)
			old := Manifest(nil, all[name], false)
			a, b := check(t, got), check(t, old)
			if !slices.Equal(a.chunks(), b.chunks()) {
				t.Errorf("version 2.2 lists %v, version 2.0 %v", a.chunks(), b.chunks())
			}
			if name == "gap" {
				golden.Compare(t, *update, filepath.Join("testdata", name+"-v20.ismc"), old)
			}
		})
	}
}
