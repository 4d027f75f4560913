package media

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Flags of tfhd. Source: ISO/IEC 14496-12, 8.8.7.1.
const (
	tfhdBase        = 0x000001
	tfhdDescription = 0x000002
	tfhdDuration    = 0x000008
	tfhdSize        = 0x000010
	tfhdFlags       = 0x000020
	tfhdBaseIsMoof  = 0x020000
)

// tfhd is a track fragment header with its defaults.
type tfhd struct {
	flags    uint32
	trackID  uint32
	base     int64
	defaults Defaults
	timeless bool // set by parseTrun: samples whose durations nobody gives
	sizeless bool
}

func parseTfhd(b []byte) (h tfhd, err error) {
	_, h.flags, b, err = fullBox(b)
	if err != nil || len(b) < 4 {
		return h, errTruncated
	}
	h.trackID = binary.BigEndian.Uint32(b)
	b = b[4:]
	if h.flags&tfhdBase != 0 {
		if len(b) < 8 {
			return h, errTruncated
		}
		h.base = int64(binary.BigEndian.Uint64(b))
		if h.base < 0 || h.base > maxTime {
			return h, errors.New("base-data-offset out of range")
		}
		b = b[8:]
	}
	fields := [...]struct {
		flag uint32
		to   *uint32
	}{{tfhdDescription, nil}, {tfhdDuration, &h.defaults.Duration}, {tfhdSize, &h.defaults.Size}, {tfhdFlags, &h.defaults.Flags}}
	for _, field := range fields {
		if h.flags&field.flag == 0 {
			continue
		}
		if len(b) < 4 {
			return h, errTruncated
		}
		if v := binary.BigEndian.Uint32(b); field.to != nil {
			*field.to = v
		} else if v > 1 {
			return h, fmt.Errorf("sample description %d: the header has one", v)
		}
		b = b[4:]
	}
	return h, nil
}

// fill takes from trex what tfhd does not say.
func (h *tfhd) fill(d Defaults) {
	h.defaults.CTO = d.CTO
	if h.flags&tfhdDuration == 0 {
		h.defaults.Duration = d.Duration
	}
	if h.flags&tfhdSize == 0 {
		h.defaults.Size = d.Size
	}
	if h.flags&tfhdFlags == 0 {
		h.defaults.Flags = d.Flags
	}
}

// parseTfdt reads the decode time. Source: ISO/IEC 14496-12, 8.8.12. A 64-bit time is read as signed: encoders write a
// negative start as 2^64 - x.
func (t *Traf) parseTfdt(b []byte) error {
	version, _, b, err := fullBox(b)
	if err != nil {
		return err
	}
	t.Time, err = readTime(version, b)
	t.HasTime = err == nil
	return err
}

// readTime reads a time of 32 bits (version 0) or 64 bits, signed, in bounds.
func readTime(version uint8, b []byte) (int64, error) {
	if version == 0 {
		if len(b) < 4 {
			return 0, errTruncated
		}
		return int64(binary.BigEndian.Uint32(b)), nil
	}
	if len(b) < 8 {
		return 0, errTruncated
	}
	v := int64(binary.BigEndian.Uint64(b))
	if v < -maxTime || v > maxTime {
		return 0, errors.New("time out of range")
	}
	return v, nil
}

// Flags of trun. Source: ISO/IEC 14496-12, 8.8.8.1.
const (
	trunOffset     = 0x001
	trunFirstFlags = 0x004
	trunDuration   = 0x100
	trunSize       = 0x200
	trunFlags      = 0x400
	trunCTO        = 0x800
)

// runs sums up the truns of a traf.
type runs struct {
	n         int
	offset    int64 // data_offset of the first
	hasOffset bool
	bytes     int64
}

// parseTrun appends the samples of one run. A second run must follow the first in the data: a chunk is one stretch.
// Composition offsets are read as signed in version 0 too, where encoders write negative ones all the same.
func (f *Fragment) parseTrun(t *Traf, b []byte, h *tfhd, r *runs) error {
	_, flags, b, err := fullBox(b)
	if err != nil || len(b) < 4 {
		return errTruncated
	}
	count := binary.BigEndian.Uint32(b)
	b = b[4:]
	if int64(count) > int64(f.budget) {
		return fmt.Errorf("%d samples: more than %d in a moof", count, MaxSamples)
	}
	f.budget -= int(count)
	if flags&trunOffset != 0 {
		if len(b) < 4 {
			return errTruncated
		}
		offset := int64(int32(binary.BigEndian.Uint32(b)))
		if r.n > 0 && (!r.hasOffset || offset != r.offset+r.bytes) {
			return errors.New("data does not follow the run before")
		}
		if r.n == 0 {
			r.offset, r.hasOffset = offset, true
		}
		b = b[4:]
	}
	r.n++
	first := h.defaults.Flags
	if flags&trunFirstFlags != 0 {
		if len(b) < 4 {
			return errTruncated
		}
		first = binary.BigEndian.Uint32(b)
		b = b[4:]
	}
	if count == 0 {
		return nil
	}
	if flags&trunDuration == 0 && h.flags&tfhdDuration == 0 && h.defaults.Duration == 0 {
		h.timeless = true
	}
	if flags&trunSize == 0 && h.flags&tfhdSize == 0 && h.defaults.Size == 0 {
		h.sizeless = true
	}
	return t.readSamples(b, int(count), flags, first, h.defaults, r)
}

// readSamples reads the table of a run: count entries of 0 to 4 fields, 4 bytes each.
func (t *Traf) readSamples(b []byte, count int, flags, first uint32, d Defaults, r *runs) error {
	fields := 0
	for _, flag := range [...]uint32{trunDuration, trunSize, trunFlags, trunCTO} {
		if flags&flag != 0 {
			fields++
		}
	}
	if len(b) < count*fields*4 {
		return fmt.Errorf("%d samples of %d bytes, but %d bytes are there", count, fields*4, len(b))
	}
	for i := range count {
		s := Sample(d)
		if i == 0 {
			s.Flags = first
		}
		if flags&trunDuration != 0 {
			s.Duration = binary.BigEndian.Uint32(b)
			b = b[4:]
		}
		if flags&trunSize != 0 {
			s.Size = binary.BigEndian.Uint32(b)
			b = b[4:]
		}
		if flags&trunFlags != 0 {
			s.Flags = binary.BigEndian.Uint32(b)
			b = b[4:]
		}
		if flags&trunCTO != 0 {
			s.CTO += int32(binary.BigEndian.Uint32(b))
			b = b[4:]
		}
		r.bytes += int64(s.Size)
		t.Samples = append(t.Samples, s)
	}
	return nil
}
