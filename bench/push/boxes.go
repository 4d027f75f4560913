package push

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/media"
)

// The flags of trun samples: a picture that depends on none, and one that depends on others.
const (
	flagsSync    = 0x02000000
	flagsNonSync = 0x01010000
)

// header returns the track's CMAF header: ftyp and moov.
func (t *Track) header() ([]byte, error) {
	moov, err := t.moov(t.Timescale)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, box := range []mp4.Box{mp4.NewFtyp("iso6", 0, []string{"iso6", "cmfc", "mp41"}), moov} {
		if err := box.Encode(&out); err != nil {
			return nil, fmt.Errorf("track %q: %s: %w", t.Name, box.Type(), err)
		}
	}
	return out.Bytes(), nil
}

// moov describes one track with ID 1, no edit list, no durations.
func (t *Track) moov(timescale uint32) (*mp4.MoovBox, error) {
	handler := map[media.Kind]string{media.Video: "video", media.Audio: "audio"}[t.Kind]
	moov := mp4.NewMoovBox()
	mvhd := mp4.CreateMvhd()
	mvhd.Timescale = 1000
	moov.AddChild(mvhd)
	trak := mp4.CreateEmptyTrak(1, timescale, handler, t.Language)
	trak.Tkhd.Width, trak.Tkhd.Height = mp4.Fixed32(t.width), mp4.Fixed32(t.height)
	entry, err := mp4.DecodeBox(0, bytes.NewReader(t.entry))
	if err != nil {
		return nil, fmt.Errorf("track %q: sample entry: %w", t.Name, err)
	}
	switch btrt := (mp4.BtrtBox{MaxBitrate: uint32(t.Bitrate), AvgBitrate: uint32(t.Bitrate)}); e := entry.(type) {
	case *mp4.VisualSampleEntryBox:
		if e.Btrt == nil {
			e.AddChild(&mp4.BtrtBox{})
		}
		*e.Btrt = btrt
	case *mp4.AudioSampleEntryBox:
		if e.Btrt == nil {
			e.AddChild(&mp4.BtrtBox{})
		}
		*e.Btrt = btrt
	}
	trak.Mdia.Minf.Stbl.Stsd.AddChild(entry)
	if t.Role != "" {
		udta := &mp4.UdtaBox{}
		udta.AddChild(&mp4.KindBox{SchemeURI: "urn:mpeg:dash:role:2011", Value: t.Role})
		trak.AddChild(udta)
	}
	moov.AddChild(trak)
	mvex := mp4.NewMvexBox()
	mvex.AddChild(mp4.CreateTrex(1))
	moov.AddChild(mvex)
	return moov, nil
}

// appendHead appends what comes before a chunk's payload: a moof, and the header of the mdat. at is the decode time to
// write. The layout is written here byte by byte, and not by what the origin uses, so that one checks the other.
//
// Source: ISO/IEC 14496-12, 8.8 (movie fragments); ISO/IEC 23000-19, 7.3.2.3 (CMAF chunk).
func appendHead(b []byte, sequence uint32, at int64, samples []sample) []byte {
	trun := 20 + 16*len(samples)
	traf := 8 + 16 + 20 + trun
	moof := 8 + 16 + traf
	b = appendBox(b, moof, "moof")
	b = appendBox(b, 16, "mfhd")
	b = appendUint32s(b, 0, sequence)
	b = appendBox(b, traf, "traf")
	b = appendBox(b, 16, "tfhd")
	b = appendUint32s(b, 0x020000, 1) // default-base-is-moof, track_ID
	b = appendBox(b, 20, "tfdt")
	b = appendUint32s(b, 1<<24)
	b = binary.BigEndian.AppendUint64(b, uint64(at))
	b = appendBox(b, trun, "trun")
	b = appendUint32s(b, 1<<24|0x000f01, uint32(len(samples)), uint32(moof+8)) // offset, duration, size, flags, signed cto
	payload := 8
	for _, s := range samples {
		flags := uint32(flagsNonSync)
		if s.sync {
			flags = flagsSync
		}
		b = appendUint32s(b, s.duration, s.size, flags, uint32(s.cto))
		payload += int(s.size)
	}
	return appendBox(b, payload, "mdat")
}

// appendPrft appends a prft box: media time at was captured at the given UTC.
func appendPrft(b []byte, at int64, captured time.Time) []byte {
	const ntpToUnix = 2208988800 // seconds from 1900 to 1970
	ns := captured.UnixNano()
	b = appendBox(b, 32, "prft")
	b = appendUint32s(b, 1<<24|24, 1) // version 1, "arbitrary, but consistent" clock; track_ID
	b = appendUint32s(b, uint32(ns/1e9+ntpToUnix), uint32((ns%1e9)<<32/1e9))
	return binary.BigEndian.AppendUint64(b, uint64(at))
}

func appendBox(b []byte, size int, name string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(size)), name...)
}

func appendUint32s(b []byte, values ...uint32) []byte {
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}
