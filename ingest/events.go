package ingest

import (
	"bytes"
	"slices"

	"weir/ingest/timeline"
	"weir/media"
)

// An Event is timed metadata of a channel: a sample of a sparse track, such as a SCTE-35 message. Events stand beside the
// tracks of the timeline, so that nothing waits for a track that says something once an hour.
type Event struct {
	Track    string
	Scheme   string // what the data is: of the Smooth manifest (urn:scte:scte35:2013:bin), else the sample entry
	Time     int64  // channel time, ns since the epoch
	Duration int64  // ns; 0: not said
	Data     []byte // the sample as it came; never written to
}

// Bounds on the events of a channel. Beyond them the earliest go.
const (
	maxEvents     = 1024
	maxEventBytes = 1 << 20  // of all of them
	maxEventData  = 64 << 10 // of one fragment's payload
	maxSamples    = 256      // of one fragment

	eventReach = 60 * int64(1e9) // ns: an event whose time is further off the clock waits for another time base
	eventWait  = 90 * int64(1e9) // ns: and no longer than that
)

// ReasonEventSize: a fragment of timed metadata is larger than is kept.
const ReasonEventSize timeline.Reason = "event_size"

// events are what a channel keeps of its sparse tracks. They belong to Channel.mu.
type events struct {
	kept    []Event // in order of time
	waiting []pendingEvent
	bytes   int // of the data of both
}

// A pendingEvent came before the clock of its encoder was known.
type pendingEvent struct {
	Event
	track   *track
	time    int64 // encoder ticks
	length  int64
	scale   uint32
	arrival int64 // UTC ns
}

// Events returns the channel's timed metadata, in order of time: the newest 1024 or 1 MiB of it. The slice is the
// caller's, the data is shared. Safe for concurrent use.
func (c *Channel) Events() []Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.events.kept)
}

// sparse tells whether the fragment that has been parsed is timed metadata alone, which needs no room in the window.
func (conn *Conn) sparse() bool {
	for i := range conn.frag.Trafs {
		if in := conn.input(conn.frag.Trafs[i].TrackID); in == nil || in.desc.Kind != media.Metadata {
			return false
		}
	}
	return len(conn.frag.Trafs) > 0
}

// take keeps the samples of a sparse track as events. payload is that of the mdat.
func (c *Channel) take(now int64, in *input, traf *media.Traf, payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	in.track.stats.LastChunk.Store(now)
	data, at := payload[traf.DataOffset:], decodeTime(in, traf)
	if len(traf.Samples) > maxSamples {
		in.track.stats.drop(ReasonEventSize)
		return
	}
	for i := range traf.Samples {
		s := &traf.Samples[i]
		if s.Size > maxEventData {
			in.track.stats.drop(ReasonEventSize)
			return
		}
		if s.Size == 0 { // nothing happens for that long
			at += int64(s.Duration)
			continue
		}
		ev := pendingEvent{
			Event: Event{Track: in.track.name, Scheme: in.scheme, Data: bytes.Clone(data[:s.Size])},
			track: in.track, time: at, length: int64(s.Duration), scale: in.desc.Timescale, arrival: now,
		}
		data, at = data[s.Size:], at+int64(s.Duration)
		if !c.settleEvent(now, &ev) {
			c.events.waiting = append(c.events.waiting, ev)
			c.events.bytes += len(ev.Data)
		}
	}
	c.boundEvents()
}

// settleEvent gives an event its channel time. It reports false where its encoder's clock is not known yet. Called with mu held.
func (c *Channel) settleEvent(now int64, ev *pendingEvent) bool {
	at, ok := c.tl.Nanos(ev.time, ev.scale)
	if off := at - now; !ok || off > eventReach || off < -eventReach-c.tl.Lag() {
		return false
	}
	end, _ := c.tl.Nanos(ev.time+ev.length, ev.scale)
	ev.Time, ev.Duration = at, end-at
	kept := c.events.kept
	i, _ := slices.BinarySearchFunc(kept, at, func(e Event, at int64) int {
		if e.Time < at {
			return -1
		}
		return 1 // the first place at or after it
	})
	for j := i; j < len(kept) && kept[j].Time == at; j++ {
		if kept[j].Track != ev.Track {
			continue
		}
		if bytes.Equal(kept[j].Data, ev.Data) { // a copy, or repeated after a reconnect
			ev.track.stats.drop(timeline.Duplicate)
			return true
		}
		c.events.bytes += len(ev.Data) - len(kept[j].Data)
		kept[j] = ev.Event // an update
		ev.track.stats.Events.Add(1)
		return true
	}
	c.events.kept = slices.Insert(kept, i, ev.Event)
	c.events.bytes += len(ev.Data)
	ev.track.stats.Events.Add(1)
	return true
}

// placeEvents goes on with events that wait. Called with mu held.
func (c *Channel) placeEvents() {
	if len(c.events.waiting) == 0 {
		return
	}
	now := c.deps.Now()
	left := c.events.waiting[:0]
	for i := range c.events.waiting {
		ev := &c.events.waiting[i]
		c.events.bytes -= len(ev.Data)
		switch {
		case c.settleEvent(now, ev):
		case now-ev.arrival > eventWait:
			ev.track.stats.drop(timeline.OffTime)
		default:
			c.events.bytes += len(ev.Data)
			left = append(left, *ev)
		}
	}
	clear(c.events.waiting[len(left):])
	c.events.waiting = left
	c.boundEvents()
}

// boundEvents lets the earliest go. Called with mu held.
func (c *Channel) boundEvents() {
	e := &c.events
	for len(e.kept)+len(e.waiting) > maxEvents || e.bytes > maxEventBytes {
		if len(e.waiting) > 0 && (len(e.kept) == 0 || len(e.waiting) > maxEvents/2) {
			e.bytes -= len(e.waiting[0].Data)
			e.waiting[0].track.stats.drop(timeline.Overflow)
			e.waiting = slices.Delete(e.waiting, 0, 1)
			continue
		}
		e.bytes -= len(e.kept[0].Data)
		e.kept = slices.Delete(e.kept, 0, 1)
	}
}
