package media

import (
	"encoding/binary"
	"errors"
	"strings"
)

// trak is what is read out of one track box.
type trak struct {
	id       uint32
	scale    uint32
	handler  uint32
	language string
	elng     string
	edits    []byte
	stsd     []byte
	roles    []Role
}

// parseTrak reads one track. ok is false for a track that is none of ours.
func (h *header) parseTrak(b []byte) (in Input, ok bool, err error) {
	t := trak{language: "und"}
	if err := t.read(b); err != nil {
		return in, false, err
	}
	kind := kindOf(t.handler)
	if kind == 0 {
		return in, false, nil
	}
	if t.id == 0 {
		return in, false, errors.New("track_ID 0 or no tkhd")
	}
	if t.scale == 0 {
		return in, false, errors.New("timescale 0 or no mdhd")
	}
	if t.stsd == nil {
		return in, false, errors.New("no stsd")
	}
	entry, err := parseStsd(t.stsd, kind, t.scale)
	if err != nil {
		return in, false, within(boxStsd, err)
	}
	empty, start, err := t.edit(h.timescale)
	if err != nil {
		return in, false, within(boxElst, err)
	}
	if t.elng != "" {
		t.language = t.elng
	}
	in = entry.input(kind)
	in.ID, in.Timescale, in.Defaults, in.handlerType = t.id, t.scale, h.defaults[t.id], t.handler
	in.Track.Timescale, in.Language, in.Roles = t.scale, t.language, t.roles
	if kind == Text {
		in.blank = blankOf(in.SampleEntry, t.language)
	}
	in.applyEdits(empty, start)
	in.ConfigHash = in.configHash()
	return in, true, nil
}

// kindOf maps handlers to kinds of track; 0 for what is none of ours. Source: ISO/IEC 14496-12, 12.
func kindOf(handler uint32) Kind {
	switch fourCC(handler) {
	case "vide":
		return Video
	case "soun":
		return Audio
	case "text", "subt", "sbtl":
		return Text
	case "meta":
		return Metadata
	}
	return 0
}

// read walks trak, mdia, minf and stbl. Depth is fixed, so that nesting cannot run away.
func (t *trak) read(b []byte) error {
	w := boxes{b: b}
	for w.next() {
		var err error
		switch w.kind {
		case boxTkhd:
			t.id, err = parseTkhd(w.body)
		case boxEdts:
			t.edits, err = child(w.body, boxElst)
		case boxMdia:
			err = t.readMdia(w.body)
		case boxUdta:
			err = t.readUdta(w.body)
		}
		if err != nil {
			return within(w.kind, err)
		}
	}
	return w.err
}

func (t *trak) readMdia(b []byte) error {
	w := boxes{b: b}
	for w.next() {
		var err error
		switch w.kind {
		case boxMdhd:
			t.scale, t.language, err = parseMdhd(w.body)
		case boxHdlr:
			if len(w.body) < 12 {
				err = errTruncated
				break
			}
			t.handler = binary.BigEndian.Uint32(w.body[8:])
		case boxElng:
			t.elng, err = parseElng(w.body)
		case boxMinf:
			var stbl []byte
			if stbl, err = child(w.body, boxStbl); err == nil && stbl != nil {
				t.stsd, err = child(stbl, boxStsd)
			}
		}
		if err != nil {
			return within(w.kind, err)
		}
	}
	return w.err
}

// readUdta reads kind boxes. What else stands in udta is the encoder's own business, ends by a 32-bit zero in QuickTime,
// and is passed over even where it is broken.
func (t *trak) readUdta(b []byte) error {
	w := boxes{b: b}
	for w.next() {
		if w.kind != boxKind {
			continue
		}
		_, _, f, err := fullBox(w.body)
		if err != nil {
			return within(boxKind, err)
		}
		scheme, value, _ := strings.Cut(string(f[:min(len(f), 2*maxText+2)]), "\x00")
		value, _, _ = strings.Cut(value, "\x00")
		if plain(scheme) && plain(value) && len(t.roles) < maxRoles {
			t.roles = append(t.roles, Role{Scheme: scheme, Value: value})
		}
	}
	return nil
}

// plain tells text that may go into a manifest: short, printable ASCII.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return len(s) <= maxText
}

// child returns the payload of the first child of that type, nil where there is none.
func child(b []byte, kind uint32) ([]byte, error) {
	w := boxes{b: b}
	for w.next() {
		if w.kind == kind {
			return w.body, nil
		}
	}
	return nil, w.err
}

// parseTkhd reads the track_ID. Source: ISO/IEC 14496-12, 8.3.2.
func parseTkhd(b []byte) (uint32, error) {
	version, _, b, err := fullBox(b)
	if err != nil {
		return 0, err
	}
	skip := 8
	if version > 0 {
		skip = 16
	}
	if len(b) < skip+4 {
		return 0, errTruncated
	}
	return binary.BigEndian.Uint32(b[skip:]), nil
}

// parseMdhd reads timescale and language. Source: ISO/IEC 14496-12, 8.4.2.
func parseMdhd(b []byte) (scale uint32, language string, err error) {
	version, _, b, err := fullBox(b)
	if err != nil {
		return 0, "und", err
	}
	skip, duration := 8, 4
	if version > 0 {
		skip, duration = 16, 8
	}
	if len(b) < skip+4+duration+2 {
		return 0, "und", errTruncated
	}
	return binary.BigEndian.Uint32(b[skip:]), unpackLanguage(binary.BigEndian.Uint16(b[skip+4+duration:])), nil
}

// unpackLanguage turns the 15 bits of mdhd into an ISO 639-2/T code; what is no code is "und".
func unpackLanguage(v uint16) string {
	b := [3]byte{byte(v>>10&31) + 0x60, byte(v>>5&31) + 0x60, byte(v&31) + 0x60}
	for _, c := range b {
		if c < 'a' || c > 'z' {
			return "und"
		}
	}
	return string(b[:])
}

// packLanguage is the other way; a language that mdhd cannot hold is "und" there and stands in elng.
func packLanguage(s string) (v uint16, ok bool) {
	if len(s) != 3 {
		s = "und"
	} else {
		ok = true
	}
	for i := range 3 {
		if s[i] < 'a' || s[i] > 'z' {
			return 'u'&31<<10 | 'n'&31<<5 | 'd'&31, false
		}
		v = v<<5 | uint16(s[i]&31)
	}
	return v, ok
}

// parseElng reads an RFC 5646 tag; what is no tag counts as not said. Source: ISO/IEC 14496-12, 8.4.6.
func parseElng(b []byte) (string, error) {
	_, _, b, err := fullBox(b)
	if err != nil {
		return "", err
	}
	tag, _, _ := strings.Cut(string(b[:min(len(b), 64)]), "\x00")
	if !isTag(tag) {
		return "", nil
	}
	return tag, nil
}
