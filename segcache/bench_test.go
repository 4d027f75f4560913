package segcache

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	sinkSegment *Segment
	sinkBody    Body
)

// BenchmarkCommit is a chunk of 50 KB from Reserve to Commit, without the copy from the socket but with the hash of its
// bytes; every twentieth completes, lists and publishes a segment.
func BenchmarkCommit(b *testing.B) {
	c := newCache(b, Config{Memory: 1 << 30})
	ch := c.NewChannel("bench", 20*time.Second)
	defer ch.Close()
	ch.SetGenerations([]Generation{testGeneration()})
	track, a := ch.AddTrack(TrackConfig{Name: "v"}), c.NewArena(8_000_000)
	defer a.Close()
	n, k := uint64(0), 0
	b.SetBytes(50_000)
	b.ReportAllocs()
	for b.Loop() {
		r, err := a.Reserve(500, 49_500)
		if err != nil {
			b.Fatal(err)
		}
		if err := track.Commit(Chunk{N: n, Start: int64(n) * 1000, Extents: [2]Extent{r.Extent(0, 50_000)}, NumExtents: 1}); err != nil {
			b.Fatal(err)
		}
		if k++; k == 20 {
			_ = track.Complete(n, int64(n)*1000, int64(n+1)*1000)
			_ = track.List(Entry{N: n, Start: int64(n) * 1000, End: int64(n+1) * 1000})
			ch.Publish()
			n, k = n+1, 0
		}
	}
}

func BenchmarkSegment(b *testing.B) {
	f := newFeed(b, newCache(b, Config{Memory: 64 << 20}), 30, 4)
	f.slots(0, 100)
	b.Run("number", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sinkSegment = f.ch.Track("d", 4).Segment(90)
			sinkBody, _ = sinkSegment.Body()
		}
	})
	b.Run("time", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sinkSegment = f.ch.Track("d", 4).SegmentAt(90000)
			sinkBody, _ = sinkSegment.Body()
		}
	})
	b.Run("slices", func(b *testing.B) {
		b.ReportAllocs()
		dst := make([][]byte, 0, 16)
		for b.Loop() {
			dst = sinkBody.AppendSlices(dst[:0])
		}
	})
}

// BenchmarkWake is one Publish with 10,000 goroutines that wait for it: what it costs the writer, and how long it takes
// until the last has run.
func BenchmarkWake(b *testing.B) {
	const waiters = 10_000
	f := newFeed(b, newCache(b, Config{Memory: 64 << 20}), 10, 4)
	f.slots(0, 20)
	var writer, p99, last []time.Duration
	for b.Loop() {
		v := f.ch.Version()
		var woken, ready sync.WaitGroup
		delays := make([]time.Duration, waiters)
		var start atomic.Int64
		epoch := time.Now()
		for i := range waiters {
			ready.Add(1)
			woken.Go(func() {
				changed := v.Changed()
				ready.Done()
				<-changed
				delays[i] = time.Since(epoch) - time.Duration(start.Load())
			})
		}
		ready.Wait()
		time.Sleep(5 * time.Millisecond) // the last of them go to sleep
		at := time.Since(epoch)
		start.Store(int64(at))
		f.ch.Publish()
		writer = append(writer, time.Since(epoch)-at)
		woken.Wait()
		slices.Sort(delays)
		p99, last = append(p99, delays[waiters*99/100]), append(last, delays[waiters-1])
	}
	median := func(d []time.Duration) float64 {
		slices.Sort(d)
		return float64(d[len(d)/2].Nanoseconds()) / 1000
	}
	b.ReportMetric(median(writer), "us-writer")
	b.ReportMetric(median(p99), "us-p99")
	b.ReportMetric(median(last), "us-last")
}
