package smooth

import (
	"testing"

	"weir/manifest"
	"weir/manifest/internal/sample"
	"weir/media"
)

// TestChain says what the rules of the package's documentation come to: which chunks are listed where.
func TestChain(t *testing.T) {
	even := sample.Even()
	live := func(tracks ...manifest.Track) *manifest.Presentation { return present(true, tracks...) }
	video := func() *media.Track { return sample.Video(90000, 1280, 720) }
	other := video()
	other.Codec = "avc1.640020"
	other = sample.With(other)
	spoken := video()
	spoken.Language = "eng"
	spoken = sample.With(spoken)
	changed := func(m *media.Track, after int64) manifest.Track {
		next := even.Next(even.N0+4, 172800, 0, 0)
		return sample.Then(track("v", 5, video(), 4, nil), m, next, next.N0, next.N0+after, nil)
	}
	for name, c := range map[string]struct {
		p      *manifest.Presentation
		chunks int // -1: no stream
	}{
		"two segments":               {live(track("v", 5, video(), 2, nil)), -1},
		"three segments":             {live(track("v", 5, video(), 3, nil)), 1},
		"an outage":                  {live(track("v", 5, video(), 9, func(k int64) bool { return k > 5 })), 4},
		"an outage, one segment":     {live(track("v", 5, video(), 10, func(k int64) bool { return k > 5 && k < 9 })), 5},
		"an outage, two segments":    {live(track("v", 5, video(), 11, func(k int64) bool { return k > 5 && k < 9 })), 6},
		"an outage of all":           {live(track("v", 5, video(), 9, func(int64) bool { return true })), -1},
		"over":                       {present(false, track("v", 5, video(), 9, nil)), 9},
		"over in an outage":          {present(false, track("v", 5, video(), 9, func(k int64) bool { return k > 5 })), 6},
		"another decoder":            {live(changed(other, 1)), 4},
		"another decoder, two":       {live(changed(other, 2)), 4},
		"another decoder, three":     {live(changed(other, 3)), 1},
		"another language":           {live(changed(spoken, 1)), 3},
		"another language, later":    {live(changed(spoken, 3)), 5},
		"a track behind":             {live(track("v", 5, video(), 9, nil), track("a", 6, sample.Audio("mp4a.40.2", "eng"), 7, nil)), 5},
		"a track of a codec unknown": {live(track("v", 5, video(), 9, nil), track("a", 6, sample.Surround("eng"), 1, nil)), 7},
	} {
		m := check(t, Manifest(nil, c.p, true))
		got := -1
		if len(m.Streams) > 0 {
			got = m.Streams[0].Chunks
		}
		if got != c.chunks {
			t.Errorf("%s: %d chunks, want %d:\n%s", name, got, c.chunks, Manifest(nil, c.p, true))
		}
	}
}

// TestStreamNames: a track answers to the names that manifests may have had for it.
func TestStreamNames(t *testing.T) {
	for want, m := range map[string]*media.Track{
		"video":                sample.Video(90000, 1280, 720),
		"audio_eng":            sample.Audio("mp4a.40.2", "eng"),
		"audio_eng_AACH":       sample.Audio("mp4a.40.5", "eng"),
		"audio_deu_commentary": sample.With(sample.Audio("mp4a.40.2", "deu"), "commentary"),
		"audio_eng_6ch":        func() *media.Track { m := sample.Audio("mp4a.40.2", "eng"); m.Channels = 6; return m }(),
		"text_deu":             sample.With(sample.Text("deu"), "subtitle"),
		"text_deu_caption":     sample.With(sample.Text("deu"), "caption"),
	} {
		if got := string(AppendStreamName(nil, m)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestCut: renditions of one encoding that are cut at other times are streams of their own.
func TestCut(t *testing.T) {
	g := sample.Even()
	later := g
	later.Phase += 3600
	a := track("audio", 1, sample.Audio("mp4a.40.2", "eng"), 5, nil)
	b := sample.Track("audio", 2, sample.Audio("mp4a.40.2", "eng"), later, g.N0, g.N0+5, nil)
	m := check(t, Manifest(nil, present(true, a, b), true))
	if len(m.Streams) != 2 || m.Streams[0].Name != "audio_eng_1" || m.Streams[1].Name != "audio_eng_2" {
		t.Errorf("%+v", m.Streams)
	}
}
