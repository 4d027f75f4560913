package media

import (
	"encoding/binary"
	"fmt"
)

// PrftSize is how many bytes Prft.Append adds.
const PrftSize = 32

// A Prft is a producer reference time: the wall clock that belongs to a media time.
type Prft struct {
	Version   uint8  // of the box that was read; Append writes version 1
	Flags     uint32 // which moment the clock was read at: 0 encoder input, 1 encoder output, …, 24 capture
	TrackID   uint32
	NTP       uint64 // seconds since 1900 in the upper 32 bits, fraction in the lower
	MediaTime int64  // ticks of the track; negative before its start (audio priming)
}

// ParsePrft reads a complete prft box, header included. It neither allocates nor keeps b.
//
// Source: ISO/IEC 14496-12, 8.16.5.
func ParsePrft(b []byte) (Prft, error) {
	body, err := payload(b, boxPrft)
	if err != nil {
		return Prft{}, err
	}
	var p Prft
	p.Version, p.Flags, body, err = fullBox(body)
	if err != nil {
		return Prft{}, within(boxPrft, err)
	}
	if p.Version > 1 {
		return Prft{}, within(boxPrft, fmt.Errorf("version %d", p.Version))
	}
	if len(body) < 12 {
		return Prft{}, within(boxPrft, errTruncated)
	}
	p.TrackID = binary.BigEndian.Uint32(body)
	p.NTP = binary.BigEndian.Uint64(body[4:])
	if p.MediaTime, err = readTime(p.Version, body[12:]); err != nil {
		return Prft{}, within(boxPrft, err)
	}
	return p, nil
}

// UTC is the wall clock in nanoseconds since 1970. It does not overflow: NTP's era ends in 2036.
func (p *Prft) UTC() int64 {
	const since1900 = 2_208_988_800 // seconds from 1900 to 1970
	return (int64(p.NTP>>32)-since1900)*1e9 + int64((p.NTP&0xffffffff)*1e9>>32)
}

// PrftAt is the producer reference time of a moment, nanoseconds since 1970, that goes with the media time to be set.
func PrftAt(utc int64) Prft {
	const since1900 = 2_208_988_800
	return Prft{Version: 1, Flags: 8, NTP: uint64(utc/1e9+since1900)<<32 | uint64(utc%1e9)<<32/1e9}
}

// Append appends the box, in version 1. It allocates only where dst is too small.
func (p *Prft) Append(dst []byte) []byte {
	be := binary.BigEndian
	dst = be.AppendUint32(dst, PrftSize)
	dst = be.AppendUint32(dst, boxPrft)
	dst = be.AppendUint32(dst, 1<<24|p.Flags&0xffffff)
	dst = be.AppendUint32(dst, p.TrackID)
	dst = be.AppendUint64(dst, p.NTP)
	return be.AppendUint64(dst, uint64(p.MediaTime))
}
