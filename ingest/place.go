package ingest

import (
	"math"
	"time"

	"weir/ingest/timeline"
	"weir/media"
	"weir/segcache"
)

// apply carries out what the timeline decided since the last call, in order, and publishes one new version of the
// window if anything in it changed: bytes first, then index, then wake-up. Called with mu held.
func (c *Channel) apply() {
	for events := c.tl.Events(); len(events) > 0; events = c.tl.Events() {
		for i := range events {
			c.applyOne(&events[i])
		}
	}
	c.placeEvents()
	if c.dirty {
		c.dirty = false
		c.live.Publish()
	}
	c.wake()
}

func (c *Channel) applyOne(ev *timeline.Event) {
	switch ev.Kind {
	case timeline.Placed:
		p := c.pend[ev.Chunk]
		settled := ev.To - ev.From
		if p.in.track.sparse() {
			c.speak(p, ev)
		} else {
			c.place(p, ev)
		}
		if ev.More {
			settled--
		}
		c.settle(p, settled)
	case timeline.Blank:
		c.hush(ev)
	case timeline.Dropped:
		p := c.pend[ev.Chunk]
		p.in.track.stats.drop(ev.Reason)
		if ev.Reason == timeline.Duplicate || ev.Reason == timeline.Late {
			c.duplicate(p)
		}
		c.settle(p, ev.To-ev.From)
	case timeline.PartListed:
		c.listPart(ev)
	case timeline.Completed:
		if t := c.tracks[ev.Track]; t != nil && t.live != nil {
			if t.sparse() {
				if c.turn(t, ev); !t.page.written {
					break // nobody has described it: a GAP
				}
			}
			c.disagree(t, t.live.Complete(ev.N, ev.Start, ev.End))
			c.dirty = true
		}
	case timeline.Listed:
		c.list(ev)
	case timeline.Served:
		c.served(ev)
	case timeline.Opened:
		c.openGeneration(ev.Generation)
		c.log.Info("generation", "ordinal", ev.Generation.Ordinal, "segment", ev.Generation.N0,
			"master", ev.Generation.Master, "tracks", len(ev.Generation.Tracks), "targetDuration", ev.Generation.TargetDuration)
	case timeline.Need:
		c.ask(ev)
	case timeline.Note:
		c.log.Warn(ev.Text, "track", ev.Track, "reason", string(ev.Reason))
	}
}

func (c *Channel) list(ev *timeline.Event) {
	t := c.tracks[ev.Track]
	if t == nil || t.live == nil {
		return
	}
	gap := ev.Gap || t.sparse() && (t.page.n != ev.N || !t.page.written)
	if gap {
		if t.gaps == 0 {
			c.log.Warn("gap begins: the slot's media did not come in time", "track", t.name, "segment", ev.N)
		}
		t.gaps++
		t.stats.Gaps.Add(1)
	} else {
		if t.gaps > 0 {
			c.log.Info("gap ended", "track", t.name, "segment", ev.N, "missing", t.gaps)
		}
		t.gaps = 0
		t.stats.Segments.Add(1)
	}
	t.sources.list(ev.Source, gap)
	c.disagree(t, t.live.List(segcache.Entry{
		N: ev.N, Slot: ev.Slot, Ordinal: ev.Ordinal, Start: ev.Start, End: ev.End, Gap: gap,
	}))
	c.dirty = true
}

// listPart lists a part. Where one cannot be, a chunk of it having been lost, those behind it are not tried.
func (c *Channel) listPart(ev *timeline.Event) {
	t := c.tracks[ev.Track]
	if t == nil || t.live == nil || t.partless == ev.N {
		return
	}
	if err := t.live.ListPart(segcache.PartEntry{N: ev.N, Part: ev.Part, Start: ev.Start, End: ev.End}); err != nil {
		t.partless = ev.N
		c.disagree(t, err)
		return
	}
	c.dirty = true
}

// disagree logs that the window did not take what the timeline decided. The window stays correct; the cause is most
// likely a chunk that was lost for want of memory.
func (c *Channel) disagree(t *track, err error) {
	if err != nil {
		c.log.Warn("window", "track", t.name, "err", err)
	}
}

// ask queues a record for Run to store. Copies are taken: the event's pointers are the timeline's own.
func (c *Channel) ask(ev *timeline.Event) {
	var n need
	if ev.Generation != nil {
		g := *ev.Generation
		g.Tracks = append([]timeline.Grid(nil), g.Tracks...)
		n.generation, n.fresh = &g, map[string]*media.Track{}
		for _, grid := range g.Tracks {
			if t := c.tracks[grid.Name]; t != nil {
				if in := t.descs[grid.Config]; in != nil {
					n.fresh[grid.Name] = &in.Track
				}
			}
		}
	}
	if ev.Join != nil {
		j := *ev.Join
		n.join = &j
	}
	if ev.Handover != nil {
		h := *ev.Handover
		n.handover = &h
	}
	c.needs = append(c.needs, n)
}

// place writes the re-timed moof of samples [From,To) and commits them to the window as one chunk.
func (c *Channel) place(p *pending, ev *timeline.Event) {
	t := p.in.track
	if t.live == nil {
		c.log.Error("chunk without an identity", "track", t.name)
		return
	}
	if ev.First || t.segment != ev.N {
		t.segment, t.chunks = ev.N, 0
	}
	from, bytes := c.retime(p, ev)
	m := media.Moof{
		Sequence:  sequence(ev.N, t.chunks),
		Time:      ev.Start,
		Samples:   c.samples,
		DataBytes: bytes,
	}
	c.moof = c.moof[:0]
	if ev.Several {
		t.several.Store(true)
		if ev.From == 0 { // the encoder's own would differ between sources, and so between nodes
			prft := media.PrftAt(nanosOf(ev.Start, t.grid.Timescale))
			prft.TrackID, prft.MediaTime = 1, ev.Start
			c.moof = prft.Append(c.moof)
		}
	} else if p.hasPrft && ev.From == 0 {
		prft := p.prft
		prft.TrackID, prft.MediaTime = 1, ev.Map.At(prft.MediaTime) // as ffmpeg sends it: the edit list is applied already
		c.moof = prft.Append(c.moof)
	}
	c.moof = m.Append(c.moof)

	chunk := segcache.Chunk{
		N: ev.N, Part: ev.Part, Slot: ev.Slot, Ordinal: ev.Ordinal, Start: ev.Start, End: ev.End, Arrived: p.arrived,
		Sync: ev.Sync, First: ev.First,
	}
	head, payload := p.room.Head(), len(p.room.Head())+p.offset+from
	if payload == len(head) && len(c.moof) <= len(head) {
		at := len(head) - len(c.moof)
		copy(head[at:], c.moof)
		chunk.Extents[0], chunk.NumExtents = p.room.Extent(at, payload+bytes), 1
	} else {
		extent, err := p.heads(t).Copy(c.moof)
		if err != nil {
			c.log.Error("chunk lost", "track", t.name, "segment", ev.N, "err", err)
			return
		}
		chunk.Extents[0], chunk.Extents[1], chunk.NumExtents = extent, p.room.Extent(payload, payload+bytes), 2
	}
	if err := t.live.Commit(chunk); err != nil {
		c.log.Error("chunk lost", "track", t.name, "segment", ev.N, "err", err)
		return
	}
	p.placed = true
	t.chunks++
	t.stats.Chunks.Add(1)
	t.stats.Bytes.Add(int64(bytes))
}

// heads is where moofs go that have no room before their payload: behind it, where its stream is still there.
func (p *pending) heads(t *track) *segcache.Arena {
	if p.arena.Closed() {
		return t.heads
	}
	return p.arena
}

// headBits is what the moofs of a track's parts need at most, in bits per second, for parts of so many nanoseconds: 200
// bytes each.
func headBits(part int64) int64 {
	return 200 * 8 * int64(time.Second) / max(part, int64(20*time.Millisecond))
}

// retime fills c.samples with samples [From,To) on the channel's clock. It returns where their payload starts within the
// chunk's, and its length, in bytes.
func (c *Channel) retime(p *pending, ev *timeline.Event) (from, bytes int) {
	enc := p.time
	for i := range ev.From {
		from += int(p.samples[i].Size)
		enc += int64(p.samples[i].Duration)
	}
	same := p.in.desc.Timescale == p.in.track.grid.Timescale
	c.samples = c.samples[:0]
	at := ev.Start
	for i := ev.From; i < ev.To; i++ {
		s := p.samples[i]
		own := enc
		enc += int64(s.Duration)
		next := ev.End
		if i+1 < ev.To {
			next = max(at, ev.Map.At(enc))
		}
		if !same && s.CTO != 0 {
			s.CTO = clampInt32(ev.Map.At(own+int64(s.CTO)) - ev.Map.At(own))
		}
		s.Duration = uint32(min(max(0, next-at), math.MaxUint32))
		at = next
		bytes += int(s.Size)
		c.samples = append(c.samples, s)
	}
	return from, bytes
}

// nanosOf is a time of a track in nanoseconds, without overflow.
func nanosOf(ticks int64, scale uint32) int64 {
	s := int64(max(scale, 1))
	return ticks/s*int64(time.Second) + ticks%s*int64(time.Second)/s
}

func clampInt32(v int64) int32 { return int32(min(max(v, math.MinInt32), math.MaxInt32)) }

// sequence is the mfhd sequence number: a function of the segment's number and the chunk's place in it, so that every
// node writes the same.
func sequence(n uint64, chunk uint32) uint32 { return uint32(n<<10) | min(chunk, 1<<10-1) }
