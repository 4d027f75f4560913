//go:build !race

package smooth

import "testing"

var sink []byte // keeps the compiler from deleting the measured call

func TestManifestDoesNotAllocate(t *testing.T) {
	for name, p := range cases() {
		dst := Manifest(nil, p, true)
		if n := testing.AllocsPerRun(100, func() { sink = Manifest(dst[:0], p, true) }); n != 0 {
			t.Errorf("%s: Manifest allocates %v times a call, want 0", name, n)
		}
	}
}
