package e2e

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The readers of manifests here are the tests' own: they share no code with what they check.

// A playlist is an HLS media playlist.
type playlist struct {
	target        int
	sequence      uint64
	discontinuity uint64
	skipped       uint64 // segments that a delta update leaves out
	segments      []listed
	open          listed // the segment that is not listed yet; it may have parts
}

// A part is a part of a segment, as a low-latency playlist lists it.
type part struct {
	uri      string
	duration time.Duration
	gap      bool
	line     string
}

// A listed is a segment of a media playlist.
type listed struct {
	n             uint64
	uri           string
	duration      time.Duration
	start         time.Time
	gap           bool
	discontinuity bool
	init          string // URI of the EXT-X-MAP that holds
	lines         string // its own lines as they stand, without parts: those of old segments go
	parts         []part
}

var numbered = regexp.MustCompile(`=n(\d+)\)\.m4s$`)

// parsePlaylist reads a media playlist and checks that it is consistent in itself: the number in a name is the media
// sequence number, times continue, no EXTINF exceeds the TARGETDURATION.
func parsePlaylist(text string) (*playlist, error) {
	if !strings.HasPrefix(text, "#EXTM3U\n") {
		return nil, fmt.Errorf("no playlist: %.60q", text)
	}
	p := &playlist{}
	var s listed
	initURI := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		tag, value, _ := strings.Cut(line, ":")
		var err error
		switch tag {
		case "#EXT-X-TARGETDURATION":
			p.target, err = strconv.Atoi(value)
		case "#EXT-X-MEDIA-SEQUENCE":
			p.sequence, err = strconv.ParseUint(value, 10, 64)
		case "#EXT-X-DISCONTINUITY-SEQUENCE":
			p.discontinuity, err = strconv.ParseUint(value, 10, 64)
		case "#EXT-X-DISCONTINUITY":
			s.discontinuity = true
		case "#EXT-X-MAP":
			initURI = strings.Trim(strings.TrimPrefix(value, "URI="), `"`)
		case "#EXT-X-PROGRAM-DATE-TIME":
			s.start, err = time.Parse(time.RFC3339Nano, value)
			s.lines += line + "\n"
		case "#EXT-X-SKIP":
			p.skipped, err = strconv.ParseUint(attribute(value, "SKIPPED-SEGMENTS"), 10, 64)
		case "#EXT-X-PART":
			var seconds float64
			seconds, err = strconv.ParseFloat(attribute(value, "DURATION"), 64)
			s.parts = append(s.parts, part{
				uri: attribute(value, "URI"), duration: time.Duration(seconds * float64(time.Second)),
				gap: attribute(value, "GAP") == "YES", line: line,
			})
		case "#EXT-X-GAP":
			s.gap = true
			s.lines += line + "\n"
		case "#EXTINF":
			var seconds float64
			seconds, err = strconv.ParseFloat(strings.TrimSuffix(value, ","), 64)
			s.duration = time.Duration(seconds * float64(time.Second))
			s.lines += line + "\n"
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
		if line == "" || line[0] == '#' {
			continue
		}
		s.n, s.uri, s.init = p.next(), line, initURI
		s.lines += line
		m := numbered.FindStringSubmatch(line)
		if m == nil || m[1] != strconv.FormatUint(s.n, 10) {
			return nil, fmt.Errorf("segment %d is called %s", s.n, line)
		}
		if int((s.duration + time.Second/2).Seconds()) > p.target {
			return nil, fmt.Errorf("segment %d lasts %v, with a TARGETDURATION of %d", s.n, s.duration, p.target)
		}
		if k := len(p.segments); k > 0 && !s.discontinuity {
			before := p.segments[k-1]
			if d := s.start.Sub(before.start.Add(before.duration)); d < -2*time.Millisecond || d > 2*time.Millisecond {
				return nil, fmt.Errorf("segment %d starts %v after the end of the one before", s.n, d)
			}
		}
		p.segments = append(p.segments, s)
		s = listed{}
	}
	s.n, s.init = p.next(), initURI
	if k := len(p.segments); s.start.IsZero() && k > 0 {
		s.start = p.segments[k-1].start.Add(p.segments[k-1].duration)
	}
	p.open = s
	return p, nil
}

// attribute returns the value of an attribute without its quotes, "" where there is none.
func attribute(list, name string) string {
	for _, m := range attributes.FindAllStringSubmatch(list, -1) {
		if m[1] == name {
			return strings.Trim(m[2], `"`)
		}
	}
	return ""
}

var attributes = regexp.MustCompile(`([A-Z0-9-]+)=("[^"]*"|[^,]*)`)

// next is the number of the segment that is not listed yet.
func (p *playlist) next() uint64 { return p.sequence + p.skipped + uint64(len(p.segments)) }

// last is the number of the newest listed segment.
func (p *playlist) last() uint64 { return p.next() - 1 }

// end is where the newest segment or part ends that is no GAP, zero where there is none.
func (p *playlist) end() time.Time {
	var end time.Time
	for at, i := p.open.start, 0; i < len(p.open.parts); i++ {
		at = at.Add(p.open.parts[i].duration)
		if !p.open.parts[i].gap {
			end = at
		}
	}
	if !end.IsZero() {
		return end
	}
	for i := len(p.segments) - 1; i >= 0; i-- {
		if s := p.segments[i]; !s.gap {
			return s.start.Add(s.duration)
		}
	}
	return time.Time{}
}

// media returns the segments that are no GAP.
func (p *playlist) media() []listed {
	var list []listed
	for _, s := range p.segments {
		if !s.gap {
			list = append(list, s)
		}
	}
	return list
}

// shape shows a playlist as one letter a segment: m for media, G for GAP.
func (p *playlist) shape() string {
	b := []byte(fmt.Sprintf("%d ", p.sequence))
	for _, s := range p.segments {
		if s.gap {
			b = append(b, 'G')
		} else {
			b = append(b, 'm')
		}
	}
	return string(b)
}

var playlistAttribute = regexp.MustCompile(`^#EXT-X-MEDIA:.*URI="([^"]*)"`)

// mediaPlaylists returns the URIs of the media playlists that a multivariant playlist names, each once.
func mediaPlaylists(text string) []string {
	var list []string
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		uri := line
		if m := playlistAttribute.FindStringSubmatch(line); m != nil {
			uri = m[1]
		} else if line == "" || line[0] == '#' {
			continue
		}
		if !seen[uri] {
			seen[uri] = true
			list = append(list, uri)
		}
	}
	return list
}

// resolve makes a URI that stands in a manifest absolute.
func resolve(manifest, uri string) string {
	base, err := url.Parse(manifest)
	if err != nil {
		return uri
	}
	ref, err := url.Parse(uri)
	if err != nil {
		return uri
	}
	return base.ResolveReference(ref).String()
}

// An mpd is a DASH MPD, as far as the tests read it.
type mpd struct {
	Type      string `xml:"type,attr"`
	Published string `xml:"publishTime,attr"`
	Start     string `xml:"availabilityStartTime,attr"`
	Periods   []struct {
		ID    string `xml:"id,attr"`
		Start string `xml:"start,attr"`
		Sets  []struct {
			ContentType     string `xml:"contentType,attr"`
			Representations []struct {
				ID       string `xml:"id,attr"`
				Template struct {
					Timescale int64  `xml:"timescale,attr"`
					Offset    int64  `xml:"presentationTimeOffset,attr"`
					Init      string `xml:"initialization,attr"`
					Media     string `xml:"media,attr"`
					Timeline  []struct {
						T *int64 `xml:"t,attr"`
						D int64  `xml:"d,attr"`
						R int64  `xml:"r,attr"`
					} `xml:"SegmentTimeline>S"`
				} `xml:"SegmentTemplate"`
			} `xml:"Representation"`
		} `xml:"AdaptationSet"`
	} `xml:"Period"`
}

// A timed is a segment that an MPD lists.
type timed struct {
	period, representation string
	content                string // video, audio
	uri                    string
	init                   string
	start, duration        int64 // ticks
	timescale              int64
}

// parseMPD reads an MPD and the segments in it, in order of Period, Representation and time.
func parseMPD(text []byte) (*mpd, []timed, error) {
	m := &mpd{}
	if err := xml.Unmarshal(text, m); err != nil {
		return nil, nil, err
	}
	var list []timed
	for _, period := range m.Periods {
		for _, set := range period.Sets {
			for _, r := range set.Representations {
				at := int64(0)
				for i, s := range r.Template.Timeline {
					if s.T != nil {
						if i > 0 && *s.T < at {
							return nil, nil, fmt.Errorf("%s: S@t %d lies before the end of the segment before, %d", r.ID, *s.T, at)
						}
						at = *s.T
					}
					for range s.R + 1 {
						list = append(list, timed{
							period: period.ID, representation: r.ID, content: set.ContentType, start: at, duration: s.D, timescale: r.Template.Timescale,
							init: r.Template.Init,
							uri:  strings.ReplaceAll(r.Template.Media, "$Time$", strconv.FormatInt(at, 10)),
						})
						at += s.D
					}
				}
			}
		}
	}
	return m, list, nil
}
