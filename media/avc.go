package media

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// avcConfig is what an avcC box says.
type avcConfig struct {
	profile, compat, level uint8
	nalSize                int
	sps                    []byte // the first one; nil where parameter sets travel in the samples
	size                   int    // bytes of the record
}

// parseAvcC reads an AVC decoder configuration record. Source: ISO/IEC 14496-15, 5.3.3.1.
func parseAvcC(b []byte) (c avcConfig, err error) {
	if len(b) < 7 {
		return c, errTruncated
	}
	if b[0] != 1 {
		return c, fmt.Errorf("version %d", b[0])
	}
	c.profile, c.compat, c.level, c.nalSize = b[1], b[2], b[3], int(b[4]&3)+1
	if c.nalSize == 3 {
		return c, errors.New("NAL unit lengths of 3 bytes")
	}
	rest := b[6:]
	for range b[5] & 31 {
		nal, tail, err := lengthPrefixed(rest)
		if err != nil {
			return c, err
		}
		if nal[0]&0x9f != 7 {
			return c, fmt.Errorf("NAL unit header %#02x where an SPS is due", nal[0])
		}
		if c.sps == nil {
			c.sps = nal
		}
		rest = tail
	}
	if len(rest) < 1 {
		return c, errTruncated
	}
	count := rest[0]
	if count > maxParameterSets {
		return c, fmt.Errorf("%d PPS", count)
	}
	rest = rest[1:]
	for range count {
		nal, tail, err := lengthPrefixed(rest)
		if err != nil {
			return c, err
		}
		if nal[0]&0x9f != 8 {
			return c, fmt.Errorf("NAL unit header %#02x where a PPS is due", nal[0])
		}
		rest = tail
	}
	c.size = len(b) - len(rest)
	// High profiles have four bytes more, which some encoders leave out: chroma format, bit depths, SPS extensions.
	switch c.profile {
	case 66, 77, 88:
	default:
		if len(rest) >= 4 && rest[0]&0xfc == 0xfc && rest[1]&0xf8 == 0xf8 && rest[2]&0xf8 == 0xf8 && rest[3] == 0 {
			c.size += 4
		}
	}
	return c, nil
}

// lengthPrefixed splits off a NAL unit with a 16-bit length before it; it is never empty.
func lengthPrefixed(b []byte) (nal, rest []byte, err error) {
	if len(b) < 2 {
		return nil, nil, errTruncated
	}
	n := int(binary.BigEndian.Uint16(b))
	if n == 0 || n > maxParameterSet {
		return nil, nil, fmt.Errorf("parameter set of %d bytes", n)
	}
	if len(b) < 2+n {
		return nil, nil, errTruncated
	}
	return b[2 : 2+n], b[2+n:], nil
}

// parseAvcSPS reads a sequence parameter set. Source: ISO/IEC 14496-10, 7.3.2.1.1 and E.1.1.
func parseAvcSPS(nal []byte) (p picture, err error) {
	if len(nal) < 5 || nal[0]&0x9f != 7 {
		return p, errors.New("not an SPS")
	}
	r := &bitReader{b: unescape(nal[1:])}
	profile := r.u(8)
	r.skip(16)
	r.upTo(31) // seq_parameter_set_id
	chroma := uint32(1)
	planes := false
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		if chroma = r.upTo(3); chroma == 3 {
			planes = r.flag()
		}
		r.upTo(6) // bit depths
		r.upTo(6)
		r.skip(1)
		if r.flag() {
			skipScaling(r, chroma)
		}
	}
	r.upTo(12) // log2_max_frame_num_minus4
	switch r.upTo(2) {
	case 0:
		r.upTo(12)
	case 1:
		r.skip(1)
		r.ue()
		r.ue()
		for range r.upTo(255) {
			r.ue()
		}
	}
	r.upTo(16) // max_num_ref_frames
	r.skip(1)
	width := (int64(r.upTo(maxPixels)) + 1) * 16
	height := (int64(r.upTo(maxPixels)) + 1) * 16
	unitX, unitY := int64(1), int64(1)
	if !planes && (chroma == 1 || chroma == 2) {
		unitX = 2
	}
	if !planes && chroma == 1 {
		unitY = 2
	}
	if frames := r.flag(); !frames {
		height *= 2
		unitY *= 2
		r.skip(1)
	}
	r.skip(1)
	var left, right, top, bottom int64
	if r.flag() {
		left, right = int64(r.upTo(maxPixels))*unitX, int64(r.upTo(maxPixels))*unitX
		top, bottom = int64(r.upTo(maxPixels))*unitY, int64(r.upTo(maxPixels))*unitY
	}
	vui := r.flag()
	if r.bad {
		return p, errors.New("SPS cut short or out of range")
	}
	if err := p.crop(width, height, left, right, top, bottom); err != nil {
		return p, err
	}
	if vui {
		p.readAvcVUI(r)
	}
	return p, nil
}

func skipScaling(r *bitReader, chroma uint32) {
	lists := 8
	if chroma == 3 {
		lists = 12
	}
	for i := range lists {
		if !r.flag() {
			continue
		}
		size, last, next := 16, int32(8), int32(8)
		if i >= 6 {
			size = 64
		}
		for range size {
			if next != 0 {
				next = (last + r.se()%256 + 256) & 255
			}
			if next != 0 {
				last = next
			}
		}
	}
}

// readAvcVUI reads the pixel aspect and the frame rate. A VUI that is cut short says nothing of what is missing.
func (p *picture) readAvcVUI(r *bitReader) {
	if r.flag() {
		if a := readAspect(r); !r.bad {
			p.aspect = a
		}
	}
	skipVideoSignal(r)
	if !r.flag() {
		return
	}
	units, scale := r.u(32), r.u(32)
	if !r.bad {
		p.rate = frameRate(uint64(scale), 2*uint64(units))
	}
}

// skipVideoSignal passes over overscan, video signal type and chroma location, which both codecs write alike.
func skipVideoSignal(r *bitReader) {
	if r.flag() {
		r.skip(1)
	}
	if r.flag() {
		r.skip(4)
		if r.flag() {
			r.skip(24)
		}
	}
	if r.flag() {
		r.upTo(5)
		r.upTo(5)
	}
}
