package media

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A Sidx is a segment index box. Its references are read out of the bytes that were parsed, on demand.
type Sidx struct {
	ReferenceID uint32
	Timescale   uint32
	Earliest    int64 // earliest presentation time, ticks
	FirstOffset int64 // bytes from the end of the sidx to the first subsegment

	refs []byte
}

// A Reference is one entry of a segment index.
type Reference struct {
	Index    bool   // it points at another sidx, not at media
	Size     uint32 // bytes
	Duration uint32 // ticks
	SAP      bool   // starts with a stream access point
	SAPType  uint8
	SAPDelta uint32 // ticks
}

// ParseSidx reads a complete sidx box, header included. It does not allocate; the result lives as long as b.
//
// Source: ISO/IEC 14496-12, 8.16.3.
func ParseSidx(b []byte) (Sidx, error) {
	body, err := payload(b, boxSidx)
	if err != nil {
		return Sidx{}, err
	}
	s, err := parseSidx(body)
	if err != nil {
		return Sidx{}, within(boxSidx, err)
	}
	return s, nil
}

func parseSidx(b []byte) (s Sidx, err error) {
	version, _, b, err := fullBox(b)
	if err != nil {
		return s, err
	}
	size := 4
	if version > 0 {
		size = 8
	}
	if len(b) < 8+2*size+4 {
		return s, errTruncated
	}
	s.ReferenceID, s.Timescale = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if s.Timescale == 0 {
		return s, errors.New("timescale 0")
	}
	b = b[8:]
	if s.Earliest, err = readTime(version, b); err != nil {
		return s, err
	}
	if s.FirstOffset, err = readTime(version, b[size:]); err != nil {
		return s, err
	}
	if s.FirstOffset < 0 {
		return s, errors.New("negative offset")
	}
	b = b[2*size:]
	count := int(binary.BigEndian.Uint16(b[2:]))
	b = b[4:]
	if count > maxReferences || len(b) < 12*count {
		return s, fmt.Errorf("%d references in %d bytes", count, len(b))
	}
	s.refs = b[:12*count]
	return s, nil
}

// Len is the number of references.
func (s *Sidx) Len() int { return len(s.refs) / 12 }

// At is reference i, 0 <= i < Len.
func (s *Sidx) At(i int) Reference {
	b := s.refs[12*i:]
	size, sap := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[8:])
	return Reference{
		Index:    size>>31 != 0,
		Size:     size & 0x7fffffff,
		Duration: binary.BigEndian.Uint32(b[4:]),
		SAP:      sap>>31 != 0,
		SAPType:  uint8(sap >> 28 & 7),
		SAPDelta: sap & 0x0fffffff,
	}
}
