package ingest

import (
	"bytes"
	"log/slog"
	"slices"
	"testing"
	"time"
)

// FuzzReadBody: whatever a body holds, reading it ends, with an error or without; nothing panics, and the window still
// takes a good encoder afterwards.
func FuzzReadBody(f *testing.F) {
	header := videoSource().header(f)
	v := videoSource()
	good := append(append([]byte{}, header...), v.chunk(nil)...)
	f.Add(good)
	f.Add(v.chunk(append([]byte{}, good...)))
	f.Add(header)
	f.Add(audioSource().header(f))
	r := readRecording(f, "all.ismv")
	f.Add(slices.Concat(r.header, r.fragments[2].bytes, r.end)) // audio from before 0
	f.Add(slices.Concat(r.header, r.fragments[1].bytes))
	f.Add(slices.Concat(sparseHeader("scte"), sparseFragment(1, 2, "splice")))
	f.Fuzz(func(t *testing.T, body []byte) {
		b := newTestbed(t, &memory{})
		b.channel.log = slog.New(slog.DiscardHandler)
		b.channel.limits.MdatBytes = 1 << 16
		stream, err := b.channel.Stream("x")
		if err != nil {
			t.Fatal(err)
		}
		conn, err := stream.Attach(true, nil)
		if err != nil {
			t.Fatal(err)
		}
		conn.ReadManifests(&smoothBox)
		_ = conn.ReadBody(bytes.NewReader(body)) // any error will do
		conn.Detach()
		for range 4 {
			b.now += int64(3 * time.Second)
			b.settle()
		}
	})
}

// BenchmarkChunk is what a chunk costs between its reader and the window, and what a part, where one ends with it: five
// frames of 20 KB (4 Mbit/s), and one of them.
func BenchmarkChunk(b *testing.B) {
	for name, frames := range map[string]int{"part": 5, "frame": 1} {
		b.Run(name, func(b *testing.B) {
			bed := newTestbed(b, &memory{})
			v, a := videoSource(), audioSource()
			v.size = 20_000
			bed.attach(v)
			bed.attach(a)
			bed.run(testStart, 10*time.Second, v, a)
			v.perChunk = frames
			var chunk []byte
			r := bytes.NewReader(nil)
			b.ReportAllocs()
			b.SetBytes(int64(v.perChunk * v.size))
			for b.Loop() {
				b.StopTimer()
				for a.end() < v.end() {
					bed.now = testStart + a.end()
					bed.feed(a, a.chunk(nil))
				}
				bed.now = testStart + v.end()
				chunk = v.chunk(chunk[:0])
				r.Reset(chunk)
				b.StartTimer()
				if err := v.conn.ReadBody(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
