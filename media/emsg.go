package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// An Emsg is an event message box. Its slices alias the bytes that were parsed.
type Emsg struct {
	Version   uint8
	Timescale uint32 // ticks per second of the times below
	Time      int64  // version 1: presentation time on the track's timeline
	Delta     uint32 // version 0: presentation time after the start of the segment
	Duration  uint32 // 0xffffffff: unknown
	ID        uint32
	Scheme    []byte // URI, without its NUL
	Value     []byte
	Data      []byte
}

// ParseEmsg reads a complete emsg box, header included. It does not allocate; the result lives as long as b.
//
// Source: ISO/IEC 23009-1, 5.10.3.3.
func ParseEmsg(b []byte) (Emsg, error) {
	body, err := payload(b, boxEmsg)
	if err != nil {
		return Emsg{}, err
	}
	var e Emsg
	e.Version, _, body, err = fullBox(body)
	if err == nil {
		switch e.Version {
		case 0:
			err = e.parse0(body)
		case 1:
			err = e.parse1(body)
		default:
			err = fmt.Errorf("version %d", e.Version)
		}
	}
	if err == nil && e.Timescale == 0 {
		err = errors.New("timescale 0")
	}
	if err != nil {
		return Emsg{}, within(boxEmsg, err)
	}
	return e, nil
}

func (e *Emsg) parse0(b []byte) error {
	b, err := e.text(b)
	if err != nil {
		return err
	}
	if len(b) < 16 {
		return errTruncated
	}
	e.Timescale, e.Delta = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	e.Duration, e.ID = binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint32(b[12:])
	e.Data = b[16:]
	return nil
}

func (e *Emsg) parse1(b []byte) error {
	if len(b) < 20 {
		return errTruncated
	}
	var err error
	if e.Time, err = readTime(1, b[4:]); err != nil {
		return err
	}
	e.Timescale = binary.BigEndian.Uint32(b)
	e.Duration, e.ID = binary.BigEndian.Uint32(b[12:]), binary.BigEndian.Uint32(b[16:])
	e.Data, err = e.text(b[20:])
	return err
}

// text splits off scheme and value, each ended by a NUL.
func (e *Emsg) text(b []byte) (rest []byte, err error) {
	for _, to := range [...]*[]byte{&e.Scheme, &e.Value} {
		n := bytes.IndexByte(b, 0)
		if n < 0 {
			return nil, errors.New("text without an end")
		}
		if n > maxText {
			return nil, fmt.Errorf("text of %d bytes: more than %d", n, maxText)
		}
		*to, b = b[:n:n], b[n+1:]
	}
	return b, nil
}
