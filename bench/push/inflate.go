package push

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"weir/media"
)

// minFiller is the least that one filler NAL unit of H.264 takes, with its length: 4 bytes length, header, trailing bits.
const minFiller = 6

// Inflate returns a loop of the first video track alone, cut to length (0: as long as it is) and padded to bits per
// second with filler data, which decoders skip: media of any bitrate out of a small file, for measurements. The track
// must be H.264 with NAL unit lengths of 4 bytes, and length must end at a sync sample.
//
// Source: ISO/IEC 14496-10, 7.3.2.7 (filler data).
func (ts *Tracks) Inflate(name string, bits int, length time.Duration) (*Tracks, error) {
	from := ts.master
	if from.Kind != media.Video || string(from.entry[4:8]) != "avc1" {
		return nil, fmt.Errorf("track %q: only H.264 can be padded", from.Name)
	}
	t := *from
	t.Name, t.Bitrate, t.data, t.samples = name, bits, nil, slices.Clone(from.samples)
	if length != 0 {
		t.ticks = toTicks(length, t.Timescale)
		i := slices.IndexFunc(t.samples, func(s sample) bool { return s.at >= t.ticks })
		if i <= 0 || t.samples[i].at != t.ticks || !t.samples[i].sync {
			return nil, fmt.Errorf("track %q: no sync sample at %v", from.Name, length)
		}
		t.samples = t.samples[:i]
	}
	total := scaleUp(t.ticks, int64(bits), 8*int64(t.Timescale))
	t.data = make([]byte, 0, total)
	for i := range t.samples {
		s := &t.samples[i]
		bytes := from.data[s.offset : s.offset+int(s.size)]
		s.offset = len(t.data)
		t.data = append(t.data, bytes...)
		// Up to its end, the loop should have its share of the bytes.
		due := scaleUp(s.at+int64(s.duration), int64(bits), 8*int64(t.Timescale))
		if spare := int(due) - len(t.data); spare >= minFiller {
			t.data = appendFiller(t.data, spare)
		}
		s.size = uint32(len(t.data) - s.offset)
	}
	return New(&t)
}

// appendFiller appends one filler data NAL unit of size bytes, its length included.
func appendFiller(b []byte, size int) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(size-4))
	b = append(b, 12) // nal_ref_idc 0, nal_unit_type 12
	for range size - minFiller {
		b = append(b, 0xff)
	}
	return append(b, 0x80) // rbsp_trailing_bits
}
