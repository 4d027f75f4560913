package sample

import (
	"encoding/binary"
	"encoding/hex"
	"strings"

	"weir/media"
)

// header is the init segment of a track in so far as it says how to decode it: parameter sets that follow from codec and
// width, an AudioSpecificConfig for 48 kHz and the track's channels. No decoder would like it.
func header(m *media.Track) []byte {
	var entry []byte
	switch m.SampleEntry {
	case "avc1":
		_, digits, _ := strings.Cut(m.Codec, ".")
		profile, err := hex.DecodeString(digits)
		if err != nil || len(profile) != 3 {
			return nil
		}
		sps := append(append([]byte{0x67}, profile...), byte(m.Width>>8), byte(m.Width))
		avcC := append(append([]byte{1}, profile...), 0xff, 0xe1, 0, byte(len(sps)))
		avcC = append(append(avcC, sps...), 1, 0, 2, 0x68, 0xeb)
		entry = box("avc1", make([]byte, 78), box("avcC", avcC))
	case "hvc1", "hev1":
		hvcC := append(make([]byte, 22), 3)
		hvcC[0], hvcC[21] = 1, 3
		for _, nal := range [][]byte{{0x40, 1, 0xc}, {0x42, 1, byte(m.Width >> 8), byte(m.Width)}, {0x44, 1, 0xc1}} {
			hvcC = append(append(hvcC, nal[0]>>1, 0, 1, 0, byte(len(nal))), nal...)
		}
		entry = box(m.SampleEntry, make([]byte, 78), box("hvcC", hvcC))
	case "mp4a":
		asc := []byte{0x11, 0x80 | byte(m.Channels)<<3}
		if m.Codec == "mp4a.40.5" {
			asc = []byte{0x2b, 0x11, 0x88, 0}
		}
		info := append([]byte{5, byte(len(asc))}, asc...)
		decoder := append(append([]byte{4, byte(13 + len(info)), 0x40, 0x15}, make([]byte, 11)...), info...)
		esds := append([]byte{0, 0, 0, 0, 3, byte(3 + len(decoder) + 3), 0, 0, 0}, decoder...)
		entry = box("mp4a", make([]byte, 28), box("esds", esds, []byte{6, 1, 2}))
	default:
		return nil
	}
	b := box("stsd", []byte{0, 0, 0, 0, 0, 0, 0, 1}, entry)
	for _, kind := range []string{"stbl", "minf", "mdia", "trak", "moov"} {
		b = box(kind, b)
	}
	return b
}

func box(kind string, parts ...[]byte) []byte {
	b := append(make([]byte, 4), kind...)
	for _, p := range parts {
		b = append(b, p...)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}
