package manifest_test

import (
	"testing"

	"weir/manifest"
	"weir/manifest/internal/sample"
	"weir/media"
)

// TestEdge compares edges with what tracks list, in random lives and by hand.
func TestEdge(t *testing.T) {
	for seed := range uint64(8) {
		ch := sample.NewChannel(seed)
		for range 200 {
			p := ch.Step()
			for i := range p.Tracks {
				for _, r := range p.Tracks[i].Runs {
					grid := p.Tracks[i].Grid(r.Ordinal)
					if grid == nil {
						continue
					}
					from, ok := p.Generation(r.Ordinal).Edge(grid, r.N)
					to, _ := p.Generation(r.Ordinal).Edge(grid, r.End())
					if !ok || from != r.Start || to != r.EndTicks() {
						t.Fatalf("%s: %+v runs from %d to %d (%v)", p.Tracks[i].Name, r, from, to, ok)
					}
				}
			}
		}
	}
	regular := manifest.Generation{Timescale: 90000, SlotTicks: 180180, PhaseTicks: 17, Regular: true}
	irregular := regular
	irregular.Regular = false
	video, audio, text := sample.Video(12800, 640, 360), sample.Audio("mp4a.40.2", "eng"), sample.Text("eng")
	for name, c := range map[string]struct {
		g    *manifest.Generation
		init manifest.Init
		want int64 // -1: nobody can say
	}{
		"the nearest picture":     {&regular, manifest.Init{Media: video, Cadence: 427, Phase: 5}, 25625},
		"the first frame":         {&regular, manifest.Init{Media: audio, Cadence: 1024, Phase: 100}, 96356},
		"the slot's":              {&regular, manifest.Init{Media: text}, 2003},
		"pictures without a grid": {&regular, manifest.Init{Media: video}, -1},
		"sound without a grid":    {&regular, manifest.Init{Media: audio}, -1},
		"up to a sync sample":     {&irregular, manifest.Init{Media: video, Cadence: 512}, -1},
		"no timescale":            {&regular, manifest.Init{Media: &media.Track{Kind: media.Text}}, -1},
		"no grid at all":          {&manifest.Generation{Regular: true}, manifest.Init{Media: text}, -1},
	} {
		got, ok := c.g.Edge(&c.init, 1)
		if !ok {
			got = -1
		}
		if got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestPartLength(t *testing.T) {
	for _, c := range []struct {
		kind            media.Kind
		timescale       uint32
		cadence, target int64
		want            int64
	}{
		{media.Video, 90000, 3600, 200e6, 18000},
		{media.Audio, 48000, 1024, 200e6, 9216},
		{media.Video, 120000, 4004, 200e6, 5 * 4004},
		{media.Video, 90000, 45000, 200e6, 45000},
		{media.Video, 90000, 0, 200e6, 0},
	} {
		i := manifest.Init{Media: &media.Track{Kind: c.kind, Timescale: c.timescale}, Cadence: c.cadence}
		if got := i.PartLength(c.target); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
