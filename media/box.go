package media

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrShort means: read more bytes and call again. It is not a fault.
var ErrShort = errors.New("box header incomplete")

// A Box is a box header. The payload stays where it is.
type Box struct {
	Type [4]byte
	Head int   // header length in bytes: 8, or 16 with a 64-bit size
	Size int64 // whole box in bytes, header included; always >= Head
}

// ReadBox decodes the box header at the start of b. It neither allocates nor keeps b.
//
// It returns ErrShort while b is too short to hold the header. Any other error means that the sender is not speaking
// ISO BMFF: answer 400 and close. A size of 0 ("to end of file") is refused: a live segment has no end of file.
//
// Source: ISO/IEC 14496-12, 4.2 (Box).
func ReadBox(b []byte) (Box, error) {
	if len(b) < 8 {
		return Box{}, ErrShort
	}
	box := Box{Type: [4]byte(b[4:8]), Head: 8, Size: int64(binary.BigEndian.Uint32(b))}
	if box.Size == 1 {
		if len(b) < 16 {
			return Box{}, ErrShort
		}
		box.Head, box.Size = 16, int64(binary.BigEndian.Uint64(b[8:])) // 2^63 and up turn negative: refused below
	}
	if box.Size < int64(box.Head) {
		return Box{}, fmt.Errorf("box %q: size %d is smaller than its header", box.Type, box.Size)
	}
	return box, nil
}

// boxes walks the children of a container: for w := (boxes{b: b}); w.next(); { … w.kind, w.body … }; w.err afterwards.
// It is a value on the stack and allocates only for an error.
type boxes struct {
	b    []byte // what is left
	kind uint32 // type of the current child
	body []byte // its payload
	all  []byte // the whole child, header included
	n    int
	err  error
}

// next moves to the next child. It returns false at the end, and at the first fault, which stands in err.
func (w *boxes) next() bool {
	if len(w.b) == 0 || w.err != nil {
		return false
	}
	box, err := ReadBox(w.b)
	switch {
	case errors.Is(err, ErrShort):
		w.err = fmt.Errorf("%d bytes after the last box", len(w.b))
	case err != nil:
		w.err = err
	case box.Size > int64(len(w.b)):
		w.err = fmt.Errorf("box %q: size %d exceeds its container by %d", box.Type, box.Size, box.Size-int64(len(w.b)))
	case w.n >= maxBoxes:
		w.err = fmt.Errorf("more than %d boxes in a container", maxBoxes)
	default:
		w.n++
		w.kind = binary.BigEndian.Uint32(w.b[4:])
		w.all = w.b[:box.Size]
		w.body = w.all[box.Head:]
		w.b = w.b[box.Size:]
		return true
	}
	return false
}

// payload returns the payload of b, which must be exactly one box of that type.
func payload(b []byte, kind uint32) ([]byte, error) {
	box, err := ReadBox(b)
	if err != nil {
		return nil, err
	}
	if binary.BigEndian.Uint32(b[4:]) != kind {
		return nil, fmt.Errorf("box %q where %q is due", box.Type, fourCC(kind))
	}
	if box.Size != int64(len(b)) {
		return nil, fmt.Errorf("box %q: size %d, but %d bytes are there", box.Type, box.Size, len(b))
	}
	return b[box.Head:], nil
}

// errTruncated is the fault of a box that ends before its fields do.
var errTruncated = errors.New("truncated")

// fullBox splits off version and flags. Source: ISO/IEC 14496-12, 4.2 (FullBox).
func fullBox(b []byte) (version uint8, flags uint32, rest []byte, err error) {
	if len(b) < 4 {
		return 0, 0, nil, errTruncated
	}
	return b[0], binary.BigEndian.Uint32(b) & 0xffffff, b[4:], nil
}

// within puts the name of a box before an error that came out of it.
func within(kind uint32, err error) error {
	return fmt.Errorf("%s: %w", fourCC(kind), err)
}

// fourCC is a box type fit for messages.
func fourCC(kind uint32) string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], kind)
	for i, c := range b {
		if c < 0x20 || c > 0x7e {
			b[i] = '?'
		}
	}
	return string(b[:])
}

// Box types, as the big-endian value of their four characters.
const (
	boxMoov = 'm'<<24 | 'o'<<16 | 'o'<<8 | 'v'
	boxMvhd = 'm'<<24 | 'v'<<16 | 'h'<<8 | 'd'
	boxMvex = 'm'<<24 | 'v'<<16 | 'e'<<8 | 'x'
	boxTrex = 't'<<24 | 'r'<<16 | 'e'<<8 | 'x'
	boxTrak = 't'<<24 | 'r'<<16 | 'a'<<8 | 'k'
	boxTkhd = 't'<<24 | 'k'<<16 | 'h'<<8 | 'd'
	boxEdts = 'e'<<24 | 'd'<<16 | 't'<<8 | 's'
	boxElst = 'e'<<24 | 'l'<<16 | 's'<<8 | 't'
	boxMdia = 'm'<<24 | 'd'<<16 | 'i'<<8 | 'a'
	boxMdhd = 'm'<<24 | 'd'<<16 | 'h'<<8 | 'd'
	boxHdlr = 'h'<<24 | 'd'<<16 | 'l'<<8 | 'r'
	boxElng = 'e'<<24 | 'l'<<16 | 'n'<<8 | 'g'
	boxMinf = 'm'<<24 | 'i'<<16 | 'n'<<8 | 'f'
	boxStbl = 's'<<24 | 't'<<16 | 'b'<<8 | 'l'
	boxStsd = 's'<<24 | 't'<<16 | 's'<<8 | 'd'
	boxUdta = 'u'<<24 | 'd'<<16 | 't'<<8 | 'a'
	boxKind = 'k'<<24 | 'i'<<16 | 'n'<<8 | 'd'
	boxMoof = 'm'<<24 | 'o'<<16 | 'o'<<8 | 'f'
	boxMfhd = 'm'<<24 | 'f'<<16 | 'h'<<8 | 'd'
	boxTraf = 't'<<24 | 'r'<<16 | 'a'<<8 | 'f'
	boxTfhd = 't'<<24 | 'f'<<16 | 'h'<<8 | 'd'
	boxTfdt = 't'<<24 | 'f'<<16 | 'd'<<8 | 't'
	boxTrun = 't'<<24 | 'r'<<16 | 'u'<<8 | 'n'
	boxUUID = 'u'<<24 | 'u'<<16 | 'i'<<8 | 'd'
	boxMdat = 'm'<<24 | 'd'<<16 | 'a'<<8 | 't'
	boxPrft = 'p'<<24 | 'r'<<16 | 'f'<<8 | 't'
	boxStyp = 's'<<24 | 't'<<16 | 'y'<<8 | 'p'
	boxEmsg = 'e'<<24 | 'm'<<16 | 's'<<8 | 'g'
	boxSidx = 's'<<24 | 'i'<<16 | 'd'<<8 | 'x'
)
