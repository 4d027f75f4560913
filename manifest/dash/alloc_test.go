//go:build !race

package dash

import "testing"

func TestMPDDoesNotAllocate(t *testing.T) {
	for name, p := range cases() {
		dst := Low(nil, p)
		if n := testing.AllocsPerRun(100, func() { sink = Low(dst[:0], p) }); n != 0 {
			t.Errorf("%s: MPD allocates %v times a call, want 0", name, n)
		}
		dst = Numbered(dst[:0], p)
		if n := testing.AllocsPerRun(100, func() { sink = Numbered(dst[:0], p) }); n != 0 {
			t.Errorf("%s: Numbered allocates %v times a call, want 0", name, n)
		}
	}
}
