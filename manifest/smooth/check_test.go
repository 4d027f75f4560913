package smooth

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// A client is a client manifest as a strict reader sees it.
type client struct {
	XMLName       xml.Name      `xml:"SmoothStreamingMedia"`
	MajorVersion  int           `xml:",attr"`
	MinorVersion  int           `xml:",attr"`
	TimeScale     int64         `xml:",attr"`
	Duration      int64         `xml:",attr"`
	IsLive        string        `xml:",attr"`
	Lookahead     int           `xml:"LookaheadCount,attr"`
	DVR           int64         `xml:"DVRWindowLength,attr"`
	Streams       []streamIndex `xml:"StreamIndex"`
	Unexpected    []xml.Attr    `xml:",any,attr"`
	UnexpectedTwo []struct{}    `xml:",any"`
}

type streamIndex struct {
	Type          string         `xml:",attr"`
	Subtype       string         `xml:",attr"`
	Name          string         `xml:",attr"`
	Language      string         `xml:",attr"`
	TimeScale     int64          `xml:",attr"`
	Chunks        int            `xml:",attr"`
	Count         int            `xml:"QualityLevels,attr"`
	URL           string         `xml:"Url,attr"`
	MaxWidth      int            `xml:",attr"`
	MaxHeight     int            `xml:",attr"`
	DisplayWidth  int            `xml:",attr"`
	DisplayHeight int            `xml:",attr"`
	Levels        []qualityLevel `xml:"QualityLevel"`
	C             []struct {
		T *int64 `xml:"t,attr"`
		D *int64 `xml:"d,attr"`
		R *int   `xml:"r,attr"`
	} `xml:"c"`
	Unexpected    []xml.Attr `xml:",any,attr"`
	UnexpectedTwo []struct{} `xml:",any"`
}

type qualityLevel struct {
	Index         int        `xml:",attr"`
	Bitrate       int64      `xml:",attr"`
	FourCC        string     `xml:",attr"`
	MaxWidth      int        `xml:",attr"`
	MaxHeight     int        `xml:",attr"`
	NALUnitLength int        `xml:"NALUnitLengthField,attr"`
	SamplingRate  int        `xml:",attr"`
	Channels      int        `xml:",attr"`
	BitsPerSample int        `xml:",attr"`
	PacketSize    int        `xml:",attr"`
	AudioTag      int        `xml:",attr"`
	Private       string     `xml:"CodecPrivateData,attr"`
	Unexpected    []xml.Attr `xml:",any,attr"`
}

// A chunk is one of a stream; duration 0: it says none, because a hole follows.
type chunk struct {
	stream         string
	time, duration int64
}

func (c chunk) String() string { return fmt.Sprintf("%s %d+%d", c.stream, c.time, c.duration) }

var hexDigits = regexp.MustCompile(`^([0-9A-F]{2})*$`)

// check reads a client manifest as strictly as its specification allows.
func check(t *testing.T, b []byte) *client {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, b)
		}
	}
	var m client
	if err := xml.Unmarshal(b, &m); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf(format+"\n%s", append(args, b)...)
	}
	if m.MajorVersion != 2 || m.MinorVersion != 0 && m.MinorVersion != 2 || m.TimeScale != 10_000_000 || len(m.Unexpected)+len(m.UnexpectedTwo) > 0 {
		fail("the root is %+v", m)
	}
	if live := m.IsLive == "TRUE"; live != (m.Duration == 0) || live != (m.Lookahead == Lookahead) || !live && m.IsLive != "" {
		fail("live %q, duration %d, look-ahead %d", m.IsLive, m.Duration, m.Lookahead)
	}
	names, levels := map[string]bool{}, map[string]bool{}
	for i := range m.Streams {
		s := &m.Streams[i]
		if names[strings.ToLower(s.Name)] || s.Name == "" {
			fail("two streams are called %q", s.Name)
		}
		names[strings.ToLower(s.Name)] = true
		s.check(fail, m.MinorVersion)
		for _, q := range s.Levels {
			if key := fmt.Sprint(s.Type, q.Bitrate); levels[key] {
				fail("two levels of %d", q.Bitrate)
			}
			levels[fmt.Sprint(s.Name, q.Bitrate)] = true
		}
	}
	return &m
}

func (s *streamIndex) check(fail func(string, ...any), minor int) {
	if len(s.Unexpected)+len(s.UnexpectedTwo) > 0 || s.Count != len(s.Levels) || s.Count == 0 || s.TimeScale <= 0 {
		fail("stream %s: %d levels, %d said; %v", s.Name, len(s.Levels), s.Count, s.Unexpected)
	}
	name, rest, _ := strings.Cut(strings.TrimPrefix(s.URL, "QualityLevels({bitrate})/Fragments("), "=")
	if got, err := url.PathUnescape(name); err != nil || legalName(got) != s.Name || rest != "{start time})" {
		fail("stream %s: Url %s", s.Name, s.URL)
	}
	width, height := 0, 0
	for i, q := range s.Levels {
		width, height = max(width, q.MaxWidth), max(height, q.MaxHeight)
		if q.Index != i || q.Bitrate <= 0 || q.FourCC == "" || !hexDigits.MatchString(q.Private) || len(q.Unexpected) > 0 {
			fail("stream %s: level %+v", s.Name, q)
		}
		switch s.Type {
		case "video":
			if !strings.HasPrefix(q.Private, "00000001") || q.MaxWidth == 0 || q.SamplingRate != 0 {
				fail("stream %s: level %+v", s.Name, q)
			}
		case "audio":
			if q.Private == "" || q.SamplingRate == 0 || q.Channels == 0 || q.AudioTag != 255 || q.MaxWidth != 0 {
				fail("stream %s: level %+v", s.Name, q)
			}
		case "text":
			if q.Private != "" || s.Subtype == "" {
				fail("stream %s: level %+v", s.Name, q)
			}
		default:
			fail("stream %s is %s", s.Name, s.Type)
		}
	}
	if width != s.MaxWidth || height != s.MaxHeight || width != s.DisplayWidth || height != s.DisplayHeight {
		fail("stream %s: %dx%d", s.Name, s.MaxWidth, s.MaxHeight)
	}
	list, err := s.list()
	if err != nil || len(list) != s.Chunks || len(list) == 0 {
		fail("stream %s: %d chunks, %d said: %v", s.Name, len(list), s.Chunks, err)
	}
	for i, c := range s.C {
		if c.R != nil && (minor == 0 || *c.R < 2) {
			fail("stream %s: chunk %d repeats %d times in version 2.%d", s.Name, i, *c.R, minor)
		}
		if i > 0 && c.T != nil && s.C[i-1].D != nil {
			fail("stream %s: chunk %d says its time, and the one before its duration", s.Name, i)
		}
	}
}

// list expands the c elements.
func (s *streamIndex) list() (all []chunk, err error) {
	next, known := int64(0), false
	for i, c := range s.C {
		if c.T != nil {
			if known || len(all) > 0 && *c.T <= next {
				return all, fmt.Errorf("time %d after %d", *c.T, next)
			}
			next, known = *c.T, true
		}
		if !known {
			return all, fmt.Errorf("no time at %d", i)
		}
		count, duration := 1, int64(0)
		if c.R != nil {
			count = *c.R
		}
		if c.D != nil {
			duration = *c.D
		} else if count > 1 || i == len(s.C)-1 {
			return all, fmt.Errorf("no duration at %d", i)
		}
		for range count {
			all = append(all, chunk{s.Name, next, duration})
			next += duration
		}
		known = c.D != nil
	}
	return all, nil
}

// chunks are those of all streams.
func (m *client) chunks() (all []chunk) {
	for i := range m.Streams {
		list, _ := m.Streams[i].list()
		all = append(all, list...)
	}
	return all
}

// legalName is the name as XML can hold it.
func legalName(s string) string {
	var out strings.Builder
	for _, r := range s {
		if r < ' ' || r == 0xfffe || r == 0xffff {
			r = 0xfffd
		}
		out.WriteRune(r)
	}
	return out.String()
}
