package media

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// maxFrameAAC is more than any AAC frame can have: 6144 bits for each of its channels, of which headers allow 8 in full.
const maxFrameAAC = 8 << 10

// CheckSample tells whether a sample can be what the track's header says: NAL units that fill the sample, an AAC frame
// of a possible size. Zeros behind the last NAL unit do no harm. What the header does not tell is not checked.
//
// It reads a few bytes of each NAL unit, and allocates only for an error.
//
// Source: ISO/IEC 14496-15, 5.3.2; ISO/IEC 14496-3, 4.5.1.1 (the bit reservoir's bound).
func (in *Input) CheckSample(sample []byte) error {
	switch {
	case in.nal != nalNone:
		return in.checkUnits(sample)
	case strings.HasPrefix(in.Codec, "mp4a.40."):
		if len(sample) == 0 || len(sample) > maxFrameAAC {
			return fmt.Errorf("AAC frame of %d bytes", len(sample))
		}
	}
	return nil
}

func (in *Input) checkUnits(sample []byte) error {
	rest := sample
	for len(rest) > in.nalSize {
		size := 0
		for _, c := range rest[:in.nalSize] {
			size = size<<8 | int(c)
		}
		rest = rest[in.nalSize:]
		if size > len(rest) {
			if startCode(sample) {
				return errors.New("start codes (Annex B) where the header promises lengths of NAL units")
			}
			return fmt.Errorf("NAL unit of %d bytes, but %d are there", size, len(rest))
		}
		rest = rest[size:]
	}
	for _, c := range rest {
		if c != 0 {
			return fmt.Errorf("%d bytes behind the last NAL unit", len(rest))
		}
	}
	return nil
}

func startCode(b []byte) bool {
	return bytes.HasPrefix(b, []byte{0, 0, 1}) || bytes.HasPrefix(b, []byte{0, 0, 0, 1})
}
