package rtmp

import (
	"encoding/binary"

	"weir/ingest/rtmp/chunk"
)

// An aggregate is a message that holds others, each behind a header of 11 bytes and before a trailer of 4, as tags lie in a
// file. It is taken apart as it comes. The times in it are as the file had them: the first is the aggregate's own.
//
// Source: RTMP 1.0, 7.1.6.
type aggregate struct {
	inner slot         // of the message that is under way in it
	head  [11]byte     // of it
	have  int          // bytes of head
	h     chunk.Header // of it, once head is whole
	left  int          // bytes of it that are still to come
	tail  int          // bytes of the trailer that are still to come
	base  uint32       // what turns times in it into the connection's
	began bool         // base is known
}

func (a *aggregate) reset() {
	inner := a.inner
	*a = aggregate{inner: inner}
}

// split takes a piece of an aggregate apart.
func (c *conn) split(m *slot, p chunk.Piece) error {
	a, b := m.aggregate, p.Bytes
	for len(b) > 0 && m.does == splitIt {
		switch {
		case a.tail > 0:
			n := min(a.tail, len(b))
			a.tail -= n
			b = b[n:]
		case a.have < len(a.head):
			n := copy(a.head[a.have:], b)
			a.have += n
			b = b[n:]
			if a.have < len(a.head) {
				continue
			}
			a.readHead(p.Header)
			if a.left == 0 {
				if err := c.inner(a, nil, true); err != nil {
					return err
				}
			}
		default:
			n := min(a.left, len(b))
			first := a.left == a.h.Length
			a.left -= n
			if err := c.inner(a, b[:n], first); err != nil {
				return err
			}
			b = b[n:]
		}
	}
	if p.Last && m.does == splitIt {
		c.giveUp(&a.inner) // what lacks its end
		m.does = skipIt
	}
	return nil
}

// readHead reads the header of a message in an aggregate.
func (a *aggregate) readHead(outer chunk.Header) {
	h := &a.head
	time := uint32(h[7])<<24 | uint32(h[4])<<16 | uint32(h[5])<<8 | uint32(h[6])
	if !a.began {
		a.began, a.base = true, outer.Time-time
	}
	a.h = chunk.Header{
		Kind: chunk.Kind(h[0]), Stream: outer.Stream, Time: a.base + time,
		Length: int(binary.BigEndian.Uint32(h[:4]) & 0xFFFFFF),
	}
	a.left = a.h.Length
}

// inner takes a piece of a message in an aggregate; aggregates, commands and control have no business there.
func (c *conn) inner(a *aggregate, b []byte, first bool) error {
	last := a.left == 0
	if last {
		a.have, a.tail = 0, 4
	}
	switch a.h.Kind {
	case chunk.Audio, chunk.Video, chunk.Data, chunk.DataAMF3:
		return c.takeInto(&a.inner, chunk.Piece{Header: a.h, Bytes: b, First: first, Last: last})
	}
	if first {
		c.skipped("unknown")
	}
	return nil
}
