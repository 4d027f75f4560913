//go:build !race

package ingest

import (
	"bytes"
	"testing"
	"time"
)

// A chunk inside a segment costs no allocation between its socket and the window: neither its index, nor its place, nor
// its moof. What a new segment and its version cost stands apart: they come once per slot.
func TestChunkAllocations(t *testing.T) {
	b := newTestbed(t, &memory{})
	v, a := videoSource(), audioSource()
	b.attach(v)
	b.attach(a)
	b.run(testStart, 20*time.Second, v, a)
	// Go to the start of a segment, so that the measured chunks lie inside it.
	for v.next%v.gop != v.perChunk {
		b.now = testStart + v.end()
		b.feed(v, v.chunk(nil))
	}
	var chunks [][]byte
	for range 8 {
		chunks = append(chunks, v.chunk(nil))
	}
	end := v.end()
	r := bytes.NewReader(nil)
	i := 0
	before := b.channel.tracks["v"].stats.Chunks.Load()
	allocs := testing.AllocsPerRun(7, func() {
		b.now = testStart + end
		r.Reset(chunks[i])
		i++
		if err := v.conn.ReadBody(r); err != nil {
			t.Fatal(err)
		}
	})
	if committed := b.channel.tracks["v"].stats.Chunks.Load() - before; committed != 8 {
		t.Fatalf("%d of 8 chunks were committed\n%s", committed, b.log)
	}
	if allocs != 0 {
		t.Errorf("%.1f allocations per chunk", allocs)
	}
}

// The same of Smooth: a clock of 10 MHz is put back onto the cadence, and the manifest is read once.
func TestSmoothChunkAllocations(t *testing.T) {
	b := newSmoothbed(t)
	r := readRecording(t, "all.ismv")
	q := b.post("all", b.now, r.header)
	q.play(r.fragments[:15]...)
	// The next audio fragment comes in chunks; all but the first lie inside a segment.
	chunks := splitFragment(t, &r.fragments[17], 8)
	q.play(r.fragments[15], r.fragments[16], chunks[0])
	stats := &b.channel.tracks[audioSmooth].stats
	before := stats.Chunks.Load()
	i := 0
	body := bytes.NewReader(nil)
	allocs := testing.AllocsPerRun(len(chunks)-2, func() {
		i++
		body.Reset(chunks[i].bytes)
		if err := q.conn.ReadBody(body); err != nil {
			t.Fatal(err)
		}
	})
	if committed := stats.Chunks.Load() - before; committed < int64(len(chunks)-1) {
		t.Fatalf("%d of %d chunks were committed\n%s", committed, len(chunks)-1, b.log)
	}
	if allocs != 0 {
		t.Errorf("%.1f allocations per chunk", allocs)
	}
}
