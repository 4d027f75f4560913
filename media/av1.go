package media

import "errors"

// av1Size reads the size of the pictures out of the sequence header in an AV1 configuration record.
//
// Source: AV1 Bitstream & Decoding Process Specification, 5.3.1, 5.3.2 and 5.5.1; AV1 in ISO BMFF, 2.3.3.
func av1Size(record []byte) (width, height int, err error) {
	if len(record) < 4 {
		return 0, 0, errTruncated
	}
	const sequenceHeader = 1
	for b := record[4:]; len(b) > 0; {
		kind, extended, sized := b[0]>>3&15, b[0]&4 != 0, b[0]&2 != 0
		b = b[1:]
		if extended {
			if len(b) == 0 {
				return 0, 0, errTruncated
			}
			b = b[1:]
		}
		size := len(b)
		if sized {
			if size, b, err = leb128(b); err != nil {
				return 0, 0, err
			}
		}
		if kind == sequenceHeader {
			return av1Sequence(b[:size])
		}
		b = b[size:]
	}
	return 0, 0, errors.New("no sequence header in the configuration")
}

// leb128 reads a length of at most what follows it.
func leb128(b []byte) (n int, rest []byte, err error) {
	for i := range 4 {
		if i == len(b) {
			break
		}
		n |= int(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			if rest = b[i+1:]; n > len(rest) {
				break
			}
			return n, rest, nil
		}
	}
	return 0, nil, errTruncated
}

func av1Sequence(b []byte) (width, height int, err error) {
	r := &bitReader{b: b}
	r.skip(3 + 1) // seq_profile, still_picture
	if reduced := r.flag(); reduced {
		r.skip(5)
	} else {
		skipOperatingPoints(r)
	}
	widthBits, heightBits := int(r.u(4))+1, int(r.u(4))+1
	width, height = int(r.u(widthBits))+1, int(r.u(heightBits))+1
	if r.bad || width > maxPixels || height > maxPixels {
		return 0, 0, errors.New("sequence header cut short or out of range")
	}
	return width, height, nil
}

// skipOperatingPoints passes over timing_info, decoder_model_info and the operating points.
func skipOperatingPoints(r *bitReader) {
	delayBits := 0
	if r.flag() { // timing_info_present_flag
		r.skip(64)
		if r.flag() { // equal_picture_interval
			r.ue()
		}
		if r.flag() { // decoder_model_info_present_flag
			delayBits = int(r.u(5)) + 1
			r.skip(32 + 5 + 5)
		}
	}
	delays := r.flag() // initial_display_delay_present_flag
	for range r.u(5) + 1 {
		r.skip(12)
		if level := r.u(5); level > 7 {
			r.skip(1)
		}
		if delayBits > 0 && r.flag() {
			r.skip(2*delayBits + 1)
		}
		if delays && r.flag() {
			r.skip(4)
		}
	}
}
