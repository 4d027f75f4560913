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
