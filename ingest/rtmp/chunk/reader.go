package chunk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// What can be wrong with a chunk stream. None of it can be mended: the connection has to end.
var (
	ErrChunkSize  = errors.New("chunk size smaller than 128 bytes")
	ErrHeader     = errors.New("chunk without the header that it builds on")
	ErrUnfinished = errors.New("message begins before the one before it on its chunk stream is whole")
	ErrStreams    = errors.New("more than 64 chunk streams")
	ErrControl    = errors.New("control message of a length that it cannot have")
	ErrAborts     = errors.New("message after message is aborted")
)

const (
	// MaxStreams is how many chunk streams one connection may use. Encoders use two to five.
	MaxStreams = 64

	firstSize   = 128       // of chunks, until the sender says another
	minSize     = 128       // so that a control message is always one chunk
	maxLength   = 1<<24 - 1 // of messages
	maxControl  = 128
	maxHeader   = 3 + 11 + 4
	maxAborts   = 16 // in a row, with no whole message between
	extended    = 0xFFFFFF
	wholeHeader = 0 // the forms of a chunk's header
	sameStream  = 1
	sameLength  = 2
	sameAll     = 3
)

// A Piece is what has come of a message: it has some of the message's payload, or none.
type Piece struct {
	Header
	Slot    int    // of the message's chunk stream, below MaxStreams: one message at a time
	Bytes   []byte // borrowed until the next call of Next
	First   bool   // the message begins here
	Last    bool   // the message is whole with these bytes
	Aborted bool   // the rest of the message will not come; Bytes is empty
}

// A Reader takes a chunk stream apart. What steers the stream itself (SetChunkSize, Abort) it obeys. Messages of control
// (1 to 6) come in one piece; of all others a piece is what of a chunk is there. It holds one buffer and 64 headers, and
// allocates nothing per message. Not safe for concurrent use.
type Reader struct {
	r        io.Reader
	buf      []byte
	at, end  int // what is read and not yet used is buf[at:end]
	size     int // of chunks
	streams  []stream
	current  int // stream of the chunk that is being read
	left     int // bytes of it that are still to come
	aborts   int
	received uint64
}

// A stream is what a chunk stream remembers from chunk to chunk.
type stream struct {
	id       uint32
	header   Header
	field    uint32 // the last timestamp field, or what was extended: absolute in form 0, else the difference
	left     int    // of the message; meaningful where open
	extended bool
	open     bool // a message has begun and is not whole
	first    bool // nothing of it has been handed out
}

// NewReader reads from r through a buffer of that many bytes, at least 2 KiB.
func NewReader(r io.Reader, buffer int) *Reader {
	return &Reader{r: r, buf: make([]byte, max(buffer, 2<<10)), size: firstSize, current: -1}
}

// Grow gives the reader a larger buffer, between two calls.
func (r *Reader) Grow(buffer int) {
	if buffer <= len(r.buf) {
		return
	}
	buf := make([]byte, buffer)
	r.end = copy(buf, r.buf[r.at:r.end])
	r.buf, r.at = buf, 0
}

// Received is how many bytes have been read from the connection.
func (r *Reader) Received() uint64 { return r.received }

// Buffered is how many of them Next has not used yet.
func (r *Reader) Buffered() int { return r.end - r.at }

// Take returns the next n bytes as they are, borrowed until the next call: the handshake, before the first chunk. n is at
// most 2 KiB.
func (r *Reader) Take(n int) ([]byte, error) {
	if err := r.need(n); err != nil {
		return nil, err
	}
	b := r.buf[r.at : r.at+n]
	r.at += n
	return b, nil
}

// Next returns the next piece of a message. Errors of the connection (time-outs too) come as they are, and lose nothing:
// call again. Errors of this package end the stream. io.EOF: the sender has closed; io.ErrUnexpectedEOF: in the middle
// of something.
//
// Source: RTMP 1.0, 5.3 (chunking) and 5.4 (protocol control messages).
func (r *Reader) Next() (Piece, error) {
	for {
		if r.current < 0 {
			if err := r.readHeader(); err != nil {
				return Piece{}, err
			}
		}
		s := &r.streams[r.current]
		if s.header.Kind >= SetChunkSize && s.header.Kind <= SetPeerBandwidth {
			p, told, err := r.control(s)
			if err != nil || told {
				return p, err
			}
			continue
		}
		if r.left > 0 && r.at == r.end {
			if err := r.need(1); err != nil {
				return Piece{}, err
			}
		}
		n := min(r.left, r.end-r.at)
		p := Piece{Header: s.header, Slot: r.current, Bytes: r.buf[r.at : r.at+n : r.at+n], First: s.first}
		r.at += n
		s.first = false
		if s.left -= n; s.left == 0 {
			s.open, p.Last, r.aborts = false, true, 0
		}
		if r.left -= n; r.left == 0 {
			r.current = -1
		}
		return p, nil
	}
}

// control takes a message of control, which is one chunk. told is false for what concerns the reader alone.
func (r *Reader) control(s *stream) (p Piece, told bool, err error) {
	n := s.header.Length
	if err := r.need(n); err != nil {
		return Piece{}, false, err
	}
	payload := r.buf[r.at : r.at+n : r.at+n]
	p = Piece{Header: s.header, Slot: r.current, Bytes: payload, First: true, Last: true}
	r.at += n
	s.open, r.current, r.left = false, -1, 0
	switch s.header.Kind {
	case SetChunkSize:
		// The highest bit is zero; what is larger than any message is as large as the largest.
		size := binary.BigEndian.Uint32(payload)
		if size < minSize || size > 1<<31-1 {
			return Piece{}, false, fmt.Errorf("%w: %d", ErrChunkSize, size)
		}
		r.size = int(min(size, maxLength))
		return Piece{}, false, nil
	case Abort:
		return r.abort(binary.BigEndian.Uint32(payload))
	}
	return p, true, nil
}

// abort gives up the message that a chunk stream is in the middle of, if it is.
func (r *Reader) abort(id uint32) (p Piece, told bool, err error) {
	for i := range r.streams {
		if s := &r.streams[i]; s.id == id && s.open {
			if r.aborts++; r.aborts > maxAborts {
				return Piece{}, false, ErrAborts
			}
			s.open = false
			return Piece{Header: s.header, Slot: i, Aborted: true}, true, nil
		}
	}
	return Piece{}, false, nil
}

// readHeader reads a chunk's header, whole or not at all.
func (r *Reader) readHeader() error {
	if err := r.need(1); err != nil {
		return err
	}
	b := r.buf[r.at:r.end]
	form, id, n := int(b[0]>>6), uint32(b[0]&0x3F), 1
	if id < 2 {
		n += int(id) + 1
		if err := r.need(n); err != nil {
			return err
		}
		b = r.buf[r.at:r.end]
		if id == 0 {
			id = 64 + uint32(b[1])
		} else {
			id = 64 + uint32(b[1]) + uint32(b[2])<<8
		}
	}
	i, err := r.find(id, form)
	if err != nil {
		return err
	}
	s := &r.streams[i]
	if form == sameAll {
		return r.again(i, n)
	}
	if s.open {
		return ErrUnfinished
	}
	at := n
	n += [...]int{11, 7, 3}[form]
	if err := r.need(n); err != nil {
		return err
	}
	b = r.buf[r.at:r.end]
	field := uint24(b[at:])
	ext := field == extended
	if ext {
		n += 4
		if err := r.need(n); err != nil {
			return err
		}
		b = r.buf[r.at:r.end]
		field = binary.BigEndian.Uint32(b[n-4:])
	}
	h := s.header
	if form <= sameStream {
		h.Length, h.Kind = int(uint24(b[at+3:])), Kind(b[at+6])
	}
	if form == wholeHeader {
		h.Stream = binary.LittleEndian.Uint32(b[at+7:])
		h.Time = field
	} else {
		h.Time += field
	}
	if err := checkLength(h); err != nil {
		return err
	}
	s.header, s.field, s.extended = h, field, ext
	r.begin(i, n)
	return nil
}

// again reads the rest of a header of form 3: the message goes on, or another begins that differs in its time alone.
// Where the time is extended, it stands here again; senders that leave it out are known by what stands in its place.
func (r *Reader) again(i, n int) error {
	s := &r.streams[i]
	if s.extended {
		if err := r.need(n + 4); err != nil {
			return err
		}
		t := binary.BigEndian.Uint32(r.buf[r.at+n:])
		if !s.open || t == s.field || t == s.header.Time {
			n += 4
		}
	}
	if s.open {
		r.at += n
		r.current, r.left = i, min(s.left, r.size)
		return nil
	}
	s.header.Time += s.field
	r.begin(i, n)
	return nil
}

// begin begins a message behind a header of n bytes.
func (r *Reader) begin(i, n int) {
	s := &r.streams[i]
	r.at += n
	s.open, s.first, s.left = true, true, s.header.Length
	r.current, r.left = i, min(s.left, r.size)
}

// checkLength refuses what a message of control cannot be.
func checkLength(h Header) error {
	switch {
	case h.Kind == SetChunkSize || h.Kind == Abort:
		if h.Length != 4 {
			return ErrControl
		}
	case h.Kind >= SetChunkSize && h.Kind <= SetPeerBandwidth:
		if h.Length > maxControl {
			return ErrControl
		}
	}
	return nil
}

// find returns the place of a chunk stream. One that has sent nothing yet has to begin with a whole header; old encoders
// begin one with form 1, for what belongs to message stream 0.
func (r *Reader) find(id uint32, form int) (int, error) {
	for i := range r.streams {
		if r.streams[i].id == id {
			return i, nil
		}
	}
	if form > sameStream {
		return 0, ErrHeader
	}
	if len(r.streams) == MaxStreams {
		return 0, ErrStreams
	}
	r.streams = append(r.streams, stream{id: id})
	return len(r.streams) - 1, nil
}

// need reads until n bytes are buffered.
func (r *Reader) need(n int) error {
	for r.end-r.at < n {
		if r.at == r.end {
			r.at, r.end = 0, 0
		} else if r.at+n > len(r.buf) {
			r.end = copy(r.buf, r.buf[r.at:r.end])
			r.at = 0
		}
		m, err := r.r.Read(r.buf[r.end:])
		r.end += m
		r.received += uint64(m)
		if err == nil || r.end-r.at >= n {
			continue
		}
		if err == io.EOF && (r.end > r.at || r.current >= 0 || r.amid()) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	return nil
}

// amid tells whether any message is not whole.
func (r *Reader) amid() bool {
	for i := range r.streams {
		if r.streams[i].open {
			return true
		}
	}
	return false
}

func uint24(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }
