package push

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"fmt"

	"weir/media"
)

// Format is what is spoken over the connections.
type Format uint8

// The formats.
const (
	CMAF   Format = iota
	Smooth        // fragmented MP4 as Smooth Streaming encoders send it
)

// smoothScale is what Smooth encoders count time in.
const smoothScale = 10_000_000

// smoothUUID and tfxdUUID are the types of the Live Server Manifest box and of the box that holds a fragment's time.
var (
	smoothUUID = [16]byte{0xa5, 0xd4, 0x0b, 0x30, 0xe8, 0x14, 0x11, 0xdd, 0xba, 0x2f, 0x08, 0x00, 0x20, 0x0c, 0x9a, 0x66}
	tfxdUUID   = [16]byte{0x6d, 0x1d, 0x9b, 0x05, 0x42, 0xd5, 0x44, 0xe6, 0x80, 0xe2, 0x14, 0x1d, 0xaf, 0xf7, 0x57, 0xb2}
)

// smoothHeader returns what a Smooth encoder sends first in every request: ftyp, Live Server Manifest, moov.
func (t *Track) smoothHeader() ([]byte, error) {
	ftyp := appendBox(nil, 24, "ftyp")
	ftyp = append(ftyp, "isml\x00\x00\x02\x00ismlpiff"...)
	manifest, err := t.smoothManifest()
	if err != nil {
		return nil, fmt.Errorf("track %q: manifest: %w", t.Name, err)
	}
	b := appendBox(ftyp, 8+16+4+len(manifest), "uuid")
	b = append(b, smoothUUID[:]...)
	b = append(appendUint32s(b, 0), manifest...)
	moov, err := t.moov(smoothScale)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := moov.Encode(&out); err != nil {
		return nil, fmt.Errorf("track %q: moov: %w", t.Name, err)
	}
	return append(b, out.Bytes()...), nil
}

// smoothManifest is the SMIL that describes the track. trackName is the same for all qualities; the bitrate tells them
// apart.
func (t *Track) smoothManifest() ([]byte, error) {
	type param struct {
		Name      string `xml:"name,attr"`
		Value     string `xml:"value,attr"`
		ValueType string `xml:"valuetype,attr"`
	}
	type stream struct {
		Bitrate int     `xml:"systemBitrate,attr"`
		Params  []param `xml:"param"`
	}
	var smil struct {
		XMLName struct{} `xml:"http://www.w3.org/2001/SMIL20/Language smil"`
		Creator param    `xml:"head>meta"`
		Video   *stream  `xml:"body>switch>video"`
		Audio   *stream  `xml:"body>switch>audio"`
	}
	smil.Creator = param{Name: "creator", Value: "weir-push"}
	fourCC := map[string]string{"avc1": "H264", "hvc1": "HEVC", "hev1": "HEVC", "mp4a": "AACL"}[string(t.entry[4:8])]
	s := &stream{Bitrate: t.Bitrate}
	for _, p := range [][2]string{
		{"trackID", "1"},
		{"trackName", t.Kind.String() + "_" + t.Language},
		{"systemLanguage", t.Language},
		{"FourCC", fourCC},
		{"timescale", fmt.Sprint(smoothScale)},
	} {
		s.Params = append(s.Params, param{p[0], p[1], "data"})
	}
	if t.Kind == media.Video {
		smil.Video = s
	} else {
		smil.Audio = s
	}
	text, err := xml.Marshal(&smil)
	return append([]byte(xml.Header), text...), err
}

// appendSmoothHead appends what comes before a fragment's payload: a moof as Smooth encoders write it, without tfdt and
// with tfxd behind trun, and the header of the mdat. at is the decode time in ticks of the track; on the wire times are of
// 10 MHz, each the nearest to the sample's own, so that durations dither where the cadence does not divide.
//
// Source: [MS-SSTR] 2.2.4; what ffmpeg's ismv muxer writes.
func appendSmoothHead(b []byte, sequence uint32, at int64, samples []sample, timescale uint32) []byte {
	trun := 20 + 16*len(samples)
	traf := 8 + 20 + trun + 44
	moof := 8 + 16 + traf
	b = appendBox(b, moof, "moof")
	b = appendBox(b, 16, "mfhd")
	b = appendUint32s(b, 0, sequence)
	b = appendBox(b, traf, "traf")
	b = appendBox(b, 20, "tfhd")
	b = appendUint32s(b, 0x20, 1, flagsNonSync) // default-sample-flags, track_ID
	b = appendBox(b, trun, "trun")
	b = appendUint32s(b, 1<<24|0x000f01, uint32(len(samples)), uint32(moof+8)) // offset, duration, size, flags, signed cto
	start := toSmooth(at, timescale)
	end, payload := start, 8
	for _, s := range samples {
		flags := uint32(flagsNonSync)
		if s.sync {
			flags = flagsSync
		}
		at += int64(s.duration)
		next := toSmooth(at, timescale)
		b = appendUint32s(b, uint32(next-end), s.size, flags, uint32(toSmooth(int64(s.cto), timescale)))
		end = next
		payload += int(s.size)
	}
	b = appendBox(b, 44, "uuid")
	b = append(b, tfxdUUID[:]...)
	b = appendUint32s(b, 1<<24)
	b = binary.BigEndian.AppendUint64(b, uint64(start))
	b = binary.BigEndian.AppendUint64(b, uint64(end-start))
	return appendBox(b, payload, "mdat")
}

// toSmooth converts ticks to 10 MHz, to the nearest.
func toSmooth(ticks int64, timescale uint32) int64 {
	if ticks < 0 {
		return -toSmooth(-ticks, timescale)
	}
	quotient, rest := scale(ticks, smoothScale, int64(timescale))
	if 2*rest >= int64(timescale) {
		quotient++
	}
	return quotient
}
