package media

import (
	"encoding/binary"
	"errors"
)

// A Styp is the segment type box of an encoder: what weir reads out of its brands.
type Styp struct {
	Major [4]byte
	Minor uint32
	Last  bool // brand lmsg: the last segment of the stream
	Slate bool // brand slat: filler that stands for a lost input
}

// ParseStyp reads a complete styp box, header included. It neither allocates nor keeps b.
//
// Source: ISO/IEC 14496-12, 8.16.2; ISO/IEC 23009-1, 7.3.1 (lmsg); DASH-IF Live Media Ingest 1.2 (slat).
func ParseStyp(b []byte) (Styp, error) {
	body, err := payload(b, boxStyp)
	if err != nil {
		return Styp{}, err
	}
	if len(body) < 8 || len(body)%4 != 0 {
		return Styp{}, within(boxStyp, errors.New("brands are cut short"))
	}
	s := Styp{Major: [4]byte(body), Minor: binary.BigEndian.Uint32(body[4:])}
	s.brand(s.Major)
	for body = body[8:]; len(body) > 0; body = body[4:] {
		s.brand([4]byte(body))
	}
	return s, nil
}

func (s *Styp) brand(b [4]byte) {
	switch string(b[:]) {
	case "lmsg":
		s.Last = true
	case "slat":
		s.Slate = true
	}
}
