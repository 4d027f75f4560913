package rtmp

import (
	"errors"
	"fmt"
	"time"

	"weir/ingest"
	"weir/ingest/rtmp/amf"
	"weir/ingest/rtmp/chunk"
)

var errGathered = errors.New("more than 128 KiB of commands and data that are not whole")

// A slot is what becomes of the message that a chunk stream is in the middle of.
type slot struct {
	does      deed
	stream    *stream    // media, split: where it goes
	kind      chunk.Kind // media: what it is there
	due       time.Time  // when it has to be whole; zero: no message
	gathered  []byte     // gather
	aggregate *aggregate // split
}

// A deed is what is done with a message's bytes.
type deed uint8

const (
	skipIt   deed = iota // not wanted, or not known
	gatherIt             // kept until the message is whole: commands and data
	feedIt               // handed on as they come: audio and video
	splitIt              // taken apart: aggregates
)

// take does with a piece what its message needs.
func (c *conn) take(p chunk.Piece) error {
	if p.Kind <= chunk.SetPeerBandwidth {
		return c.control(p)
	}
	for len(c.slots) <= p.Slot {
		c.slots = append(c.slots, slot{})
	}
	m := &c.slots[p.Slot]
	if p.First && !p.Last {
		l := &c.s.cfg.Limits
		m.due = c.now.Add(l.Idle + time.Duration(int64(p.Length)/l.MinRate)*time.Second)
	}
	err := c.takeInto(m, p)
	if p.Last || p.Aborted {
		m.due = time.Time{}
	}
	return err
}

// due is the earliest time at which a message has to be whole; zero: none is under way.
func (c *conn) due() (due time.Time) {
	for i := range c.slots {
		if d := c.slots[i].due; !d.IsZero() && (due.IsZero() || d.Before(due)) {
			due = d
		}
	}
	return due
}

func (c *conn) takeInto(m *slot, p chunk.Piece) error {
	if p.Aborted {
		c.giveUp(m)
		return nil
	}
	if p.First {
		if err := c.begin(m, p.Header); err != nil {
			return err
		}
		c.account(readCost)
	}
	switch m.does {
	case skipIt:
	case gatherIt:
		return c.gather(m, p)
	case feedIt:
		return c.feed(m, p)
	case splitIt:
		return c.split(m, p)
	}
	return nil
}

// begin decides what to do with a message.
func (c *conn) begin(m *slot, h chunk.Header) error {
	m.does = skipIt
	switch h.Kind {
	case chunk.Command, chunk.CommandAMF3:
		if h.Length > maxMessage {
			return fmt.Errorf("%w: it has %d bytes", errCommand, h.Length)
		}
		m.does = gatherIt
		return nil
	case chunk.Audio, chunk.Video, chunk.Data, chunk.DataAMF3, chunk.Aggregate:
	default:
		c.skipped("unknown")
		return nil
	}
	st := c.stream(h.Stream)
	if st == nil || st.pub == nil {
		c.skipped("unpublished")
		return nil
	}
	switch h.Kind {
	case chunk.Data, chunk.DataAMF3:
		if h.Length > maxMessage {
			c.skipped("large_data")
			return nil
		}
		m.does = gatherIt
	case chunk.Aggregate:
		m.does, m.stream = splitIt, st
		if m.aggregate == nil {
			m.aggregate = new(aggregate)
		}
		m.aggregate.reset()
	default:
		return c.beginMedia(m, st, h)
	}
	return nil
}

// beginMedia begins a message of audio or video. A second one of its kind while one is under way, on another chunk stream,
// is skipped.
func (c *conn) beginMedia(m *slot, st *stream, h chunk.Header) error {
	if st.busy[h.Kind&1] {
		c.skipped("interleaved")
		return nil
	}
	if int64(h.Length) > c.s.cfg.Limits.MessageBytes {
		return c.failed(st, fmt.Errorf("message of %d bytes: %w", h.Length, ingest.ErrTooLarge))
	}
	if err := st.pub.begin(h); err != nil {
		return c.failed(st, err)
	}
	st.busy[h.Kind&1] = true
	m.does, m.stream, m.kind = feedIt, st, h.Kind
	return nil
}

// feed hands a piece of audio or video on.
func (c *conn) feed(m *slot, p chunk.Piece) error {
	st := m.stream
	if len(p.Bytes) > 0 {
		if err := st.pub.piece(m.kind, p.Bytes); err != nil {
			return c.failed(st, err)
		}
	}
	if !p.Last {
		return nil
	}
	m.does, st.busy[m.kind&1] = skipIt, false
	if err := st.pub.end(m.kind); err != nil {
		return c.failed(st, err)
	}
	return nil
}

// gather keeps a piece of a command or of data until it is whole. What comes in one piece is not copied.
func (c *conn) gather(m *slot, p chunk.Piece) error {
	if p.First && p.Last {
		m.does = skipIt
		return c.whole(p.Header, p.Bytes)
	}
	if c.gathered += len(p.Bytes); c.gathered > maxGathered {
		return errGathered
	}
	m.gathered = append(m.gathered, p.Bytes...)
	if !p.Last {
		return nil
	}
	err := c.whole(p.Header, m.gathered)
	c.release(m)
	return err
}

// release forgets what a slot has gathered.
func (c *conn) release(m *slot) {
	c.gathered -= len(m.gathered)
	if m.does, m.gathered = skipIt, m.gathered[:0]; cap(m.gathered) > keepGathered {
		m.gathered = nil
	}
}

// giveUp ends a message that will not be whole.
func (c *conn) giveUp(m *slot) {
	switch m.does {
	case skipIt:
	case gatherIt:
		c.release(m)
	case feedIt:
		m.stream.busy[m.kind&1] = false
		m.stream.pub.abort(m.kind)
	case splitIt:
		c.giveUp(&m.aggregate.inner)
	}
	m.does = skipIt
}

// whole takes a command or a message of data that is whole.
func (c *conn) whole(h chunk.Header, b []byte) error {
	if h.Kind == chunk.CommandAMF3 || h.Kind == chunk.DataAMF3 {
		if len(b) > 0 && b[0] == 0 { // what follows is AMF0, which may switch to AMF3
			b = b[1:]
		}
	}
	values, err := amf.Read(b)
	if h.Kind == chunk.Command || h.Kind == chunk.CommandAMF3 {
		if err != nil {
			return fmt.Errorf("%w: %w", errCommand, err)
		}
		return c.command(h.Stream, values)
	}
	c.account(commandCost)
	st := c.stream(h.Stream)
	if err != nil || st == nil || st.pub == nil {
		c.skipped("bad_data")
		return nil
	}
	if len(values) > 0 && values[0].Kind == amf.String {
		switch values[0].Text {
		case "@setDataFrame":
			values = values[1:]
		case "@clearDataFrame":
			return nil
		}
	}
	if len(values) == 0 {
		return nil
	}
	if err := st.pub.data(h.Time, values); err != nil {
		return c.failed(st, err)
	}
	return nil
}

func (c *conn) skipped(why string) { c.s.metrics.skip(why) }
