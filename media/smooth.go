package media

import (
	"encoding/binary"
	"errors"
)

// A Span is a stretch of decode time in ticks.
type Span struct{ Time, Duration int64 }

var (
	uuidTfxd = [16]byte{0x6d, 0x1d, 0x9b, 0x05, 0x42, 0xd5, 0x44, 0xe6, 0x80, 0xe2, 0x14, 0x1d, 0xaf, 0xf7, 0x57, 0xb2}
	uuidTfrf = [16]byte{0xd4, 0x80, 0x7e, 0xf2, 0xca, 0x39, 0x46, 0x95, 0x8e, 0x54, 0x26, 0xcb, 0x9e, 0x46, 0xa7, 0x9f}
)

// parseUUID reads the boxes that Smooth Streaming puts into a traf, and passes over all others.
//
// Times are signed whatever [MS-SSTR] 2.2.4.4 says: ffmpeg's first audio fragment starts at -213333. Bytes after the
// fields (the fragment index of AMS's "version 2") are accepted.
func (t *Traf) parseUUID(b []byte) error {
	if len(b) < 16 {
		return errTruncated
	}
	id := [16]byte(b)
	if id != uuidTfxd && id != uuidTfrf {
		return nil
	}
	version, _, b, err := fullBox(b[16:])
	if err != nil {
		return err
	}
	if id == uuidTfxd {
		span, _, err := readSpan(version, b)
		t.TfxdTime, t.TfxdDuration, t.HasTfxd = span.Time, span.Duration, err == nil
		return err
	}
	if len(b) < 1 {
		return errTruncated
	}
	t.Lookahead = t.Lookahead[:0] // the last box counts
	count := int(b[0])
	b = b[1:]
	for range count {
		span, rest, err := readSpan(version, b)
		if err != nil {
			return err
		}
		t.Lookahead, b = append(t.Lookahead, span), rest
	}
	return nil
}

func readSpan(version uint8, b []byte) (s Span, rest []byte, err error) {
	size := 4
	if version > 0 {
		size = 8
	}
	if len(b) < 2*size {
		return s, nil, errTruncated
	}
	if s.Time, err = readTime(version, b); err != nil {
		return s, nil, err
	}
	if s.Duration, err = readTime(version, b[size:]); err == nil && s.Duration < 0 {
		err = errors.New("negative duration")
	}
	return s, b[2*size:], err
}

const (
	sizeTfxd = 8 + 16 + 4 + 16
	sizeTfrf = 8 + 16 + 4 + 1 // and 16 for each fragment
)

// maxLookahead is how many fragments a tfrf can name.
const maxLookahead = 255

// smoothSize is how many bytes appendSmooth adds.
func (m *Moof) smoothSize() (n int) {
	if m.HasTfxd {
		n += sizeTfxd
	}
	if k := len(m.Lookahead); k > 0 {
		n += sizeTfrf + 16*min(k, maxLookahead)
	}
	return n
}

// appendSmooth appends tfxd and tfrf as all implementations have them: times of 64 bits, a count of one byte.
//
// Source: [MS-SSTR] 2.2.4.4 (tfxd) and 2.2.4.5 (tfrf).
func (m *Moof) appendSmooth(dst []byte) []byte {
	be := binary.BigEndian
	head := func(size int, id [16]byte) {
		dst = be.AppendUint32(be.AppendUint32(dst, uint32(size)), boxUUID)
		dst = be.AppendUint32(append(dst, id[:]...), 1<<24)
	}
	span := func(s Span) { dst = be.AppendUint64(be.AppendUint64(dst, uint64(s.Time)), uint64(s.Duration)) }
	if m.HasTfxd {
		head(sizeTfxd, uuidTfxd)
		span(m.Tfxd)
	}
	if n := min(len(m.Lookahead), maxLookahead); n > 0 {
		head(sizeTfrf+16*n, uuidTfrf)
		dst = append(dst, byte(n))
		for _, s := range m.Lookahead[:n] {
			span(s)
		}
	}
	return dst
}
