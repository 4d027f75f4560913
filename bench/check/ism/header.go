package ism

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Header is the init segment that a level's CodecPrivateData stands for: what a player makes of it before it feeds a
// decoder. It is nil, without an error, for codecs that need none or are not known here.
//
// Source: [MS-SSTR] 2.2.2.5; ISO/IEC 14496-15, 5.3.3 and 8.3.3; ISO/IEC 14496-14, 5.6.
func (s *Stream) Header(l *Level) ([]byte, error) {
	var entry []byte
	handler := "vide"
	switch strings.ToUpper(l.FourCC) {
	case "H264", "AVC1", "X264", "DAVC":
		record, err := avcRecord(l.Private, l.NALULength)
		if err != nil {
			return nil, err
		}
		entry = visual("avc1", box("avcC", record), l)
	case "HVC1", "HEV1":
		record, err := hevcRecord(l.Private, l.NALULength)
		if err != nil {
			return nil, err
		}
		entry = visual(strings.ToLower(l.FourCC), box("hvcC", record), l)
	case "AACL", "AACH", "AACP":
		if len(l.Private) < 2 {
			return nil, fmt.Errorf("%d bytes: no AudioSpecificConfig", len(l.Private))
		}
		handler = "soun"
		entry = sound(l)
	case "TTML", "DFXP":
		handler = "subt"
		entry = box("stpp", make([]byte, 6), []byte{0, 1}, []byte("http://www.w3.org/ns/ttml\x00\x00\x00"))
	default:
		return nil, nil
	}
	return movie(handler, entry, s), nil
}

// units cuts Annex B into NAL units.
func units(b []byte) (list [][]byte, err error) {
	start := []byte{0, 0, 0, 1}
	rest, ok := bytes.CutPrefix(b, start)
	if !ok {
		return nil, errors.New("it does not start with 00000001")
	}
	for len(list) < 64 {
		nal, after, more := bytes.Cut(rest, start)
		if len(nal) < 4 {
			return nil, errors.New("a NAL unit of less than 4 bytes")
		}
		list = append(list, nal)
		if !more {
			return list, nil
		}
		rest = after
	}
	return nil, errors.New("too many NAL units")
}

func avcRecord(private []byte, length int) ([]byte, error) {
	list, err := units(private)
	if err != nil {
		return nil, err
	}
	var sets [2][]byte
	var counts [2]byte
	var first []byte
	for _, nal := range list {
		i := 0
		switch nal[0] & 0x1f {
		case 7:
			if first == nil {
				first = nal
			}
		case 8:
			i = 1
		default:
			continue
		}
		sets[i] = append(binary.BigEndian.AppendUint16(sets[i], uint16(len(nal))), nal...)
		counts[i]++
	}
	if counts[0] == 0 || counts[1] == 0 {
		return nil, fmt.Errorf("%d SPS and %d PPS: one of each at least", counts[0], counts[1])
	}
	out := []byte{1, first[1], first[2], first[3], 0xfc | byte(length-1)&3, 0xe0 | counts[0]}
	out = append(out, sets[0]...)
	return append(append(out, counts[1]), sets[1]...), nil
}

func hevcRecord(private []byte, length int) ([]byte, error) {
	list, err := units(private)
	if err != nil {
		return nil, err
	}
	var arrays []byte
	var count byte
	var profile []byte
	for _, kind := range []byte{32, 33, 34} {
		var sets []byte
		var n uint16
		for _, nal := range list {
			if nal[0]>>1&0x3f != kind {
				continue
			}
			sets = append(binary.BigEndian.AppendUint16(sets, uint16(len(nal))), nal...)
			n++
			if kind == 33 && profile == nil {
				if plain := bytes.ReplaceAll(nal, []byte{0, 0, 3}, []byte{0, 0}); len(plain) >= 15 {
					profile = plain[3:15]
				}
			}
		}
		if n == 0 {
			return nil, fmt.Errorf("no NAL unit of type %d: VPS, SPS and PPS are due", kind)
		}
		arrays = append(binary.BigEndian.AppendUint16(append(arrays, 0x80|kind), n), sets...)
		count++
	}
	if profile == nil {
		return nil, errors.New("an SPS that is too short")
	}
	out := append([]byte{1}, profile...)
	out = append(out, 0xf0, 0, 0xfc, 0xfd, 0xf8, 0xf8, 0, 0, 0x0c|byte(length-1)&3, count)
	return append(out, arrays...), nil
}

func box(name string, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	out := binary.BigEndian.AppendUint32(make([]byte, 0, 8+len(body)), uint32(8+len(body)))
	return append(append(out, name...), body...)
}

func full(name string, flags uint32, parts ...[]byte) []byte {
	return box(name, binary.BigEndian.AppendUint32(nil, flags), bytes.Join(parts, nil))
}

func u16(v int) []byte   { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
func u32(v int64) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }
func zero(n int) []byte  { return make([]byte, n) }

func visual(name string, config []byte, l *Level) []byte {
	return box(name, zero(6), u16(1), zero(16), u16(l.Width), u16(l.Height), u32(0x480000), u32(0x480000), zero(4), u16(1), zero(32), u16(24), u16(0xffff), config)
}

// sound wraps the AudioSpecificConfig into an esds.
func sound(l *Level) []byte {
	asc := l.Private[:min(len(l.Private), 64)]
	specific := append([]byte{5, byte(len(asc))}, asc...)
	decoder := append([]byte{4, byte(13 + len(specific)), 0x40, 0x15}, zero(11)...)
	decoder = append(decoder, specific...)
	es := append([]byte{3, byte(3 + len(decoder) + 3), 0, 0, 0}, decoder...)
	es = append(es, 6, 1, 2)
	return box("mp4a", zero(6), u16(1), zero(8), u16(l.Channels), u16(16), zero(4), u32(int64(l.Rate)<<16), full("esds", 0, es))
}

// movie is ftyp and moov around a sample entry.
func movie(handler string, entry []byte, s *Stream) []byte {
	language := 0x55c4 // und
	if len(s.Language) == 3 {
		language = 0
		for _, c := range []byte(strings.ToLower(s.Language)) {
			language = language<<5 | int(c&31)
		}
	}
	stbl := box("stbl", full("stsd", 0, u32(1), entry), full("stts", 0, u32(0)), full("stsc", 0, u32(0)), full("stsz", 0, zero(8)), full("stco", 0, u32(0)))
	mdia := box("mdia",
		full("mdhd", 0, zero(8), u32(s.TimeScale), zero(4), u16(language), zero(2)),
		full("hdlr", 0, zero(4), []byte(handler), zero(13)), box("minf", stbl))
	tkhd := full("tkhd", 7, zero(8), u32(1), zero(68))
	mvhd := full("mvhd", 0, zero(8), u32(s.TimeScale), zero(84))
	trex := full("trex", 0, u32(1), u32(1), zero(12))
	ftyp := box("ftyp", []byte("iso6\x00\x00\x00\x00iso6cmfc"))
	return append(ftyp, box("moov", mvhd, box("trak", tkhd, mdia), box("mvex", trex))...)
}
