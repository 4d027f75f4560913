package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// NAL unit types of HEVC that a configuration holds. Source: ISO/IEC 23008-2, table 7-1.
const (
	hevcVPS       = 32
	hevcSPS       = 33
	hevcPPS       = 34
	hevcPrefixSEI = 39
	hevcSuffixSEI = 40
)

// hevcConfig is what an hvcC box says.
type hevcConfig struct {
	head    []byte // the fixed part: profile, tier, level and so on
	nalSize int
	sps     []byte
	record  []byte // as published: without what an encoder says of itself
}

// parseHvcC reads an HEVC decoder configuration record. SEI messages that an encoder puts there to name itself and its
// settings (x265 does) are left out of the published record.
//
// Source: ISO/IEC 14496-15, 8.3.3.1.
func parseHvcC(b []byte) (c hevcConfig, err error) {
	if len(b) < 23 {
		return c, errTruncated
	}
	if b[0] != 1 {
		return c, fmt.Errorf("version %d", b[0])
	}
	c.head, c.nalSize = b[:22], int(b[21]&3)+1
	if c.nalSize == 3 {
		return c, errors.New("NAL unit lengths of 3 bytes")
	}
	arrays, out := b[22], append([]byte(nil), b[:23]...)
	kept, total := 0, 0
	rest := b[23:]
	for range arrays {
		if len(rest) < 3 {
			return c, errTruncated
		}
		kind, count := rest[0]&0x3f, int(binary.BigEndian.Uint16(rest[1:]))
		if total += count; total > maxParameterSets {
			return c, fmt.Errorf("more than %d parameter sets", maxParameterSets)
		}
		at, n := len(out), 0
		out = append(out, rest[0], 0, 0)
		rest = rest[3:]
		for range count {
			nal, tail, err := lengthPrefixed(rest)
			if err != nil {
				return c, err
			}
			rest = tail
			if len(nal) < 2 || nal[0]>>7 != 0 || nal[0]>>1&0x3f != kind {
				return c, fmt.Errorf("NAL unit header %#02x in an array of type %d", nal[0], kind)
			}
			if kind == hevcSPS && c.sps == nil {
				c.sps = nal
			}
			if keepHevc(kind, nal) {
				out = binary.BigEndian.AppendUint16(out, uint16(len(nal)))
				out = append(out, nal...)
				n++
			}
		}
		if n == 0 {
			out = out[:at]
			continue
		}
		binary.BigEndian.PutUint16(out[at+1:], uint16(n))
		kept++
	}
	out[22] = byte(kept)
	c.record = out
	return c, nil
}

// keepHevc tells NAL units that belong to the decoder's configuration: parameter sets, and SEI of other payload types
// than user data (4 and 5), for example mastering display.
func keepHevc(kind uint8, nal []byte) bool {
	switch kind {
	case hevcVPS, hevcSPS, hevcPPS:
		return true
	case hevcPrefixSEI, hevcSuffixSEI:
		return len(nal) > 2 && nal[2] != 4 && nal[2] != 5
	}
	return false
}

// codec is the RFC 6381 string. Source: ISO/IEC 14496-15, E.3.
func (c *hevcConfig) codec(entry string) string {
	h := c.head
	var s strings.Builder
	s.WriteString(entry)
	s.WriteByte('.')
	if space := h[1] >> 6; space > 0 {
		s.WriteByte('A' + space - 1)
	}
	s.WriteString(strconv.Itoa(int(h[1] & 31)))
	s.WriteByte('.')
	fmt.Fprintf(&s, "%X", bits.Reverse32(binary.BigEndian.Uint32(h[2:])))
	tier := ".L"
	if h[1]&0x20 != 0 {
		tier = ".H"
	}
	s.WriteString(tier)
	s.WriteString(strconv.Itoa(int(h[12])))
	last := 11
	for last >= 6 && h[last] == 0 {
		last--
	}
	for i := 6; i <= last; i++ {
		fmt.Fprintf(&s, ".%X", h[i])
	}
	return s.String()
}
