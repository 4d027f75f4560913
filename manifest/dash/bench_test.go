package dash

import (
	"testing"

	"weir/manifest/internal/sample"
)

var sink []byte // keeps the compiler from deleting the measured call

// BenchmarkMPD renders an MPD of four tracks with 30 segments each.
func BenchmarkMPD(b *testing.B) {
	p := sample.Live(30)
	dst := Low(nil, p)
	b.SetBytes(int64(len(dst)))
	b.ReportAllocs()
	for b.Loop() {
		sink = Low(dst[:0], p)
	}
}
