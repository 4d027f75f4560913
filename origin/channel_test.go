package origin

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"weir/media"
	"weir/segcache"
)

// The media of the tests: two tracks, segments of two seconds from number firstN on.
const (
	firstN       = 800_000_000 // of slots of 2 s since 1970: the year 2020
	videoScale   = 12800
	videoSegment = 2 * videoScale
	audioScale   = 48000
	audioSegment = 2 * audioScale
	testLocator  = "0a1b2c3d-0000-4000-8000-00000000ABCD"
	testWindow   = 20 * time.Second // ten segments
	testTarget   = 2
)

// A testChannel is a live window that a test fills as ingest would.
type testChannel struct {
	t     testing.TB
	cache *segcache.Cache
	*segcache.Channel
	arena        *segcache.Arena
	video, audio *segcache.Track
	next         uint64
	opened       []segcache.Generation // see generations
	bytes        int                   // of a video segment
	arrival      bool                  // chunks know when they arrived
}

func newTestChannel(t testing.TB, segmentBytes int) *testChannel {
	t.Helper()
	cache := segcache.New(segcache.Config{Memory: 512 << 20})
	c := &testChannel{
		t: t, cache: cache, Channel: cache.NewChannel("test", testWindow), arena: cache.NewArena(4_000_000),
		next: firstN, bytes: segmentBytes, arrival: true,
	}
	c.video = c.AddTrack(segcache.TrackConfig{Name: "Video", ID: 3_000_000, Kind: media.Video, Bandwidth: 3_300_000})
	c.audio = c.AddTrack(segcache.TrackConfig{Name: "audio", ID: 96_000, Kind: media.Audio, Bandwidth: 100_000})
	t.Cleanup(func() {
		c.arena.Close()
		c.Close()
		cache.Close()
	})
	return c
}

// open opens generation ordinal at the next number, with init segments of its own.
func (c *testChannel) open(ordinal int) {
	c.SetGenerations([]segcache.Generation{{
		Ordinal: ordinal, N0: c.next, K0: int64(c.next), DiscontinuitySequence: uint64(ordinal),
		Timescale: videoScale, SlotTicks: videoSegment, Regular: true, Epoch: true,
		TargetDuration: testTarget, PartTarget: 200_000_000, Burst: 200_000_000,
	}})
	c.video.SetInit(segcache.Init{Ordinal: ordinal, Media: testInit(media.Video, ordinal), Cadence: videoScale / 25})
	c.audio.SetInit(segcache.Init{Ordinal: ordinal, Media: testInit(media.Audio, ordinal), Cadence: audioScale / 100})
	<-c.publish()
}

// testInit is a description with init bytes that no decoder would like: the origin does not look into them.
func testInit(kind media.Kind, ordinal int) *media.Track {
	m := &media.Track{Kind: kind, SampleEntry: "avc1", Codec: "avc1.64001f", Timescale: videoScale, Width: 1280, Height: 720, Language: "und"}
	if kind == media.Audio {
		m = &media.Track{Kind: kind, SampleEntry: "mp4a", Codec: "mp4a.40.2", Timescale: audioScale, SampleRate: 48000, Channels: 2, Language: "und"}
	}
	m.Init = bytes.Repeat(fmt.Appendf(nil, "%s init of generation %d. ", kind, ordinal), 30)
	m.InitHash = fmt.Sprintf("%016x", xxhash.Sum64(m.Init))
	return m
}

// segmentBytes is what segment n of a track holds: a pattern that names both.
func segmentBytes(track string, n uint64, size int) []byte {
	b := make([]byte, 0, size+16)
	b = append(b, track...)
	for i := uint64(0); len(b) < size; i++ {
		b = binary.BigEndian.AppendUint64(b, n<<20|i)
	}
	return b[:size]
}

// commit puts segment n of a track into the window in three chunks, the second of which is in two pieces.
func (c *testChannel) commit(t *segcache.Track, ordinal int, n uint64, ticks int64, size int) {
	c.t.Helper()
	for i := range 3 {
		c.commitChunk(t, ordinal, n, ticks, size, i)
	}
}

// commitChunk commits one of the three.
func (c *testChannel) commitChunk(t *segcache.Track, ordinal int, n uint64, ticks int64, size, i int) {
	c.t.Helper()
	b := segmentBytes(t.Name, n, size)
	start := int64(n) * ticks
	piece := [][]byte{b[:size/3], b[size/3 : size/2], b[size/2:]}[i]
	room, err := c.arena.Reserve(8, len(piece)-8)
	if err != nil {
		c.t.Fatal(err)
	}
	copy(room.Head(), piece)
	copy(room.Payload(), piece[8:])
	chunk := segcache.Chunk{
		N: n, Slot: int64(n), Ordinal: ordinal, Start: start, End: start + ticks, Sync: i == 0, First: i == 0,
		Extents: [2]segcache.Extent{room.Extent(0, len(piece))}, NumExtents: 1,
	}
	if c.arrival {
		chunk.Arrived = segcache.Clock()
	}
	if i == 1 { // out of line, as the second moof of a straddling chunk
		head, err := c.arena.Copy(piece[:8])
		if err != nil {
			c.t.Fatal(err)
		}
		chunk.Extents, chunk.NumExtents = [2]segcache.Extent{head, room.Extent(8, len(piece))}, 2
	}
	if err := t.Commit(chunk); err != nil {
		c.t.Fatal(err)
	}
}

// grow commits a chunk of the next video segment; the last makes it whole.
func (c *testChannel) grow(i int) {
	c.t.Helper()
	c.commitChunk(c.video, 0, c.next, videoSegment, c.bytes, i)
	if i == 2 {
		if err := c.video.Complete(c.next, int64(c.next)*videoSegment, int64(c.next+1)*videoSegment); err != nil {
			c.t.Fatal(err)
		}
	}
}

// lose lists the next slot of both tracks as a gap, whatever has come of it.
func (c *testChannel) lose() {
	c.t.Helper()
	for _, t := range []*segcache.Track{c.video, c.audio} {
		ticks := int64(videoSegment)
		if t == c.audio {
			ticks = audioSegment
		}
		start := int64(c.next) * ticks
		if err := t.List(segcache.Entry{N: c.next, Slot: int64(c.next), Start: start, End: start + ticks, Gap: true}); err != nil {
			c.t.Fatal(err)
		}
	}
	c.next++
	<-c.publish()
}

// list lists the next slots of both tracks in generation ordinal, as media or as gaps, and publishes.
func (c *testChannel) list(ordinal, slots int, gap bool) {
	c.t.Helper()
	for range slots {
		for _, t := range []*segcache.Track{c.video, c.audio} {
			ticks, size := int64(videoSegment), c.bytes
			if t == c.audio {
				ticks, size = audioSegment, c.bytes/8
			}
			start := int64(c.next) * ticks
			if !gap {
				c.commit(t, ordinal, c.next, ticks, size)
				if err := t.Complete(c.next, start, start+ticks); err != nil {
					c.t.Fatal(err)
				}
			}
			if err := t.List(segcache.Entry{
				N: c.next, Slot: int64(c.next), Ordinal: ordinal, Start: start, End: start + ticks, Gap: gap,
			}); err != nil {
				c.t.Fatal(err)
			}
		}
		c.next++
	}
	<-c.publish()
}

// publish publishes, and returns what is closed when the hooks have run.
func (c *testChannel) publish() <-chan struct{} {
	changed := c.Version().Changed()
	c.Publish()
	return changed
}

// newTestServer is a server whose one locator leads to a channel with slots segments, and the channel.
func newTestServer(t testing.TB, config Config, segmentBytes, slots int) (*Server, *testChannel) {
	t.Helper()
	c := newTestChannel(t, segmentBytes)
	c.open(0)
	if slots > 0 {
		c.list(0, slots, false)
	}
	p := NewPresentation("Live", c.Channel)
	t.Cleanup(p.Close)
	s := New(config)
	s.SetRoutes(&Routes{Locators: map[string]*Locator{
		Fold(testLocator): {ID: testLocator, Presentations: map[string]*Presentation{"live": p}},
	}})
	return s, c
}

// base is the path of the test's presentation.
const base = "/" + testLocator + "/Live.ism/"

// videoPath and audioPath are the canonical names of segments.
func videoPath(n uint64) string {
	return fmt.Sprintf("%sQualityLevels(3000000)/Fragments(Video=n%d).m4s", base, n)
}

func audioPath(n uint64) string {
	return fmt.Sprintf("%sQualityLevels(96000)/Fragments(audio=n%d).m4s", base, n)
}
