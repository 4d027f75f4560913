package ingest

import (
	"testing"
	"time"
)

// What a frame of 20 KB costs from its pieces to the window, with all that parts and segments cost.
func BenchmarkFrames(b *testing.B) {
	bed := newTestbed(b, &memory{}, "v")
	v := newCamera(videoSource(), 25, 1)
	v.size = 20_000
	bed.roll(v)
	bed.film(20*time.Second, v)
	frame := v.payload(nil, 1)
	key := v.payload(nil, 0)
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		i := v.next
		v.next++
		f := frame
		if i%v.gop == 0 {
			f = key
		}
		bed.now = testStart + v.done(i)
		if err := v.frames.Begin(len(f), v.stamp(i), 0, i%v.gop == 0); err != nil {
			b.Fatal(err)
		}
		for rest := f; len(rest) > 0; {
			n := min(len(rest), 4096)
			v.frames.Write(rest[:n])
			rest = rest[n:]
		}
		if err := v.frames.End(); err != nil {
			b.Fatal(err)
		}
		if i%5 == 4 {
			bed.settle()
		}
	}
}
