//go:build !race

package hls

import (
	"testing"

	"weir/manifest/internal/sample"
)

func TestMediaDoesNotAllocate(t *testing.T) {
	for name, p := range sample.Cases() {
		for i := range p.Tracks {
			dst := Media(nil, p, i)
			if n := testing.AllocsPerRun(100, func() { sink = Media(dst[:0], p, i) }); n != 0 {
				t.Errorf("%s: Media of %s allocates %v times a call, want 0", name, p.Tracks[i].Name, n)
			}
			dst = KeyFrames(dst[:0], p, i)
			if n := testing.AllocsPerRun(100, func() { sink = KeyFrames(dst[:0], p, i) }); n != 0 {
				t.Errorf("%s: KeyFrames of %s allocates %v times a call, want 0", name, p.Tracks[i].Name, n)
			}
		}
	}
}

func TestLowDoesNotAllocate(t *testing.T) {
	for name, p := range lowCases() {
		for i := range p.Tracks {
			dst := Media(nil, p, i)
			if n := testing.AllocsPerRun(100, func() { sink = Media(dst[:0], p, i) }); n != 0 {
				t.Errorf("%s: Media of %s allocates %v times a call, want 0", name, p.Tracks[i].Name, n)
			}
			if n := testing.AllocsPerRun(100, func() { sink = Delta(dst[:0], p, i) }); n != 0 {
				t.Errorf("%s: Delta of %s allocates %v times a call, want 0", name, p.Tracks[i].Name, n)
			}
		}
	}
}

// TestMultivariantAllocatesLittle bounds what is rendered once a version, and changes once a generation.
func TestMultivariantAllocatesLittle(t *testing.T) {
	p := sample.Live(30)
	dst := Multivariant(nil, p)
	if n := testing.AllocsPerRun(100, func() { sink = Multivariant(dst[:0], p) }); n > 20 {
		t.Errorf("Multivariant allocates %v times a call, want 20 at most", n)
	}
}
