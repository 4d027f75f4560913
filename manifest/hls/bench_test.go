package hls

import (
	"testing"

	"weir/manifest/internal/sample"
)

var sink []byte // keeps the compiler from deleting the measured call

// BenchmarkMedia renders a playlist of 30 segments and 2.8 KB.
func BenchmarkMedia(b *testing.B) {
	p := sample.Live(30)
	dst := Media(nil, p, 0)
	b.SetBytes(int64(len(dst)))
	b.ReportAllocs()
	for b.Loop() {
		sink = Media(dst[:0], p, 0)
	}
}

// BenchmarkLow renders a playlist of 30 segments, of which three have parts, and the open one.
func BenchmarkLow(b *testing.B) {
	p := sample.Open(sample.Live(30), 5)
	dst := Media(nil, p, 0)
	b.SetBytes(int64(len(dst)))
	b.ReportAllocs()
	for b.Loop() {
		sink = Media(dst[:0], p, 0)
	}
}

// BenchmarkMultivariant renders the playlist of three renditions and one audio.
func BenchmarkMultivariant(b *testing.B) {
	p := sample.Live(30)
	dst := Multivariant(nil, p)
	b.SetBytes(int64(len(dst)))
	b.ReportAllocs()
	for b.Loop() {
		sink = Multivariant(dst[:0], p)
	}
}
