package hls

import (
	"flag"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"weir/manifest"
	"weir/manifest/internal/golden"
	"weir/manifest/internal/sample"
)

var update = flag.Bool("update", false, "write golden files anew")

// plain is a presentation of which no low latency is offered: its playlists have nothing of it.
func plain(p *manifest.Presentation) *manifest.Presentation {
	c := *p
	c.PartTarget = 0
	return &c
}

// TestGolden renders every case of sample without low latency and compares with testdata; what is rendered also passes the
// strict checks.
func TestGolden(t *testing.T) {
	cases := sample.Cases()
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) {
			p := plain(cases[name])
			got := Multivariant(nil, p)
			golden.Compare(t, *update, filepath.Join("testdata", name, "multivariant.m3u8"), got)
			checkMultivariant(t, got)
			for i := range p.Tracks {
				got := Media(nil, p, i)
				golden.Compare(t, *update, filepath.Join("testdata", name, p.Tracks[i].Name+".m3u8"), got)
				pl := checkMedia(t, got)
				if isVideo(p, i) {
					got := KeyFrames(nil, p, i)
					golden.Compare(t, *update, filepath.Join("testdata", name, p.Tracks[i].Name+".keyframes.m3u8"), got)
					checkKeyFrames(t, p, i, pl, checkMedia(t, got))
				}
			}
		})
	}
}
