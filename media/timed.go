package media

import (
	"bytes"
	"errors"
	"strings"
)

// parseTimed reads a sample entry of timed text or metadata, from behind data_reference_index. It is published as it
// came, but for btrt.
//
// Source: ISO/IEC 14496-30, 5 and 7; ISO/IEC 14496-12, 12.3.3; ISO/IEC 23001-18 (evte).
func (e *entry) parseTimed(b []byte, kind Kind) error {
	name := fourCC(e.kind)
	texts := 0 // strings before the children
	switch {
	case kind == Text && name == "stpp":
		texts = 3
	case kind == Text && name == "wvtt":
	case kind == Text && name == "tx3g", kind == Metadata && (name == "mebx" || name == "scte"):
		e.codec = name
		e.published = wrapEntry(name, b)
		return nil
	case kind == Metadata && (name == "urim" || name == "evte"):
	case kind == Metadata && name == "mett":
		texts = 2
	case kind == Metadata && name == "metx":
		texts = 3
	default:
		return ErrUnsupported
	}
	rest := b
	for range texts {
		n := bytes.IndexByte(rest, 0)
		if n < 0 || n > maxText {
			return errors.New("text without an end")
		}
		rest = rest[n+1:]
	}
	c, err := e.readChildren(rest, "", "mime", "vttC", "vlab", "uri ", "uriI", "txtC", "silb")
	if err != nil {
		return err
	}
	e.codec = name
	if name == "stpp" {
		e.codec = "stpp.ttml." + imscProfile(c.kept)
	}
	e.published = wrapEntry(name, b[:len(b)-len(rest)], c.kept)
	return nil
}

// imscProfile is the processor profile that a mime box names, im1t (text) where none does.
func imscProfile(children []byte) string {
	const fallback = "im1t"
	w := boxes{b: children}
	for w.next() {
		if fourCC(w.kind) != "mime" || len(w.body) > maxText {
			continue
		}
		_, profile, ok := strings.Cut(string(w.body), "codecs=")
		if !ok {
			return fallback
		}
		profile = strings.Trim(profile, "\"'\x00 ")
		profile = strings.TrimPrefix(profile, "stpp.ttml.")
		for _, known := range [...]string{"im1t", "im1i", "im2t", "im2i", "im3t", "im3i", "etd1"} {
			if profile == known || strings.HasPrefix(profile, known+"|") {
				return profile[:4]
			}
		}
	}
	return fallback
}

func wrapEntry(name string, parts ...[]byte) []byte {
	w := writer{}
	box := w.open(name)
	w.zero(6)
	w.u16(1)
	for _, p := range parts {
		w.bytes(p)
	}
	w.close(box)
	return w.b
}
