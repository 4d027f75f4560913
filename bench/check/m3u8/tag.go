package m3u8

import (
	"fmt"
	"strconv"
)

// tag reads one tag. Tags that are not here are passed over, as players do.
//
// Source: RFC 8216bis, 4.4.
func (r *reader) tag(name, value string) {
	switch name {
	case "EXTM3U":
		r.header(name)
	case "EXT-X-VERSION":
		r.header(name)
		r.p.Version = int(min(r.number(name, value), 1000))
	case "EXT-X-INDEPENDENT-SEGMENTS":
		r.header(name)
		r.p.Independent = true
	case "EXT-X-STREAM-INF", "EXT-X-I-FRAME-STREAM-INF", "EXT-X-MEDIA":
		r.multivariantTag(name, value)
	case "EXT-X-START", "EXT-X-DEFINE", "EXT-X-SESSION-DATA", "EXT-X-SESSION-KEY", "EXT-X-CONTENT-STEERING":
		r.attributes(name, value)
		if name == "EXT-X-DEFINE" {
			r.needs(8, "EXT-X-DEFINE")
		}
	default:
		if r.mediaTag(name, value) && r.media == 0 {
			r.media = r.n
		}
	}
}

func (r *reader) multivariantTag(name, value string) {
	list := r.attributes(name, value)
	switch name {
	case "EXT-X-STREAM-INF":
		if r.variant != nil {
			r.fault(11, r.variant.Line, "EXT-X-STREAM-INF", "a URI follows in the next line")
		}
		r.variant = &Variant{Line: r.n, Attributes: list}
		if _, ok := list.Find("REQ-VIDEO-LAYOUT"); ok {
			r.needs(12, "REQ-VIDEO-LAYOUT")
		}
	case "EXT-X-I-FRAME-STREAM-INF":
		r.p.Variants = append(r.p.Variants, Variant{Line: r.n, IFrame: true, URI: list.Get("URI"), Attributes: list})
	case "EXT-X-MEDIA":
		r.p.Renditions = append(r.p.Renditions, Rendition{r.n, list})
		if id := list.Get("INSTREAM-ID"); len(id) > 7 && id[:7] == "SERVICE" {
			r.needs(7, "INSTREAM-ID="+id)
		}
	}
}

// mediaTag reads a tag of media playlists; false where it is none.
func (r *reader) mediaTag(name, value string) bool {
	p := r.p
	switch name {
	case "EXT-X-TARGETDURATION":
		r.header(name)
		if p.Target = int(min(r.number(name, value), 1<<20)); p.Target == 0 {
			r.fault(12, r.n, "#"+name+":"+value, "it is at least 1")
		}
	case "EXT-X-MEDIA-SEQUENCE":
		r.header(name)
		p.Sequence = r.number(name, value)
	case "EXT-X-DISCONTINUITY-SEQUENCE":
		r.header(name)
		p.DiscontinuitySequence, p.HasDiscontinuitySeq = r.number(name, value), true
		r.disc = p.DiscontinuitySequence
	case "EXT-X-PLAYLIST-TYPE":
		r.header(name)
		if p.Type = value; value != "VOD" && value != "EVENT" {
			r.fault(12, r.n, "#"+name+":"+value, "it is VOD or EVENT")
		}
	case "EXT-X-I-FRAMES-ONLY":
		r.header(name)
		p.IFramesOnly = true
		r.needs(4, name)
	case "EXT-X-ENDLIST":
		r.header(name)
		p.Ended = true
	case "EXT-X-SERVER-CONTROL":
		r.header(name)
		p.Control = r.attributes(name, value)
	case "EXT-X-PART-INF":
		r.header(name)
		p.PartInf = r.attributes(name, value)
	default:
		return r.segmentTag(name, value)
	}
	return true
}

// segmentTag reads a tag of the next segment or of those from here on; false where it is none.
func (r *reader) segmentTag(name, value string) bool {
	switch name {
	case "EXTINF":
		s := r.begin()
		if r.extinf {
			r.fault(12, r.n, "#EXTINF:"+value, "a segment has one")
		}
		r.extinf = true
		r.duration(s, value)
	case "EXT-X-DISCONTINUITY":
		s := r.begin()
		r.beforeParts(name)
		s.Breaks = true
		r.disc++
	case "EXT-X-GAP":
		r.begin().Gap = true
	case "EXT-X-PROGRAM-DATE-TIME":
		s := r.begin()
		r.beforeParts(name)
		at, err := parseDate(value)
		if err != nil {
			r.fault(23, r.n, "#"+name+":"+value, err.Error())
		} else {
			s.Start, s.Dated = at, true
		}
	case "EXT-X-BYTERANGE":
		s := r.begin()
		r.needs(4, name)
		s.Range = r.rangeOf(value)
	case "EXT-X-MAP":
		r.begin()
		r.beforeParts(name)
		list := r.attributes(name, value)
		r.mapped = &Map{Line: r.n, URI: list.Get("URI")}
		if b, ok := list.Find("BYTERANGE"); ok {
			r.mapped.Range = r.rangeOf(b)
			r.mapped.Range.Offset = max(0, r.mapped.Range.Offset)
		}
		if r.mapped.URI == "" {
			r.fault(14, r.n, "#"+name+":"+value, "it has a URI")
		}
		if r.p.IFramesOnly {
			r.needs(5, "EXT-X-MAP in an I-frame playlist")
		} else {
			r.needs(6, "EXT-X-MAP")
		}
	case "EXT-X-KEY":
		r.begin()
		r.beforeParts(name)
		list := r.attributes(name, value)
		if r.key = list; list.Get("METHOD") == "NONE" {
			r.key = nil
		}
		if _, ok := list.Find("IV"); ok {
			r.needs(2, "IV of EXT-X-KEY")
		}
		if _, ok := list.Find("KEYFORMAT"); ok {
			r.needs(5, "KEYFORMAT")
		}
	case "EXT-X-DATERANGE":
		r.p.DateRanges = append(r.p.DateRanges, DateRange{r.n, r.attributes(name, value)})
	case "EXT-X-PART":
		r.part(name, value)
	case "EXT-X-PRELOAD-HINT":
		r.hint(name, value)
	case "EXT-X-RENDITION-REPORT":
		r.report(name, value)
	case "EXT-X-SKIP":
		r.skip(name, value)
	case "EXT-X-BITRATE":
		r.begin()
		if _, err := strconv.ParseUint(value, 10, 32); err != nil {
			r.fault(12, r.n, "#"+name+":"+value, "kilobits per second are due")
		}
	default:
		return false
	}
	return true
}

// beforeParts: what says how to read a segment stands above its first part.
//
// Source: RFC 8216bis, 4.4.4.9.
func (r *reader) beforeParts(name string) {
	if n := len(r.segment.Parts); n > 0 {
		r.fault(14, r.n, "#"+name, fmt.Sprintf("it stands before the first part of the segment, which is in line %d", r.segment.Parts[0].Line))
	}
}

func (r *reader) rangeOf(s string) Range {
	b, err := byteRange(s)
	if err != nil {
		r.fault(12, r.n, fmt.Sprintf("%q", cut(s)), err.Error())
	}
	return b
}
