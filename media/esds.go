package media

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// esdsConfig is what an esds box says.
type esdsConfig struct {
	object  uint8 // object type indication: 0x40 is MPEG-4 audio
	bitrate int   // average, bits per second; 0 when not said
	asc     []byte
}

// Descriptor tags. Source: ISO/IEC 14496-1, 7.2.2.1.
const (
	tagES      = 3
	tagDecoder = 4
	tagInfo    = 5
	tagSL      = 6
)

// parseEsds reads an elementary stream descriptor. Source: ISO/IEC 14496-14, 5.6; 14496-1, 7.2.6.5 and 7.2.6.6.
func parseEsds(b []byte) (c esdsConfig, err error) {
	_, _, b, err = fullBox(b)
	if err != nil {
		return c, err
	}
	es, _, err := descriptor(b, tagES)
	if err != nil {
		return c, err
	}
	if len(es) < 3 {
		return c, errTruncated
	}
	flags, es := es[2], es[3:]
	skip := 0
	if flags&0x80 != 0 { // depends on another stream
		skip += 2
	}
	if flags&0x40 != 0 { // URL
		if len(es) < skip+1 {
			return c, errTruncated
		}
		skip += 1 + int(es[skip])
	}
	if flags&0x20 != 0 { // OCR stream
		skip += 2
	}
	if len(es) < skip {
		return c, errTruncated
	}
	dec, _, err := descriptor(es[skip:], tagDecoder)
	if err != nil {
		return c, err
	}
	if len(dec) < 13 {
		return c, errTruncated
	}
	c.object = dec[0]
	c.bitrate = nominal(binary.BigEndian.Uint32(dec[9:]), binary.BigEndian.Uint32(dec[5:]))
	if len(dec) == 13 {
		return c, nil
	}
	c.asc, _, err = descriptor(dec[13:], tagInfo)
	if len(c.asc) > maxParameterSet {
		return c, fmt.Errorf("AudioSpecificConfig of %d bytes", len(c.asc))
	}
	return c, err
}

// descriptor splits off one descriptor, which must be of that tag. Its size has one to four bytes of seven bits.
func descriptor(b []byte, tag byte) (body, rest []byte, err error) {
	if len(b) < 2 {
		return nil, nil, errTruncated
	}
	if b[0] != tag {
		return nil, nil, fmt.Errorf("descriptor %d where %d is due", b[0], tag)
	}
	size, b := 0, b[1:]
	for i := 0; ; i++ {
		if len(b) == 0 {
			return nil, nil, errTruncated
		}
		if i == 4 {
			return nil, nil, errors.New("descriptor size of more than four bytes")
		}
		c := b[0]
		b = b[1:]
		size = size<<7 | int(c&0x7f)
		if c&0x80 == 0 {
			break
		}
	}
	if size > len(b) {
		return nil, nil, errTruncated
	}
	return b[:size], b[size:], nil
}

// appendEsds writes the box anew from what matters to a decoder: no bitrates, no buffer sizes, sizes in four bytes.
func appendEsds(dst []byte, object uint8, asc []byte) []byte {
	info := 0
	if len(asc) > 0 {
		info = 5 + len(asc)
	}
	dec := 13 + info
	w := writer{dst}
	box := w.open("esds")
	w.u32(0)
	w.descriptor(tagES, 3+5+dec+6)
	w.u16(0)
	w.u8(0)
	w.descriptor(tagDecoder, dec)
	w.u8(object)
	w.u8(0x15) // audio stream, reserved bit
	w.zero(3 + 4 + 4)
	if info > 0 {
		w.descriptor(tagInfo, len(asc))
		w.bytes(asc)
	}
	w.descriptor(tagSL, 1)
	w.u8(2)
	w.close(box)
	return w.b
}
