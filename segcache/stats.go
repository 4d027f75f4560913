package segcache

import "sync/atomic"

// trackCounters are written by the track's writer and read by anybody.
type trackCounters struct {
	bytes, chunks, segments, gaps atomic.Uint64
	media                         atomic.Int64
}

// TrackStats are a track's counters since it was made, and what it holds now.
type TrackStats struct {
	Bytes    uint64 // committed
	Chunks   uint64 // committed
	Segments uint64 // complete
	Gaps     uint64 // listed as GAP
	Media    int64  // bytes of media that are retained now
}

// Stats may be called at any time.
func (t *Track) Stats() TrackStats {
	return TrackStats{
		Bytes: t.stats.bytes.Load(), Chunks: t.stats.chunks.Load(), Segments: t.stats.segments.Load(),
		Gaps: t.stats.gaps.Load(), Media: t.stats.media.Load(),
	}
}

// count adds a committed chunk to the counters.
func (t *Track) count(c *Chunk) {
	size := int64(0)
	for i := range c.NumExtents {
		size += int64(c.Extents[i].n)
	}
	t.stats.bytes.Add(uint64(size))
	t.stats.chunks.Add(1)
	t.stats.media.Add(size)
	t.channel.held.Add(size)
}

// discount takes an evicted segment's bytes from the counters.
func (t *Track) discount(size int64) {
	t.stats.media.Add(-size)
	t.channel.held.Add(-size)
}
