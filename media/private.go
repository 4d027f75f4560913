package media

import "encoding/binary"

// AppendPrivateData appends the track's decoder configuration in the form of protocols that have no init segment: the
// parameter sets of H.264 (SPS, PPS) and HEVC (VPS, SPS, PPS), each behind a start code, or the AudioSpecificConfig of
// AAC, byte for byte. Whoever lacks the init segment can make one of it. It allocates only where dst is too small.
//
// It returns false, and dst as it was, for other codecs, and where parameter sets travel in the samples alone.
//
// Source: [MS-SSTR] 2.2.2.5 (CodecPrivateData).
func (t *Track) AppendPrivateData(dst []byte) ([]byte, bool) {
	entry, name := t.sampleEntry()
	was := len(dst)
	switch string(name[:]) {
	case "avc1", "avc3":
		dst = appendAvcSets(dst, find(entry, skipVisual, "avcC"))
	case "hvc1", "hev1":
		dst = appendHevcSets(dst, find(entry, skipVisual, "hvcC"))
	case "mp4a":
		if c, err := parseEsds(find(entry, skipSound, "esds")); err == nil {
			dst = append(dst, c.asc...)
		}
	}
	return dst, len(dst) > was
}

// NALUnitLength is how many bytes stand before each NAL unit in the track's samples; 0 for what has no NAL units.
func (t *Track) NALUnitLength() int {
	entry, name := t.sampleEntry()
	at, config := 0, []byte(nil)
	switch string(name[:]) {
	case "avc1", "avc3":
		at, config = 4, find(entry, skipVisual, "avcC")
	case "hvc1", "hev1":
		at, config = 21, find(entry, skipVisual, "hvcC")
	}
	if len(config) <= at {
		return 0
	}
	return int(config[at]&3) + 1
}

// Bytes of a sample entry before its child boxes. Source: ISO/IEC 14496-12, 12.1.3 and 12.2.3.
const (
	skipVisual = 8 + 70
	skipSound  = 8 + 20
)

// sampleEntry is the payload of the one sample entry in the init segment, and its name; nothing where there is no init
// segment of weir's.
func (t *Track) sampleEntry() (payload []byte, name [4]byte) {
	stsd := t.Init
	for _, kind := range [...]string{"moov", "trak", "mdia", "minf", "stbl", "stsd"} {
		stsd = find(stsd, 0, kind)
	}
	if len(stsd) < 8 {
		return nil, name
	}
	w := boxes{b: stsd[8:]}
	if !w.next() {
		return nil, name
	}
	return w.body, [4]byte(w.all[4:])
}

// find is the payload of the first box of that name among those that follow skip bytes; nil where there is none.
func find(b []byte, skip int, name string) []byte {
	if len(b) < skip {
		return nil
	}
	w := boxes{b: b[skip:]}
	for w.next() {
		if string(w.all[4:8]) == name {
			return w.body
		}
	}
	return nil
}

// appendAvcSets appends the parameter sets of an avcC: SPS, then PPS.
func appendAvcSets(dst, b []byte) []byte {
	if len(b) < 6 {
		return dst
	}
	dst, b = appendSets(dst, b[6:], int(b[5]&31))
	if len(b) > 0 {
		dst, _ = appendSets(dst, b[1:], int(b[0]))
	}
	return dst
}

// appendHevcSets appends the parameter sets of an hvcC: VPS, SPS, then PPS.
func appendHevcSets(dst, b []byte) []byte {
	if len(b) < 23 {
		return dst
	}
	for _, want := range [...]byte{hevcVPS, hevcSPS, hevcPPS} {
		rest := b[23:]
		for range b[22] {
			if len(rest) < 3 {
				break
			}
			kind, count := rest[0]&0x3f, int(binary.BigEndian.Uint16(rest[1:]))
			with, tail := appendSets(dst, rest[3:], count)
			if rest = tail; kind == want {
				dst = with
			}
		}
	}
	return dst
}

// appendSets appends count NAL units, each behind a start code, and returns what follows them.
func appendSets(dst, b []byte, count int) (with, rest []byte) {
	for range count {
		nal, tail, err := lengthPrefixed(b)
		if err != nil {
			return dst, nil
		}
		dst, b = append(append(dst, 0, 0, 0, 1), nal...), tail
	}
	return dst, b
}
