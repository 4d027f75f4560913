//go:build !race

package ingest

import (
	"bytes"
	"math"
	"runtime"
	"testing"
	"time"
)

// A chunk inside a part costs no allocation between its socket and the window: neither its index, nor its place, nor its
// moof. With the end of a part come its entity tag and a new version of the window: that is what wakes the waiters. What a
// new segment costs stands apart.
func TestChunkAllocations(t *testing.T) {
	b := newTestbed(t, &memory{})
	v, a := videoSource(), audioSource()
	b.attach(v)
	b.attach(a)
	b.run(testStart, 20*time.Second, v, a)
	// Go to the start of a segment, so that the measured chunks lie inside it.
	for v.next%v.gop != 0 {
		b.now = testStart + v.end()
		b.feed(v, v.chunk(nil))
	}
	part := v.perChunk
	v.perChunk = 1
	stats := &b.channel.tracks["v"].stats
	r := bytes.NewReader(nil)
	least := uint64(math.MaxUint64)
	for k := range 5 {
		var chunks [][]byte
		for range part {
			chunks = append(chunks, v.chunk(nil))
		}
		b.now = testStart + v.end()
		feed := func() {
			r.Reset(chunks[0])
			chunks = chunks[1:]
			if err := v.conn.ReadBody(r); err != nil {
				t.Fatal(err)
			}
		}
		before, seq := stats.Chunks.Load(), b.channel.Live().Version().Seq
		inside := testing.AllocsPerRun(part-2, feed)
		if now := b.channel.Live().Version().Seq; now != seq {
			t.Fatalf("%d versions inside a part", now-seq)
		}
		least = min(least, allocations(feed))
		if committed := stats.Chunks.Load() - before; committed != int64(part) {
			t.Fatalf("%d of %d chunks were committed\n%s", committed, part, b.log)
		}
		if now := b.channel.Live().Version().Seq; now != seq+1 {
			t.Fatalf("%d versions with the end of a part", now-seq)
		}
		if k > 0 && inside != 0 { // the first opens the segment
			t.Errorf("%.1f allocations per chunk", inside)
		}
	}
	if least > 6 {
		t.Errorf("%d allocations with the end of a part", least)
	}
}

// A chunk of a whole segment is cut into parts: nothing is allocated for each but its entity tag.
func TestLongChunkAllocations(t *testing.T) {
	b := newTestbed(t, &memory{}, "v")
	v := videoSource()
	v.perChunk = v.gop
	b.attach(v)
	b.run(testStart, 40*time.Second, v)
	live := b.channel.tracks["v"].live
	r := bytes.NewReader(nil)
	least := uint64(math.MaxUint64)
	for range 8 {
		chunk := v.chunk(nil)
		b.now = testStart + v.end()
		r.Reset(chunk)
		least = min(least, allocations(func() {
			if err := v.conn.ReadBody(r); err != nil {
				t.Fatal(err)
			}
		}))
		s := live.Segment(b.channel.Live().Version().View(live).End - 1)
		if parts := len(s.Parts()); parts != 10 {
			t.Fatalf("a segment of %d parts\n%s", parts, b.log)
		}
	}
	if least > 10+14 {
		t.Errorf("%d allocations for a segment of 10 parts", least)
	}
}

// allocations counts those of one call, and what goes on beside it.
func allocations(f func()) uint64 {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}

// The same of Smooth: a clock of 10 MHz is put back onto the cadence, and the manifest is read once.
func TestSmoothChunkAllocations(t *testing.T) {
	b := newSmoothbed(t)
	r := readRecording(t, "all.ismv")
	q := b.post("all", b.now, r.header)
	q.play(r.fragments[:15]...)
	// The next audio fragment comes frame by frame, so that three of them lie inside a part.
	chunks := splitFragment(t, &r.fragments[17], 100)
	q.play(r.fragments[15], r.fragments[16])
	for seq := b.channel.Live().Version().Seq; b.channel.Live().Version().Seq == seq; chunks = chunks[1:] {
		q.play(chunks[0])
	}
	seq := b.channel.Live().Version().Seq
	stats := &b.channel.tracks[audioSmooth].stats
	before := stats.Chunks.Load()
	body := bytes.NewReader(nil)
	allocs := testing.AllocsPerRun(2, func() {
		body.Reset(chunks[0].bytes)
		chunks = chunks[1:]
		if err := q.conn.ReadBody(body); err != nil {
			t.Fatal(err)
		}
	})
	if committed := stats.Chunks.Load() - before; committed != 3 {
		t.Fatalf("%d of 3 chunks were committed\n%s", committed, b.log)
	}
	if now := b.channel.Live().Version().Seq; now != seq {
		t.Fatalf("%d versions inside a part", now-seq)
	}
	if allocs != 0 {
		t.Errorf("%.1f allocations per chunk", allocs)
	}
}
