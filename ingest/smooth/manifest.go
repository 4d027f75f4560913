package smooth

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"weir/media"
)

// UUID is the type of the Live Server Manifest box: a5d40b30-e814-11dd-ba2f-0800200c9a66.
var UUID = [16]byte{0xa5, 0xd4, 0x0b, 0x30, 0xe8, 0x14, 0x11, 0xdd, 0xba, 0x2f, 0x08, 0x00, 0x20, 0x0c, 0x9a, 0x66}

// Bounds on a manifest.
const (
	MaxBytes = 64 << 10 // of the box's payload

	maxTracks     = media.MaxTracks
	maxDepth      = 16
	maxElements   = 2048
	maxAttributes = 32 // of one element
	maxText       = 256
)

// A Track is what the manifest says of one track; zero fields are not said. The moov rules where both say something of
// the media.
type Track struct {
	Kind      media.Kind
	ID        uint32 // trackID
	Name      string // trackName: the same for all qualities of a stream
	Bitrate   int    // systemBitrate, bits per second
	Language  string // systemLanguage
	FourCC    string // H264, HEVC, AACL, TTML, …
	Timescale uint32
	Subtype   string // text and metadata: CAPT, SUBT, DATA, …
	Scheme    string // metadata: urn:scte:scte35:2013:bin, …
	Parent    string // metadata: trackName of the parent track
}

var errMarkup = errors.New("markup declarations (DTD) are not read")

// Parse reads the payload of the box, behind its UUID: version and flags, then SMIL 2.0 in UTF-8 or UTF-16. Parameters
// stand as attributes of a track's element or as param elements within it, in any case and order; the first one counts.
// Elements that are none of a track are passed over. b is not kept.
//
// An error means that this is not such a manifest: malformed XML, more than the bounds, a DTD, an entity beyond XML's
// own five. Memory stays in proportion to b.
//
// Source: Azure Media Services fragmented MP4 live ingest specification, 3.2 (Live Server Manifest box).
func Parse(b []byte) ([]Track, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("%d bytes: more than %d", len(b), MaxBytes)
	}
	if len(b) >= 4 && b[0] == 0 && b[1] == 0 {
		b = b[4:] // version and flags
	}
	text, err := utf8Of(b)
	if err != nil {
		return nil, err
	}
	d := xml.NewDecoder(bytes.NewReader(bytes.Trim(text, "\x00 \t\r\n")))
	d.CharsetReader = func(label string, r io.Reader) (io.Reader, error) {
		switch strings.ToLower(label) {
		case "utf-16", "utf-16le", "utf-16be", "us-ascii": // it is UTF-8 by now, whatever was declared
			return r, nil
		}
		return nil, fmt.Errorf("encoding %q", printable(label))
	}
	var m reader
	for {
		token, err := d.Token()
		if err == io.EOF {
			return m.tracks, nil
		}
		if err != nil {
			return nil, err
		}
		if err := m.take(token); err != nil {
			return nil, err
		}
	}
}

// reader is where a manifest is read.
type reader struct {
	tracks   []Track
	depth    int
	elements int
	inside   int // depth of the open track element; 0: none
	seen     map[string]bool
}

func (m *reader) take(token xml.Token) error {
	switch el := token.(type) {
	case xml.Directive:
		return errMarkup
	case xml.StartElement:
		m.depth++
		if m.elements++; m.depth > maxDepth || m.elements > maxElements || len(el.Attr) > maxAttributes {
			return errors.New("too deep or too many elements or attributes")
		}
		return m.start(el)
	case xml.EndElement:
		if m.depth == m.inside {
			m.inside = 0
		}
		m.depth--
	}
	return nil
}

func (m *reader) start(el xml.StartElement) error {
	name := strings.ToLower(el.Name.Local)
	if m.inside != 0 {
		if name == "param" {
			m.set(attribute(el, "name"), attribute(el, "value"))
		}
		return nil
	}
	var kind media.Kind
	switch name {
	case "video":
		kind = media.Video
	case "audio":
		kind = media.Audio
	case "textstream":
		kind = media.Metadata
	default:
		return nil
	}
	if len(m.tracks) == maxTracks {
		return fmt.Errorf("more than %d tracks", maxTracks)
	}
	m.inside, m.seen = m.depth, map[string]bool{}
	m.tracks = append(m.tracks, Track{Kind: kind})
	for _, a := range el.Attr {
		m.set(a.Name.Local, a.Value)
	}
	return nil
}

func attribute(el xml.StartElement, name string) string {
	for _, a := range el.Attr {
		if strings.EqualFold(a.Name.Local, name) {
			return a.Value
		}
	}
	return ""
}

// set takes a parameter of the open track.
func (m *reader) set(name, value string) {
	name, value = strings.ToLower(name), strings.TrimSpace(value)
	if m.seen[name] || len(value) > maxText {
		return
	}
	m.seen[name] = true
	t := &m.tracks[len(m.tracks)-1]
	switch name {
	case "trackid":
		t.ID = uint32(number(value, 1<<32-1))
	case "trackname":
		t.Name = value
	case "systembitrate":
		t.Bitrate = int(number(value, 1<<31-1))
	case "systemlanguage":
		t.Language = value
	case "fourcc":
		t.FourCC = value
	case "timescale":
		t.Timescale = uint32(number(value, 1<<32-1))
	case "scheme":
		t.Scheme = value
	case "parenttrackname":
		t.Parent = value
	case "subtype":
		t.Subtype = value
		if t.Kind == media.Metadata && (strings.EqualFold(value, "CAPT") || strings.EqualFold(value, "SUBT")) {
			t.Kind = media.Text
		}
	}
}

// number reads a decimal; what is none, or too large, is not said.
func number(s string, most uint64) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > most {
		return 0
	}
	return n
}
