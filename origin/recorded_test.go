package origin

import (
	"os"
	"path/filepath"
	"testing"

	"weir/media"
	"weir/segcache"
)

// A recordedTrack is a track of real media: an encoder's recording of package media, over and over, one run of it a
// segment.
type recordedTrack struct {
	*segcache.Track
	c       *testChannel
	in      media.Input
	media   *media.Track
	samples []media.Sample
	payload []byte
	ticks   int64 // of the samples
}

// record reads the first track of a recording, and adds it to the channel in generation 0.
func (c *testChannel) record(name string, id int64, file string) *recordedTrack {
	c.t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "media", "testdata", file))
	if err != nil {
		c.t.Fatal(err)
	}
	r := &recordedTrack{c: c}
	var f media.Fragment
	for len(b) > 0 {
		box, err := media.ReadBox(b)
		if err != nil {
			c.t.Fatal(err)
		}
		one := b[:box.Size]
		switch b = b[box.Size:]; string(box.Type[:]) {
		case "moov":
			inputs, err := media.ParseInit(one)
			if err != nil {
				c.t.Fatal(err)
			}
			r.in = inputs[0]
		case "moof":
			if err := f.Parse(one, func(uint32) (media.Defaults, bool) { return r.in.Defaults, true }); err != nil {
				c.t.Fatal(err)
			}
			r.samples = append(r.samples, f.Trafs[0].Samples...)
		case "mdat":
			r.payload = append(r.payload, one[box.Head:]...)
		}
	}
	for i := range r.samples {
		r.ticks += int64(r.samples[i].Duration)
	}
	if r.media, err = r.in.Publish(r.in.Timescale); err != nil {
		c.t.Fatal(err)
	}
	r.Track = c.AddTrack(segcache.TrackConfig{Name: name, ID: id, Kind: r.media.Kind, Bandwidth: int(id)})
	r.SetInit(segcache.Init{Ordinal: 0, Media: r.media})
	return r
}

// start is where segment n starts.
func (r *recordedTrack) start(n uint64) int64 { return int64(n) * r.ticks }

// commit commits segment n in three chunks, as ingest writes them, the second in two pieces.
func (r *recordedTrack) commit(ordinal int, n uint64) {
	r.c.t.Helper()
	at, from, start := 0, 0, r.start(n)
	for k, to := range []int{len(r.samples) / 3, len(r.samples) / 2, len(r.samples)} {
		m := media.Moof{Sequence: uint32(n<<10) | uint32(k), Time: start, Samples: r.samples[from:to]}
		end := start
		for _, s := range m.Samples {
			m.DataBytes, end = m.DataBytes+int(s.Size), end+int64(s.Duration)
		}
		head := m.Append(nil)
		if k == 0 {
			head = m.Append((&media.Prft{TrackID: 1, NTP: n, MediaTime: start}).Append(nil))
		}
		room, err := r.c.arena.Reserve(len(head), m.DataBytes)
		if err != nil {
			r.c.t.Fatal(err)
		}
		copy(room.Payload(), r.payload[at:at+m.DataBytes])
		chunk := segcache.Chunk{
			N: n, Slot: int64(n), Ordinal: ordinal, Start: start, End: end, Sync: k == 0, First: k == 0,
			Extents: [2]segcache.Extent{room.Extent(0, len(head)+m.DataBytes)}, NumExtents: 1,
		}
		if k == 1 {
			e, err := r.c.arena.Copy(head)
			if err != nil {
				r.c.t.Fatal(err)
			}
			chunk.Extents, chunk.NumExtents = [2]segcache.Extent{e, room.Extent(len(head), len(head)+m.DataBytes)}, 2
		} else {
			copy(room.Head(), head)
		}
		if err := r.Commit(chunk); err != nil {
			r.c.t.Fatal(err)
		}
		at, from, start = at+m.DataBytes, to, end
	}
	if err := r.Complete(n, r.start(n), r.start(n+1)); err != nil {
		r.c.t.Fatal(err)
	}
}

// enter lists segment n, as media or as a gap, without publishing.
func (r *recordedTrack) enter(ordinal int, n uint64, gap bool) {
	r.c.t.Helper()
	if !gap {
		r.commit(ordinal, n)
	}
	if err := r.List(segcache.Entry{N: n, Slot: int64(n), Ordinal: ordinal, Start: r.start(n), End: r.start(n + 1), Gap: gap}); err != nil {
		r.c.t.Fatal(err)
	}
}

// recorded is a server whose one channel has a video and an audio track of real media, and nothing listed yet.
func recorded(t testing.TB) (*Server, *testChannel, []*recordedTrack) {
	t.Helper()
	c := &testChannel{t: t, cache: segcache.New(segcache.Config{Memory: 256 << 20}), next: firstN}
	c.Channel, c.arena = c.cache.NewChannel("test", testWindow), c.cache.NewArena(4_000_000)
	t.Cleanup(func() {
		c.arena.Close()
		c.Close()
		c.cache.Close()
	})
	c.generations(0)
	tracks := []*recordedTrack{c.record("Video", 3_000_000, "avc-cmaf.mp4"), c.record("audio", 96_000, "aac-cmaf.mp4")}
	p := NewPresentation("Live", c.Channel)
	t.Cleanup(p.Close)
	s := New(Config{})
	s.SetRoutes(&Routes{Locators: map[string]*Locator{
		Fold(testLocator): {ID: testLocator, Presentations: map[string]*Presentation{"live": p}},
	}})
	return s, c, tracks
}

// generations states generations 0 to last, the last of which opens at the next number.
func (c *testChannel) generations(last int) {
	c.opened = append(c.opened, segcache.Generation{
		Ordinal: last, N0: c.next, K0: int64(c.next), DiscontinuitySequence: uint64(last),
		Timescale: videoScale, SlotTicks: videoSegment, Regular: true, TargetDuration: testTarget, PartTarget: 200_000_000,
	})
	c.SetGenerations(c.opened)
}

// slots lists the next slots of all tracks and publishes each.
func (c *testChannel) slots(ordinal, slots int, gap bool, tracks ...*recordedTrack) {
	c.t.Helper()
	for range slots {
		for _, r := range tracks {
			r.enter(ordinal, c.next, gap)
		}
		c.next++
		<-c.publish()
	}
}
