package cmaf

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// An MPD is what an encoder's MPD says of its tracks.
type MPD struct {
	// Start is the UTC of media time 0, nanoseconds since 1970: availabilityStartTime, plus the Period's start, less
	// presentationTimeOffset. HasStart is false where that is not said, or not the same for all tracks.
	Start    int64
	HasStart bool
	Tracks   []Representation
}

// A Representation is one track of an MPD.
type Representation struct {
	ID       string
	Bitrate  int64 // bits per second
	Language string
	Roles    []string // urn:mpeg:dash:role:2011
	Init     string   // path of the header, relative to the MPD's folder; "" where it is not known
	Media    Pattern  // of its segments' paths, likewise; the zero value where it is not known
}

// ErrManifest is wrapped by all that is wrong with a manifest: the encoder is to blame.
var ErrManifest = errors.New("manifest")

// ParseMPD reads an MPD of at most MaxManifest bytes. A document type declaration is refused, and so is what is nested or
// large beyond measure. What it names outside of its own folder is left out.
//
// Source: ISO/IEC 23009-1, 5.3; DASH-IF Live Media Ingest 1.2, 6.4.
func ParseMPD(b []byte) (*MPD, error) {
	if len(b) > MaxManifest {
		return nil, fmt.Errorf("%w: MPD larger than %d bytes", ErrManifest, MaxManifest)
	}
	p := mpdParser{stack: []mpdLevel{{scale: 1}}}
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = p.token(token)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: MPD: byte %d: %w", ErrManifest, d.InputOffset(), err)
		}
	}
	if !p.root {
		return nil, fmt.Errorf("%w: MPD: there is no MPD element", ErrManifest)
	}
	p.mpd.HasStart = p.starts > 0 && !p.doubt
	return &p.mpd, nil
}

// An mpdParser walks an MPD's elements. Period, AdaptationSet and Representation each open a level, which inherits from
// the one around it.
type mpdParser struct {
	mpd       MPD
	root      bool
	available int64 // availabilityStartTime, ns
	dated     bool
	starts    int  // tracks that have said where their time 0 lies
	doubt     bool // they do not agree
	elements  int
	open      []string // names of the open elements
	stack     []mpdLevel
	text      []byte // of a BaseURL
}

type mpdLevel struct {
	track       Representation
	base        string // folder that the level's BaseURL counts from
	folder      string // with the level's BaseURL
	outside     bool   // BaseURL leads elsewhere
	init, media string // templates
	scale       int64
	offset      int64 // presentationTimeOffset, in scale
	start       int64 // of the Period, ns
}

func (p *mpdParser) token(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		if p.elements++; p.elements > maxElements {
			return errors.New("too many elements")
		}
		if len(p.open) >= maxDepth {
			return errors.New("nested too deep")
		}
		if len(p.open) == 0 {
			if t.Name.Local != "MPD" || p.root {
				return fmt.Errorf("element %q where one MPD should be", trim(t.Name.Local))
			}
			p.root = true
		}
		p.open = append(p.open, t.Name.Local)
		return p.start(t)
	case xml.EndElement:
		p.open = p.open[:len(p.open)-1]
		p.end(t.Name.Local)
	case xml.CharData:
		if n := len(p.open); n > 0 && p.open[n-1] == "BaseURL" && len(p.text)+len(t) <= maxLine {
			p.text = append(p.text, t...)
		}
	case xml.Directive:
		return errors.New("a document type declaration is not accepted")
	}
	return nil
}

func (p *mpdParser) start(t xml.StartElement) error {
	top := &p.stack[len(p.stack)-1]
	switch t.Name.Local {
	case "Period", "AdaptationSet", "Representation":
		if len(p.stack) > 3 {
			return fmt.Errorf("%s within %s", t.Name.Local, p.open[len(p.open)-2])
		}
		next := *top
		next.base = top.folder
		next.track.Roles = next.track.Roles[:len(next.track.Roles):len(next.track.Roles)]
		p.stack = append(p.stack, next)
		top = &p.stack[len(p.stack)-1]
	case "BaseURL":
		p.text = p.text[:0]
	}
	for _, a := range t.Attr {
		if a.Name.Space == "" {
			p.attribute(top, t.Name.Local, a.Name.Local, a.Value)
		}
	}
	if t.Name.Local == "Role" {
		top.track.addRole(t.Attr)
	}
	return nil
}

func (p *mpdParser) attribute(top *mpdLevel, element, name, value string) {
	switch element + "@" + name {
	case "MPD@availabilityStartTime":
		p.available, p.dated = parseTime(value)
	case "Period@start":
		top.start, _ = parseDuration(value)
	case "AdaptationSet@lang", "Representation@lang":
		top.track.Language = language(value)
	case "Representation@id":
		top.track.ID = trim(value)
	case "Representation@bandwidth":
		top.track.Bitrate = bitrate(value)
	case "SegmentTemplate@initialization":
		top.init = value
	case "SegmentTemplate@media":
		top.media = value
	case "SegmentTemplate@timescale":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && n > 0 && n <= math.MaxUint32 {
			top.scale = n
		}
	case "SegmentTemplate@presentationTimeOffset":
		top.offset, _ = strconv.ParseInt(value, 10, 64)
	}
}

func (r *Representation) addRole(attrs []xml.Attr) {
	scheme, value := "", ""
	for _, a := range attrs {
		switch a.Name.Local {
		case "schemeIdUri":
			scheme = a.Value
		case "value":
			value = trim(a.Value)
		}
	}
	if scheme == "urn:mpeg:dash:role:2011" && value != "" && len(r.Roles) < maxRoles {
		r.Roles = append(r.Roles, value)
	}
}

func (p *mpdParser) end(element string) {
	top := &p.stack[len(p.stack)-1]
	switch element {
	case "BaseURL":
		folder, ok := resolve(top.base, strings.TrimSpace(string(p.text))+"/.")
		top.folder = folder
		top.outside = top.outside || !ok
	case "Representation":
		p.finish(top)
		fallthrough
	case "Period", "AdaptationSet":
		p.stack = p.stack[:len(p.stack)-1]
	}
}

// finish takes a Representation that has been read whole.
func (p *mpdParser) finish(top *mpdLevel) {
	r := top.track
	if r.ID == "" || len(p.mpd.Tracks) >= maxTracks {
		return
	}
	if !top.outside {
		if init, ok := expand(top.init, &r); ok && init.Suffix == "" {
			r.Init, _ = resolve(top.folder, init.Prefix)
		}
		if media, ok := expand(top.media, &r); ok && media.Suffix != "" {
			if path, ok := resolve(top.folder, media.Prefix+"0"); ok {
				r.Media = Pattern{Prefix: path[:len(path)-1], Suffix: media.Suffix}
			}
		}
	}
	p.mpd.Tracks = append(p.mpd.Tracks, r)
	if p.dated {
		p.begins(top)
	}
}

// begins notes where a track says that its time 0 lies.
func (p *mpdParser) begins(top *mpdLevel) {
	offset := top.offset/top.scale*int64(time.Second) + top.offset%top.scale*int64(time.Second)/top.scale
	if top.offset > math.MaxInt64/int64(time.Second)*top.scale || top.offset < 0 {
		p.doubt = true
		return
	}
	start := p.available + top.start - offset
	const same = int64(time.Millisecond)
	if p.starts > 0 && (start < p.mpd.Start-same || start > p.mpd.Start+same) {
		p.doubt = true
	}
	p.mpd.Start = start
	p.starts++
}

// expand puts a Representation's values into a template. The one variable that counts, $Number$ or $Time$, stays open: it
// divides the pattern's prefix from its suffix. A template without a variable has all of it as its prefix.
//
// Source: ISO/IEC 23009-1, 5.3.9.4.4, table 16.
func expand(template string, r *Representation) (p Pattern, ok bool) {
	if template == "" || len(template) > maxLine {
		return p, false
	}
	var b strings.Builder
	open := false
	for {
		literal, rest, found := strings.Cut(template, "$")
		b.WriteString(literal)
		if !found {
			break
		}
		variable, after, closed := strings.Cut(rest, "$")
		if !closed {
			return p, false
		}
		template = after
		name, format, _ := strings.Cut(variable, "%")
		if format != "" && !validWidth(format) {
			return p, false
		}
		switch name {
		case "":
			b.WriteByte('$')
		case "RepresentationID":
			b.WriteString(r.ID)
		case "Bandwidth":
			b.WriteString(strconv.FormatInt(r.Bitrate, 10))
		case "Number", "Time":
			if open {
				return p, false
			}
			open = true
			p.Prefix = b.String()
			b.Reset()
		default:
			return p, false
		}
	}
	if !open {
		return Pattern{Prefix: b.String()}, true
	}
	p.Suffix = b.String()
	return p, p.Suffix != ""
}

// validWidth admits 0[width]d.
func validWidth(format string) bool {
	return len(format) <= 5 && strings.HasPrefix(format, "0") && strings.HasSuffix(format, "d") && digits(format[:len(format)-1])
}

func bitrate(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt32 {
		return 0
	}
	return n
}

// language is a language tag as hints carry it: "" where it is undetermined or none.
func language(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 35 || strings.EqualFold(s, "und") {
		return ""
	}
	for i := range len(s) {
		if c := s[i]; c != '-' && !letter(c) && !digit(c) {
			return ""
		}
	}
	return s
}

// trim bounds a text.
func trim(s string) string {
	s = strings.TrimSpace(s)
	return strings.ToValidUTF8(s[:min(len(s), maxText)], "")
}

func parseTime(s string) (ns int64, ok bool) {
	s = strings.TrimSpace(s)
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UnixNano(), t.Year() >= 1970 && t.Year() < 2200
		}
	}
	return 0, false
}

// parseDuration reads an xs:duration without years and months, in nanoseconds.
func parseDuration(s string) (ns int64, ok bool) {
	s, found := strings.CutPrefix(strings.TrimSpace(s), "P")
	if !found || len(s) > 32 {
		return 0, false
	}
	days, clock, _ := strings.Cut(s, "T")
	if days != "" {
		n, err := strconv.ParseUint(strings.TrimSuffix(days, "D"), 10, 16)
		if err != nil || !strings.HasSuffix(days, "D") {
			return 0, false
		}
		ns = int64(n) * 24 * int64(time.Hour)
	}
	if clock == "" {
		return ns, true
	}
	d, err := time.ParseDuration(strings.ToLower(clock))
	if err != nil || d < 0 || strings.ContainsAny(clock, "nuµμ") || d > 1<<20*time.Hour {
		return 0, false
	}
	return ns + int64(d), true
}
