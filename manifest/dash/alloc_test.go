//go:build !race

package dash

import (
	"testing"

	"weir/manifest/internal/sample"
)

func TestMPDDoesNotAllocate(t *testing.T) {
	for name, p := range sample.Cases() {
		dst := MPD(nil, p)
		if n := testing.AllocsPerRun(100, func() { sink = MPD(dst[:0], p) }); n != 0 {
			t.Errorf("%s: MPD allocates %v times a call, want 0", name, n)
		}
	}
}
