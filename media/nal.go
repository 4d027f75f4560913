package media

// SyncSample looks at the NAL units of one sample and tells whether it is a sync sample: an IDR picture of H.264, an
// IRAP picture of HEVC. known is false where the samples of this track do not say (other codecs), where the sample is
// not cut as the header says, and for an H.264 picture with a recovery point (open GOP): believe the flags then.
//
// It reads a few bytes of each NAL unit up to the first picture data, and allocates nothing.
//
// Source: ISO/IEC 14496-15, 5.3.2 and 8.3.2; ISO/IEC 14496-10, table 7-1; ISO/IEC 23008-2, table 7-1.
func (in *Input) SyncSample(sample []byte) (sync, known bool) {
	if in.nal == nalNone {
		return false, false
	}
	recovery := false
	for len(sample) > in.nalSize {
		size := 0
		for _, c := range sample[:in.nalSize] {
			size = size<<8 | int(c)
		}
		sample = sample[in.nalSize:]
		if size > len(sample) {
			return false, false
		}
		if size == 0 {
			continue
		}
		nal := sample[:size]
		sample = sample[size:]
		if in.nal == nalHEVC {
			if kind := nal[0] >> 1 & 0x3f; kind < 32 { // picture data
				return kind >= 16 && kind <= 23, true
			}
			continue
		}
		switch nal[0] & 0x1f {
		case 5:
			return true, true
		case 1, 2, 3, 4:
			return false, !recovery
		case 6:
			recovery = recovery || recoveryPoint(nal)
		}
	}
	return false, false
}

// recoveryPoint finds a recovery point SEI message (payload type 6) that takes effect at its own picture.
//
// Source: ISO/IEC 14496-10, 7.3.2.3.1 and D.1.8.
func recoveryPoint(nal []byte) bool {
	b := nal[1:]
	for len(b) >= 3 { // type, size, at least one byte
		kind, size := 0, 0
		for _, to := range [...]*int{&kind, &size} {
			for len(b) > 0 && b[0] == 0xff {
				*to += 0xff
				b = b[1:]
			}
			if len(b) == 0 {
				return false
			}
			*to += int(b[0])
			b = b[1:]
		}
		if size > len(b) || size == 0 {
			return false
		}
		if kind == 6 {
			return b[0]&0x80 != 0 // recovery_frame_cnt = 0 is the single bit 1
		}
		b = b[size:]
	}
	return false
}
