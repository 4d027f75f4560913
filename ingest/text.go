package ingest

import (
	"weir/ingest/timeline"
	"weir/media"
	"weir/segcache"
)

// maxTextSegment bounds what a text track writes in a slot, in bytes: a cue that lasts is written again in each, so that
// little from a socket could become much in the window. Captions take a hundredth of it.
const maxTextSegment = 256 << 10

// A page is a segment of a text track that is being put together. The timeline decides such a segment as a whole, out of
// pieces that lie apart: cues of several chunks, some of them not for the first time, and blanks. So their bytes are
// copied, the one time that payload is: a few hundred bytes a slot.
//
// A WebVTT segment is one chunk of all its samples. A TTML segment is a chunk for each document: players that parse an
// mdat as a whole read XML there. The times in it are moved as the sample's are.
type page struct {
	n       uint64 // of the segment; 0: none was composed
	first   bool   // nothing of it is committed yet
	start   int64  // ticks of the samples that are not committed
	end     int64
	samples []media.Sample
	payload []byte
	bytes   int  // of all its samples
	written bool // something is committed
}

// open begins the segment that a piece opens.
func (g *page) open(ev *timeline.Event) {
	if ev.First {
		*g = page{n: ev.N, first: true, start: ev.Start, end: ev.Start, samples: g.samples[:0], payload: g.payload[:0]}
	}
}

// speak puts a sample of the encoder's onto the track's page.
func (c *Channel) speak(p *pending, ev *timeline.Event) {
	t := p.in.track
	t.page.open(ev)
	for ; p.cursor < ev.From; p.cursor++ {
		p.cursorAt += int(p.samples[p.cursor].Size)
		p.cursorTime += int64(p.samples[p.cursor].Duration)
	}
	size := int(p.samples[ev.From].Size)
	at := p.offset + p.cursorAt
	sample := p.room.Payload()[at : at+size]
	if p.in.desc.SampleEntry == "stpp" && size > 0 && size <= maxTextSegment {
		c.text = media.AppendTTML(c.text[:0], sample, p.textTime(ev))
		sample, size = c.text, len(c.text)
	}
	if t.page.bytes+size > maxTextSegment {
		t.stats.drop(timeline.Overflow)
		sample = nil
	}
	if len(sample) == 0 {
		sample = p.in.desc.Blank()
	}
	c.write(t, ev, p.in.desc, sample)
}

// textTime is where the sample that ev places lies, on the encoder's clock and on the channel's.
func (p *pending) textTime(ev *timeline.Event) media.TextTime {
	start, published := p.time+p.cursorTime, int64(p.in.track.grid.Timescale)
	return media.TextTime{
		Start:    micros(start, int64(p.in.desc.Timescale)),
		Duration: micros(int64(p.samples[ev.From].Duration), int64(p.in.desc.Timescale)),
		Zero:     micros(ev.Map.At(0), published),
		At:       micros(ev.Map.At(start), published),
	}
}

func micros(ticks, timescale int64) int64 {
	return ticks/timescale*1e6 + ticks%timescale*1e6/timescale
}

// hush puts a blank onto the track's page, if the track has been described: before, nobody knows what a blank looks like.
func (c *Channel) hush(ev *timeline.Event) {
	t := c.tracks[ev.Track]
	if t == nil {
		return
	}
	t.page.open(ev)
	if desc := c.description(t, ev.Ordinal); desc != nil {
		c.write(t, ev, desc, desc.Blank())
	}
}

// description is what an encoder said of the track as it is in a generation; nil where no encoder has come yet.
func (c *Channel) description(t *track, ordinal int) *media.Input {
	for i := range c.generations {
		if g := &c.generations[i]; g.Ordinal == ordinal {
			for j := range g.Tracks {
				if g.Tracks[j].Name == t.name {
					return t.descs[g.Tracks[j].Config]
				}
			}
		}
	}
	return nil
}

// write puts a sample onto the track's page, if there is one: formats that are no text have no blank.
func (c *Channel) write(t *track, ev *timeline.Event, desc *media.Input, sample []byte) {
	g := &t.page
	if len(sample) == 0 {
		return
	}
	if g.end != ev.Start {
		c.turn(t, ev)
	}
	if len(g.samples) == 0 {
		g.start = ev.Start
	}
	g.samples = append(g.samples, media.Sample{
		Duration: uint32(ev.End - ev.Start), Size: uint32(len(sample)), Flags: media.SyncFlags(true),
	})
	g.payload = append(g.payload, sample...)
	g.bytes += len(sample)
	if g.end = ev.End; desc.SampleEntry == "stpp" {
		c.turn(t, ev)
	}
}

// turn commits what is on the page as one chunk.
func (c *Channel) turn(t *track, ev *timeline.Event) {
	g := &t.page
	if len(g.samples) == 0 {
		return
	}
	if t.live == nil {
		c.log.Error("chunk without an identity", "track", t.name)
		return
	}
	if g.first {
		t.segment, t.chunks = ev.N, 0
	}
	m := media.Moof{Sequence: sequence(ev.N, t.chunks), Time: g.start, Samples: g.samples, DataBytes: len(g.payload)}
	c.moof = append(m.Append(c.moof[:0]), g.payload...)
	extent, err := t.heads.Copy(c.moof)
	if err == nil {
		chunk := segcache.Chunk{
			N: ev.N, Slot: ev.Slot, Ordinal: ev.Ordinal, Start: g.start, End: g.end, Sync: true, First: g.first, NumExtents: 1,
		}
		chunk.Extents[0] = extent
		err = t.live.Commit(chunk)
	}
	if err != nil {
		c.log.Error("chunk lost", "track", t.name, "segment", ev.N, "err", err)
	} else {
		g.first, g.written = false, true
		t.chunks++
		t.stats.Chunks.Add(1)
		t.stats.Bytes.Add(int64(len(g.payload)))
	}
	g.samples, g.payload = g.samples[:0], g.payload[:0]
}

// sparse tells whether a track's segments are put together on its page.
func (t *track) sparse() bool { return t.kind == media.Text || t.kind == media.Metadata }
