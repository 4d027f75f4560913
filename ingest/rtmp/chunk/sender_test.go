package chunk

import "encoding/binary"

// A sender writes a chunk stream in every form that the specification allows. It is the oracle of the reader's tests, and
// written apart from it.
type sender struct {
	out  []byte
	size int
	last map[uint32]*sent
}

// sent is the message that was sent last on a chunk stream.
type sent struct {
	h       Header
	field   uint32 // timestamp or delta
	payload []byte // what of it is still to be sent
	begun   bool
}

func newSender() *sender { return &sender{size: firstSize, last: map[uint32]*sent{}} }

// forms are the forms in which a message may begin on a chunk stream, by its header.
func (s *sender) forms(id uint32, h Header) []int {
	l := s.last[id]
	if l == nil {
		return []int{0}
	}
	forms := []int{0}
	if h.Stream != l.h.Stream {
		return forms
	}
	delta := h.Time - l.h.Time
	forms = append(forms, 1)
	if h.Length == l.h.Length && h.Kind == l.h.Kind {
		forms = append(forms, 2)
		if delta == l.field {
			forms = append(forms, 3)
		}
	}
	return forms
}

// begin writes the first chunk of a message, in a form that forms allows.
func (s *sender) begin(id uint32, form int, h Header, payload []byte) {
	h.Length = len(payload)
	l := s.last[id]
	if l == nil {
		l = &sent{}
		s.last[id] = l
	}
	switch form {
	case 0:
		l.field = h.Time
	case 1, 2:
		l.field = h.Time - l.h.Time
	}
	l.h, l.payload, l.begun = h, payload, true
	s.basic(form, id)
	field := min(l.field, 0xFFFFFF)
	if form < 3 {
		s.out = append(s.out, byte(field>>16), byte(field>>8), byte(field))
	}
	if form < 2 {
		s.out = append(s.out, byte(h.Length>>16), byte(h.Length>>8), byte(h.Length), byte(h.Kind))
	}
	if form == 0 {
		s.out = binary.LittleEndian.AppendUint32(s.out, h.Stream)
	}
	s.rest(l)
}

// next writes the next chunk of the message that is under way on a chunk stream, and tells whether there is more.
func (s *sender) next(id uint32) bool {
	l := s.last[id]
	if !l.begun {
		s.basic(3, id)
	}
	s.rest(l)
	return len(l.payload) > 0
}

func (s *sender) rest(l *sent) {
	if l.field >= 0xFFFFFF {
		s.out = binary.BigEndian.AppendUint32(s.out, l.field)
	}
	n := min(len(l.payload), s.size)
	s.out = append(s.out, l.payload[:n]...)
	l.payload, l.begun = l.payload[n:], false
}

func (s *sender) basic(form int, id uint32) {
	first := byte(form << 6)
	switch {
	case id < 64:
		s.out = append(s.out, first|byte(id))
	case id < 320:
		s.out = append(s.out, first, byte(id-64))
	default:
		s.out = append(s.out, first|1, byte(id-64), byte((id-64)>>8))
	}
}

// message writes a whole message.
func (s *sender) message(id uint32, form int, h Header, payload []byte) {
	s.begin(id, form, h, payload)
	for len(s.last[id].payload) > 0 {
		s.next(id)
	}
}

// control writes a message of control that is a number.
func (s *sender) control(kind Kind, n uint32) {
	s.message(2, 0, Header{Kind: kind}, binary.BigEndian.AppendUint32(nil, n))
	if kind == SetChunkSize {
		s.size = int(min(n, 0xFFFFFF))
	}
}
