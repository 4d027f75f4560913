package mp4

import (
	"encoding/binary"
	"errors"
	"fmt"

	"weir/media"
)

// Bounds on what is believed of a segment.
const (
	MaxSegment = 64 << 20 // bytes
	maxBoxes   = 100_000  // of a segment
	maxFaults  = 50
)

// A Box is one box with its place.
type Box struct {
	Type string
	At   int // offset of its header from the start of the resource
	Body []byte
	All  []byte
}

func (b Box) String() string { return fmt.Sprintf("box %s at byte %d", b.Type, b.At) }

// walk lists the boxes of a container whose bytes start at offset at. What cannot be walked ends the list with an error.
func walk(b []byte, at, limit int) (list []Box, err error) {
	for len(b) > 0 {
		if len(list) == limit {
			return list, fmt.Errorf("more than %d boxes", limit)
		}
		head, err := media.ReadBox(b)
		switch {
		case errors.Is(err, media.ErrShort):
			return list, fmt.Errorf("%d bytes behind the last box, at byte %d", len(b), at)
		case err != nil:
			return list, fmt.Errorf("%w, at byte %d", err, at)
		case head.Size > int64(len(b)):
			return list, fmt.Errorf("box %q at byte %d: %d bytes, but %d are there", head.Type, at, head.Size, len(b))
		}
		list = append(list, Box{Type: name(head.Type), At: at, Body: b[head.Head:head.Size], All: b[:head.Size]})
		b, at = b[head.Size:], at+int(head.Size)
	}
	return list, nil
}

// children lists the boxes in a box, behind skip bytes of its own fields.
func (b Box) children(skip int) ([]Box, error) {
	if len(b.Body) < skip {
		return nil, fmt.Errorf("%v: truncated", b)
	}
	list, err := walk(b.Body[skip:], b.At+len(b.All)-len(b.Body)+skip, 1000)
	if err != nil {
		return list, fmt.Errorf("%v: %w", b, err)
	}
	return list, nil
}

// find returns the box below b by the names of the way to it.
func (b Box) find(path ...string) (Box, bool) {
	for _, want := range path {
		list, _ := b.children(0)
		found := false
		for _, c := range list {
			if c.Type == want {
				b, found = c, true
				break
			}
		}
		if !found {
			return Box{}, false
		}
	}
	return b, true
}

// full splits off version and flags.
func (b Box) full() (version uint8, flags uint32, rest []byte, ok bool) {
	if len(b.Body) < 4 {
		return 0, 0, nil, false
	}
	return b.Body[0], binary.BigEndian.Uint32(b.Body) & 0xffffff, b.Body[4:], true
}

func name(t [4]byte) string {
	for i, c := range t {
		if c < 0x20 || c > 0x7e {
			t[i] = '?'
		}
	}
	return string(t[:])
}

// brands reads ftyp or styp: the major brand, then the compatible ones.
func brands(b Box) []string {
	if len(b.Body) < 8 {
		return nil
	}
	list := []string{name([4]byte(b.Body))}
	for rest := b.Body[8:]; len(rest) >= 4 && len(list) < 64; rest = rest[4:] {
		list = append(list, name([4]byte(rest)))
	}
	return list
}

// A Fault is something that the file format forbids, with the number of the assertion that says so.
type Fault struct {
	Assertion int
	At        string // box and byte
	Said      string
	True      string
}
