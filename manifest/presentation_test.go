package manifest_test

import (
	"testing"

	"weir/manifest"
	"weir/manifest/internal/sample"
	"weir/media"
)

func TestInits(t *testing.T) {
	a, b := &media.Track{Codec: "a"}, &media.Track{Codec: "b"}
	track := manifest.Track{Inits: []manifest.Init{{Ordinal: 2, Media: a}, {Ordinal: 5, Media: b}}}
	for ordinal, want := range map[int][2]*media.Track{
		1: {nil, a}, 2: {a, a}, 3: {nil, a}, 5: {b, b}, 9: {nil, b},
	} {
		if got := [2]*media.Track{track.Init(ordinal), track.Nearest(ordinal)}; got != want {
			t.Errorf("Init and Nearest of %d = %v, want %v", ordinal, got, want)
		}
	}
	if track.Newest() != b {
		t.Error("Newest is not the last")
	}
	if none := new(manifest.Track); none.Init(0) != nil || none.Nearest(0) != nil || none.Newest() != nil {
		t.Error("a track without descriptions has one")
	}
}

func TestCurrent(t *testing.T) {
	if _, ok := new(manifest.Presentation).Current(); ok {
		t.Error("where nothing is listed there is a current generation")
	}
	if ordinal, ok := sample.Cases()["late"].Current(); ordinal != 1 || !ok {
		t.Errorf("Current = %d, %v, want 1: the video has begun it", ordinal, ok)
	}
}

// TestSlotStart holds the grids of sample against each other, below and above the first number.
func TestSlotStart(t *testing.T) {
	g := sample.Even()
	gen := g.Generation()
	for n := g.N0 - 3; n < g.N0+3; n++ {
		start, _ := g.Bounds(n, sample.Video(g.Timescale, 1, 1))
		if got := gen.SlotStart(uint64(n)); got != start {
			t.Errorf("SlotStart(%d) = %d, want %d", n, got, start)
		}
	}
}
