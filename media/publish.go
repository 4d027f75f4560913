package media

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// Publish describes the track as players get it, with an init segment at that timescale (ticks per second).
//
// The init segment is a function of decoder configuration, language, roles and timescale: a restarted encoder and another
// node make the same bytes. It has no edit list: who places the media has to take Shift into account.
//
// Source: ISO/IEC 23000-19, 7.3.1 and 7.5 (CMAF header).
func (in *Input) Publish(timescale uint32) (*Track, error) {
	if timescale == 0 {
		return nil, errors.New("timescale 0")
	}
	t := in.Track
	t.Timescale = timescale
	t.Init = in.appendInit(nil, timescale)
	t.InitHash = fmt.Sprintf("%016x", xxhash.Sum64(t.Init))
	return &t, nil
}

// configHash is the hash of what a player must be told anew when it changes: how to decode the track, and how it is
// announced, for that stands in the same init segment.
func (in *Input) configHash() uint64 {
	h := xxhash.New()
	field := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		_, _ = h.Write(n[:]) // a hash does not fail
		_, _ = h.Write(b)
	}
	field([]byte(in.Kind.String()))
	field(in.entry)
	field([]byte(in.Language))
	for _, r := range in.Roles {
		field([]byte(r.Scheme))
		field([]byte(r.Value))
	}
	return h.Sum64()
}

// matrix is the unity transformation. Source: ISO/IEC 14496-12, 6.2.2.
var matrix = [9]uint32{0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000}

func (in *Input) appendInit(dst []byte, timescale uint32) []byte {
	w := writer{dst}
	ftyp := w.open("ftyp")
	w.string("iso6")
	w.u32(0)
	w.string("iso6cmfc")
	w.close(ftyp)

	moov := w.open("moov")
	mvhd := w.full("mvhd", 0, 0)
	w.zero(8)
	w.u32(timescale)
	w.u32(0)
	w.u32(0x10000)
	w.u16(0x100)
	w.zero(10)
	for _, v := range matrix {
		w.u32(v)
	}
	w.zero(24)
	w.u32(2)
	w.close(mvhd)
	in.appendTrak(&w, timescale)
	mvex := w.open("mvex")
	trex := w.full("trex", 0, 0)
	w.u32(1)
	w.u32(1)
	w.zero(12)
	w.close(trex)
	w.close(mvex)
	w.close(moov)
	return w.b
}

func (in *Input) appendTrak(w *writer, timescale uint32) {
	trak := w.open("trak")
	tkhd := w.full("tkhd", 0, 7) // enabled, in movie, in preview
	w.zero(8)
	w.u32(1)
	w.zero(4 + 4 + 8 + 2 + 2)
	if in.Kind == Audio {
		w.u16(0x100)
	} else {
		w.u16(0)
	}
	w.u16(0)
	for _, v := range matrix {
		w.u32(v)
	}
	w.u32(uint32(in.shown[0]) << 16)
	w.u32(uint32(in.shown[1]) << 16)
	w.close(tkhd)

	mdia := w.open("mdia")
	mdhd := w.full("mdhd", 0, 0)
	w.zero(8)
	w.u32(timescale)
	w.u32(0)
	language, ok := packLanguage(in.Language)
	w.u16(language)
	w.u16(0)
	w.close(mdhd)
	if !ok {
		elng := w.full("elng", 0, 0)
		w.string(in.Language)
		w.u8(0)
		w.close(elng)
	}
	hdlr := w.full("hdlr", 0, 0)
	w.u32(0)
	w.u32(in.handlerType)
	w.zero(12 + 1) // reserved; an empty name
	w.close(hdlr)
	in.appendMinf(w)
	w.close(mdia)
	in.appendRoles(w)
	w.close(trak)
}

func (in *Input) appendMinf(w *writer) {
	minf := w.open("minf")
	switch {
	case in.Kind == Video:
		box := w.full("vmhd", 0, 1)
		w.zero(8)
		w.close(box)
	case in.Kind == Audio:
		box := w.full("smhd", 0, 0)
		w.zero(4)
		w.close(box)
	case fourCC(in.handlerType) == "subt":
		w.close(w.full("sthd", 0, 0))
	default:
		w.close(w.full("nmhd", 0, 0))
	}
	dinf := w.open("dinf")
	dref := w.full("dref", 0, 0)
	w.u32(1)
	w.close(w.full("url ", 0, 1))
	w.close(dref)
	w.close(dinf)
	stbl := w.open("stbl")
	stsd := w.full("stsd", 0, 0)
	w.u32(1)
	w.bytes(in.entry)
	w.close(stsd)
	for _, table := range [...]struct {
		name  string
		bytes int
	}{{"stts", 4}, {"stsc", 4}, {"stsz", 8}, {"stco", 4}} {
		box := w.full(table.name, 0, 0)
		w.zero(table.bytes)
		w.close(box)
	}
	w.close(stbl)
	w.close(minf)
}

func (in *Input) appendRoles(w *writer) {
	if len(in.Roles) == 0 {
		return
	}
	udta := w.open("udta")
	for _, r := range in.Roles {
		kind := w.full("kind", 0, 0)
		w.string(r.Scheme)
		w.u8(0)
		w.string(r.Value)
		w.u8(0)
		w.close(kind)
	}
	w.close(udta)
}
