package e2e

import (
	"maps"
	"slices"
	"testing"
	"time"
)

// TestSmoothIngest: what ffmpeg pushes as Smooth is decoded from HLS and DASH without an error and without a missing
// frame, and tracks go by the same names whether they come in one request or in one each.
func TestSmoothIngest(t *testing.T) {
	need(t, "ffmpeg")
	t.Parallel()
	n := [...]*node{newNode(t, settings{name: "one"}), newNode(t, settings{name: "each"})}
	for i, heading := range []string{docsSmoothOne, docsSmoothEach} {
		pushFFmpeg(t, n[i], heading, copied(t))
	}
	var names [2][]string
	for i := range n {
		listedSegments(t, n[i].base(), 4, 3)
		names[i] = slices.Sorted(maps.Keys(snapshot(t, n[i].base()).playlists))
	}
	if !slices.Equal(names[0], names[1]) {
		t.Errorf("in one request the playlists are %v, in one each %v", names[0], names[1])
	}
	var decodings []*decoding
	for i := range n {
		decodings = append(decodings,
			decode(t, "decode-hls-"+n[i].name, n[i].base()+hlsPath, 20*time.Second),
			decode(t, "decode-dash-"+n[i].name, n[i].base()+dashPath, 20*time.Second, "-re"))
	}
	verdicts := []*verdict{judge(t, 20*time.Second, n[0]), judge(t, 20*time.Second, n[1])}
	for _, d := range decodings {
		d.check(t, 4, 0)
	}
	for _, v := range verdicts {
		v.clean(t)
	}
}
