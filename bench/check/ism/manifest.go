package ism

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"weir/bench/check/xmltree"
)

// Bounds on what is believed of a manifest.
const (
	maxStreams = 64
	maxLevels  = 64      // of a stream
	maxChunks  = 200_000 // of all streams
	maxFaults  = 200
	maxPrivate = 4096 // bytes of CodecPrivateData
)

// ErrNoManifest means that the document is no Smooth manifest: nothing further can be said of it.
var ErrNoManifest = errors.New("no SmoothStreamingMedia")

// A Manifest is one client manifest.
type Manifest struct {
	Root      *xmltree.Element
	Live      bool
	TimeScale int64
	Duration  int64
	Lookahead int
	Window    int64 // DVRWindowLength; 0: all
	Minor     string
	Streams   []*Stream
	Faults    []Fault
}

// A Stream is one StreamIndex.
type Stream struct {
	Element   *xmltree.Element
	Type      string
	Name      string
	Language  string
	TimeScale int64
	URL       string // template
	Sparse    bool   // ParentStreamIndex: fragments come when there is something
	Levels    []*Level
	Chunks    []Chunk
}

// A Level is one QualityLevel.
type Level struct {
	Element    *xmltree.Element
	Bitrate    int64
	FourCC     string
	Private    []byte
	Width      int
	Height     int
	Rate       int
	Channels   int
	NALULength int
	Attributes string // CustomAttributes as the URL wants them
}

// A Chunk is one c, spelled out.
type Chunk struct {
	Element  *xmltree.Element
	Time     int64
	Duration int64 // where it is not said, up to the next one: over a hole, if there is one; 0: nothing follows
	Said     bool  // d is written
}

// Told is the duration that is written, 0 where none is.
func (c Chunk) Told() int64 {
	if c.Said {
		return c.Duration
	}
	return 0
}

// A Fault is something that the specification forbids, with the number of the assertion that says so.
type Fault struct {
	Assertion int
	At        string
	Said      string
	True      string
}

// Parse reads a client manifest. What is wrong with it stands in Faults; only what is not well-formed, no Smooth
// manifest, or beyond the limits is an error.
//
// Source: [MS-SSTR] 2.2.2.
func Parse(b []byte) (*Manifest, error) {
	root, err := xmltree.Parse(b)
	if err != nil {
		return nil, err
	}
	if root.Name != "SmoothStreamingMedia" {
		return nil, ErrNoManifest
	}
	r := reader{m: &Manifest{Root: root, TimeScale: 10_000_000}}
	return r.m, r.read(root)
}

type reader struct {
	m     *Manifest
	total int // chunks
}

func (r *reader) fault(assertion int, e *xmltree.Element, said, truth string) {
	if len(r.m.Faults) < maxFaults {
		r.m.Faults = append(r.m.Faults, Fault{assertion, e.Path(), said, truth})
	}
}

// number reads an attribute that is an unsigned integer; fallback where it is not there.
func (r *reader) number(assertion int, e *xmltree.Element, name string, fallback int64) int64 {
	v, ok := e.Attr(name)
	if !ok {
		return fallback
	}
	n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 63)
	if err != nil || n < 0 {
		r.fault(assertion, e, name+"="+strconv.Quote(v), "an unsigned integer")
		return fallback
	}
	return n
}

func (r *reader) read(root *xmltree.Element) error {
	m := r.m
	m.Live = strings.EqualFold(root.Get("IsLive"), "TRUE")
	m.TimeScale = max(1, r.number(98, root, "TimeScale", 10_000_000))
	m.Duration = r.number(98, root, "Duration", -1)
	m.Lookahead = int(min(r.number(98, root, "LookaheadCount", r.number(98, root, "LookAheadFragmentCount", 0)), 100))
	m.Window = r.number(98, root, "DVRWindowLength", 0)
	m.Minor = root.Get("MinorVersion")
	if root.Get("MajorVersion") != "2" {
		r.fault(98, root, "MajorVersion="+strconv.Quote(root.Get("MajorVersion")), "2")
	}
	if m.Minor != "0" && m.Minor != "1" && m.Minor != "2" {
		r.fault(98, root, "MinorVersion="+strconv.Quote(m.Minor), "0, or 2 where c@r is used")
	}
	switch {
	case m.Duration < 0:
		r.fault(98, root, "no Duration", "the attribute is required")
	case m.Live && m.Duration != 0:
		r.fault(98, root, fmt.Sprintf("Duration=%d", m.Duration), "0 while live")
	case !m.Live && m.Duration == 0:
		r.fault(98, root, "Duration=0", "how long it is, once it is over")
	}
	list := root.All("StreamIndex")
	if len(list) > maxStreams {
		return fmt.Errorf("%d StreamIndex elements: more than %d", len(list), maxStreams)
	}
	names := map[string]bool{}
	for _, e := range list {
		s, err := r.stream(e)
		if err != nil {
			return err
		}
		if key := strings.ToLower(s.Name); names[key] {
			r.fault(98, e, "Name="+strconv.Quote(s.Name), "each stream has a name of its own")
		} else {
			names[key] = true
		}
		m.Streams = append(m.Streams, s)
	}
	if len(list) == 0 {
		r.fault(98, root, "no StreamIndex", "one at least")
	}
	return nil
}

func (r *reader) stream(e *xmltree.Element) (*Stream, error) {
	s := &Stream{Element: e, Type: e.Get("Type"), Name: e.Get("Name"), Language: e.Get("Language"), URL: e.Get("Url")}
	s.TimeScale = max(1, r.number(98, e, "TimeScale", r.m.TimeScale))
	s.Sparse = e.Get("ParentStreamIndex") != ""
	if s.Name == "" {
		s.Name = s.Type
	}
	switch s.Type {
	case "video", "audio":
	case "text":
		if e.Get("Subtype") == "" {
			r.fault(98, e, "no Subtype", "a text stream has one")
		}
	default:
		r.fault(98, e, "Type="+strconv.Quote(s.Type), "video, audio or text")
	}
	if !strings.Contains(s.URL, "{start time}") && !strings.Contains(s.URL, "{start_time}") {
		r.fault(98, e, "Url="+strconv.Quote(s.URL), "a template with {bitrate} and {start time}")
	}
	levels := e.All("QualityLevel")
	if len(levels) > maxLevels {
		return nil, fmt.Errorf("%d QualityLevel elements: more than %d", len(levels), maxLevels)
	}
	if n := r.number(98, e, "QualityLevels", -1); n != int64(len(levels)) {
		r.fault(98, e, fmt.Sprintf("QualityLevels=%d", n), fmt.Sprintf("%d elements are there", len(levels)))
	}
	bitrates := map[string]bool{}
	for i, le := range levels {
		l := r.level(le, i)
		key := fmt.Sprint(l.Bitrate, l.Attributes)
		if bitrates[key] {
			r.fault(98, le, fmt.Sprintf("Bitrate=%d", l.Bitrate), "levels of a stream differ in it: URLs tell them apart by it")
		}
		bitrates[key] = true
		s.Levels = append(s.Levels, l)
	}
	return s, r.chunks(s)
}

func (r *reader) level(e *xmltree.Element, index int) *Level {
	l := &Level{Element: e, FourCC: e.Get("FourCC")}
	l.Bitrate = r.number(98, e, "Bitrate", -1)
	l.Width, l.Height = int(r.number(98, e, "MaxWidth", 0)), int(r.number(98, e, "MaxHeight", 0))
	l.Rate, l.Channels = int(r.number(98, e, "SamplingRate", 0)), int(r.number(98, e, "Channels", 0))
	l.NALULength = int(min(r.number(98, e, "NALUnitLengthField", 4), 4))
	if l.Bitrate <= 0 {
		r.fault(98, e, "Bitrate="+strconv.Quote(e.Get("Bitrate")), "bits per second")
	}
	if n := r.number(98, e, "Index", int64(index)); n != int64(index) {
		r.fault(98, e, fmt.Sprintf("Index=%d", n), fmt.Sprintf("%d: levels are counted from 0", index))
	}
	text := e.Get("CodecPrivateData")
	private, err := hex.DecodeString(text)
	if err != nil || len(private) > maxPrivate {
		r.fault(99, e, "CodecPrivateData="+strconv.Quote(text[:min(len(text), 40)]), "hexadecimal digits, two a byte")
	} else {
		l.Private = private
	}
	var pairs []string
	for _, c := range e.All("CustomAttributes") {
		for _, a := range c.All("Attribute") {
			pairs = append(pairs, a.Get("Name")+"="+a.Get("Value"))
		}
	}
	l.Attributes = strings.Join(pairs, ",")
	return l
}

// chunks spells the c elements out.
//
// Source: [MS-SSTR] 2.2.2.6; r is a total count.
func (r *reader) chunks(s *Stream) error {
	list := s.Element.All("c")
	known, next := false, int64(0)
	for i, e := range list {
		t := next
		if _, ok := e.Attr("t"); ok {
			t = r.number(100, e, "t", next)
			if len(s.Chunks) > 0 {
				before := &s.Chunks[len(s.Chunks)-1]
				if before.Duration == 0 && t > before.Time {
					before.Duration = t - before.Time
				} else if t < before.Time+before.Duration {
					r.fault(104, e, fmt.Sprintf("t=%d", t), fmt.Sprintf("the chunk before ends at %d", before.Time+before.Duration))
				}
			}
		} else if i > 0 && !known {
			r.fault(104, e, "no t", "the chunk before says no d: t is needed")
			return nil
		}
		d := r.number(104, e, "d", 0)
		count := int64(1)
		if _, ok := e.Attr("r"); ok {
			count = r.number(104, e, "r", 1)
			if count < 1 {
				r.fault(104, e, "r=0", "how often the chunk comes, once at least")
				count = 1
			}
			if r.m.Minor == "0" {
				r.fault(98, e, fmt.Sprintf("r=%d in version 2.0", count), "MinorVersion 2 has c@r")
			}
		}
		if d == 0 && (count > 1 || i == len(list)-1) {
			r.fault(104, e, "no d", "only a next t makes up for it")
		}
		if count > int64(maxChunks-r.total) || t > 1<<61 || d > 1<<40 {
			r.fault(104, e, fmt.Sprintf("t=%d d=%d r=%d", t, d, count), fmt.Sprintf("more than %d chunks are not believed", maxChunks))
			return nil
		}
		r.total += int(count)
		for k := range count {
			s.Chunks = append(s.Chunks, Chunk{Element: e, Time: t + k*d, Duration: d, Said: d > 0})
		}
		next, known = t+count*d, d > 0
	}
	if n := r.number(104, s.Element, "Chunks", -1); n != int64(len(s.Chunks)) {
		r.fault(104, s.Element, fmt.Sprintf("Chunks=%d", n), fmt.Sprintf("the c elements make %d", len(s.Chunks)))
	}
	return nil
}

// Fragment is the URL of a fragment, relative to the manifest.
func (s *Stream) Fragment(l *Level, time int64) string {
	at := strconv.FormatInt(time, 10)
	return strings.NewReplacer(
		"{bitrate}", strconv.FormatInt(l.Bitrate, 10), "{Bitrate}", strconv.FormatInt(l.Bitrate, 10),
		"{start time}", at, "{start_time}", at, "{CustomAttributes}", url.PathEscape(l.Attributes),
	).Replace(s.URL)
}
