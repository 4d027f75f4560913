package m3u8

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ErrNoPlaylist means that the text is no playlist at all: nothing further can be said of it.
var ErrNoPlaylist = errors.New("no playlist: it does not start with #EXTM3U")

// Parse reads a playlist. Whatever is wrong with its syntax stands in Faults; only what is no playlist, or one beyond
// the limits, is an error.
//
// Source: RFC 8216bis, 4.
func Parse(b []byte) (*Playlist, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("playlist of %d bytes: more than %d", len(b), MaxBytes)
	}
	r := reader{p: &Playlist{}, once: map[string]int{}}
	if rest, bom := bytes.CutPrefix(b, []byte("\xef\xbb\xbf")); bom {
		r.fault(1, 1, "a byte order mark", "a playlist starts with #EXTM3U")
		b = rest
	}
	if !bytes.HasPrefix(b, []byte("#EXTM3U")) {
		return nil, ErrNoPlaylist
	}
	if !utf8.Valid(b) {
		r.fault(1, 1, "bytes that are not UTF-8", "a playlist is UTF-8")
	}
	if err := r.split(string(b)); err != nil {
		return nil, err
	}
	for i, l := range r.p.Lines {
		r.n = i + 1
		r.line(l)
	}
	r.finish()
	return r.p, nil
}

// reader is the state while lines go by.
type reader struct {
	p    *Playlist
	n    int            // line
	once map[string]int // header tags seen, with their line

	variant  *Variant // waits for its URI
	segment  Segment  // in the making
	open     bool     // a tag of the segment has been seen
	extinf   bool
	mapped   *Map
	key      Attributes
	disc     uint64
	inherits Range // end of the last byte range
	last     string
	media    int // tags that only media playlists have
	body     int // line of the first segment
}

func (r *reader) fault(assertion, line int, said, truth string) {
	if len(r.p.Faults) < maxFaults {
		r.p.Faults = append(r.p.Faults, Fault{assertion, line, cut(said), truth})
	}
}

// split cuts the text into lines and judges their ends.
func (r *reader) split(s string) error {
	if !strings.HasSuffix(s, "\n") {
		r.fault(1, strings.Count(s, "\n")+1, "no line end at the end", "the last line ends as all others")
	}
	crlf, lines := strings.Count(s, "\r\n"), strings.Count(s, "\n")
	if lines > maxLines {
		return fmt.Errorf("playlist of more than %d lines", maxLines)
	}
	if crlf != 0 && crlf != lines {
		r.fault(1, 1, fmt.Sprintf("%d of %d lines end by CR LF", crlf, lines), "all lines end alike")
	}
	for l := range strings.Lines(s) {
		l = strings.TrimSuffix(strings.TrimSuffix(l, "\n"), "\r")
		if len(l) > maxLine {
			return fmt.Errorf("playlist with a line of more than %d bytes", maxLine)
		}
		r.p.Lines = append(r.p.Lines, l)
	}
	return nil
}

func (r *reader) line(l string) {
	switch {
	case strings.TrimSpace(l) == "":
		if l != "" {
			r.fault(1, r.n, fmt.Sprintf("%q", l), "a line is empty, a tag or a URI")
		}
	case !strings.HasPrefix(l, "#"):
		r.uri(l)
	case strings.HasPrefix(l, "#EXT"):
		name, value, _ := strings.Cut(l[1:], ":")
		r.tag(name, value)
	}
}

// uri ends a variant or a segment.
func (r *reader) uri(l string) {
	if l != strings.TrimSpace(l) || strings.ContainsAny(l, " \t") {
		r.fault(11, r.n, l, "a URI has no blanks")
	}
	if r.variant != nil {
		r.variant.URI = l
		r.p.Variants, r.variant = append(r.p.Variants, *r.variant), nil
		return
	}
	if !r.extinf {
		r.fault(12, r.n, l, "a segment has an EXTINF")
	}
	s := &r.segment
	if !r.open {
		s.First = r.n
	}
	s.Line, s.URI, s.Map, s.Key, s.Discontinuity = r.n, l, r.mapped, r.key, r.disc
	s.Raw = r.p.Lines[s.First-1 : r.n]
	if s.Range.Length > 0 && s.Range.Offset < 0 {
		if s.Range.Offset = 0; r.last == l {
			s.Range.Offset = r.inherits.Offset + r.inherits.Length
		} else {
			r.fault(12, r.n, "a byte range without an offset", "only one that follows another of the same resource may leave it out")
		}
	}
	r.inherits, r.last = s.Range, l
	if r.body == 0 {
		r.body = r.n
	}
	r.p.Segments = append(r.p.Segments, *s)
	r.segment, r.open, r.extinf = Segment{}, false, false
}

// begin notes that a tag of the next segment has been seen.
func (r *reader) begin() *Segment {
	if !r.open {
		r.open, r.segment.First = true, r.n
	}
	return &r.segment
}

// header notes a tag that stands once, before the first segment.
func (r *reader) header(name string) {
	if at, twice := r.once[name]; twice {
		r.fault(12, r.n, "#"+name, fmt.Sprintf("it stands once; it was in line %d", at))
		return
	}
	r.once[name] = r.n
	late := r.body > 0 || r.p.Parts > 0 || r.open
	if late && name != "EXT-X-ENDLIST" && name != "EXT-X-I-FRAMES-ONLY" && name != "EXT-X-INDEPENDENT-SEGMENTS" && name != "EXT-X-VERSION" {
		r.fault(12, r.n, "#"+name, "it stands before the first segment and its tags")
	}
}

func (r *reader) needs(version int, why string) {
	if version > r.p.Needs {
		r.p.Needs, r.p.Why = version, why
	}
}

func (r *reader) attributes(name, value string) Attributes {
	list, err := parseAttributes(value)
	if err != nil {
		r.fault(11, r.n, value, err.Error())
	}
	for _, a := range list {
		if wrong := misshapen(name, a); wrong != "" {
			r.fault(11, r.n, a.Name+"="+a.Value, wrong)
		}
	}
	return list
}

func (r *reader) number(name, value string) uint64 {
	n, err := strconv.ParseUint(value, 10, 63)
	if err != nil {
		r.fault(12, r.n, "#"+name+":"+value, "a decimal integer is due")
	}
	return n
}

func (r *reader) finish() {
	p := r.p
	for i := range p.Segments { // EXT-X-MEDIA-SEQUENCE may have come too late
		p.Segments[i].Number = p.Sequence + p.Skipped + uint64(i)
	}
	if r.open && !r.extinf {
		s := r.segment
		s.Number, s.Map, s.Key, s.Discontinuity = p.End(), r.mapped, r.key, r.disc
		p.Open = &s
	}
	if r.variant != nil {
		r.fault(11, r.variant.Line, "EXT-X-STREAM-INF", "a URI follows in the next line")
	}
	if r.open && r.extinf {
		r.fault(12, r.segment.First, "EXTINF", "a URI follows it")
	}
	p.Multivariant = len(p.Variants) > 0 || len(p.Renditions) > 0
	if p.Multivariant && r.media > 0 {
		r.fault(12, r.media, "a tag of a media playlist", "a playlist is multivariant or media, not both")
	}
	if !p.Multivariant && p.Target == 0 {
		r.fault(12, 1, "no EXT-X-TARGETDURATION", "a media playlist has one")
	}
}

func (r *reader) duration(s *Segment, value string) {
	number, _, comma := strings.Cut(value, ",")
	s.Text = number
	if !comma {
		r.fault(12, r.n, "#EXTINF:"+value, "a comma follows the duration")
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || f < 0 || f > 1e6 || math.IsNaN(f) || strings.ContainsAny(number, "eExXpPnNiI_+") {
		r.fault(12, r.n, "#EXTINF:"+value, "a decimal number of seconds is due")
		return
	}
	if strings.Contains(number, ".") {
		r.needs(3, "EXTINF with decimals")
	}
	s.Duration = time.Duration(math.Round(f * 1e9))
}

// dateForms are the forms of ISO 8601 that playlists use.
var dateForms = []string{"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999Z0700"}

func parseDate(s string) (time.Time, error) {
	var t time.Time
	var err error
	for _, f := range dateForms {
		if t, err = time.Parse(f, s); err == nil && t.Year() >= 1970 && t.Year() < 2200 {
			return t, nil
		}
	}
	return time.Time{}, errors.New("no date with time and zone")
}

// byteRange reads n[@o]; offset -1 where it is left out.
func byteRange(s string) (Range, error) {
	length, offset, given := strings.Cut(s, "@")
	n, err := strconv.ParseInt(length, 10, 63)
	if err != nil || n <= 0 {
		return Range{}, errors.New("a byte range is length@offset")
	}
	if !given {
		return Range{-1, n}, nil
	}
	o, err := strconv.ParseInt(offset, 10, 63)
	if err != nil || o < 0 || o > math.MaxInt64-n {
		return Range{}, errors.New("a byte range is length@offset")
	}
	return Range{o, n}, nil
}
