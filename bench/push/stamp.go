package push

import (
	"bytes"
	"encoding/binary"

	"weir/media"
)

// takesStamps tells whether the time of sending can be put into the track's samples: H.264 with NAL unit lengths of four
// bytes.
func (t *Track) takesStamps() bool {
	if t.Kind != media.Video || len(t.entry) < 8 || string(t.entry[4:8]) != "avc1" {
		return false
	}
	i := bytes.Index(t.entry, []byte("avcC"))
	return i >= 0 && i+8 < len(t.entry) && t.entry[i+8]&3 == 3 // lengthSizeMinusOne
}

// stampAt is where in the track's data a stamp goes: before the sample, but behind its access unit delimiter, which must
// come first.
func (t *Track) stampAt(s sample) int {
	b := t.data[s.offset : s.offset+int(s.size)]
	if len(b) >= 5 && b[4]&31 == 9 {
		if n := 4 + int(binary.BigEndian.Uint32(b)); n <= len(b) {
			return s.offset + n
		}
	}
	return s.offset
}
