package hls

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// A mediaPlaylist is a media playlist as a strict player reads it.
type mediaPlaylist struct {
	target, sequence, discontinuities uint64
	segments                          []segment
	ended, keyFrames                  bool

	control, partTarget string  // of low latency: SERVER-CONTROL and PART-TARGET as they stand
	longest             float64 // of its parts
	open                segment
	hint, mapHint       string
	reports             []report
	skipped             int
}

// A report is an EXT-X-RENDITION-REPORT.
type report struct {
	uri       string
	msn, part int64 // part: -1 where none is said
}

type segment struct {
	number, discontinuity uint64
	duration              float64
	at                    time.Time
	gap                   bool
	uri, init             string
	parts                 string // the lines of its parts
}

// checkMedia fails the test where a media playlist breaks a rule of RFC 8216bis or of weir, and reads it.
func checkMedia(t *testing.T, b []byte) *mediaPlaylist {
	t.Helper()
	pl, err := parseMedia(b)
	if err != nil {
		t.Fatalf("%v in\n%s", err, b)
	}
	return pl
}

// playlistLines checks what holds for every playlist (4.1) and returns its lines after the first two.
func playlistLines(b []byte) ([]string, error) {
	if !utf8.Valid(b) || bytes.HasPrefix(b, []byte("\ufeff")) {
		return nil, fmt.Errorf("not UTF-8, or with a BOM")
	}
	for _, r := range string(b) {
		if r != '\n' && (r < ' ' || 0x7f <= r && r <= 0x9f) {
			return nil, fmt.Errorf("control character %U", r)
		}
	}
	text, ok := strings.CutPrefix(string(b), "#EXTM3U\n#EXT-X-VERSION:6\n")
	if !ok && bytes.Contains(b, []byte("\n#EXT-X-SKIP:")) {
		text, ok = strings.CutPrefix(string(b), "#EXTM3U\n#EXT-X-VERSION:9\n")
	}
	if !ok {
		return nil, fmt.Errorf("does not begin with EXTM3U and version 6, or 9 where it skips")
	}
	if text, ok = strings.CutSuffix(text, "\n"); !ok {
		return nil, fmt.Errorf("last line does not end")
	}
	lines := strings.Split(text, "\n")
	for _, l := range lines {
		if l == "" || strings.TrimSpace(l) != l {
			return nil, fmt.Errorf("line %q is empty or has white space around it", l)
		}
	}
	return lines, nil
}

var (
	decimal  = regexp.MustCompile(`^[0-9]{1,20}$`)
	duration = regexp.MustCompile(`^[0-9]+\.[0-9]{6},$`)
)

func parseMedia(b []byte) (*mediaPlaylist, error) {
	lines, err := playlistLines(b)
	if err != nil {
		return nil, err
	}
	pl, seen := &mediaPlaylist{}, map[string]bool{}
	var next segment
	var extinf, fresh, mapped bool // fresh: a discontinuity, or the start; mapped: EXT-X-MAP since then
	fresh = true
	for i, l := range lines {
		tag, value, _ := strings.Cut(l, ":")
		fail := func(format string, args ...any) error {
			return fmt.Errorf("line %d (%s): %s", i+3, l, fmt.Sprintf(format, args...))
		}
		header := func(to *uint64) error {
			switch {
			case seen[tag]:
				return fail("twice")
			case len(pl.segments) > 0 || mapped || !next.at.IsZero():
				return fail("after the first segment's tags")
			case !decimal.MatchString(value):
				return fail("not a decimal-integer")
			}
			seen[tag] = true
			*to, err = strconv.ParseUint(value, 10, 64)
			return err
		}
		var err error
		switch tag {
		case "#EXT-X-TARGETDURATION":
			err = header(&pl.target)
		case "#EXT-X-MEDIA-SEQUENCE":
			err = header(&pl.sequence)
		case "#EXT-X-DISCONTINUITY-SEQUENCE":
			err = header(&pl.discontinuities)
			next.discontinuity = pl.discontinuities
		case "#EXT-X-I-FRAMES-ONLY":
			if pl.keyFrames || value != "" || len(pl.segments) > 0 || mapped || !next.at.IsZero() {
				err = fail("twice, with a value, or after the first segment's tags")
			}
			pl.keyFrames = true
		case "#EXT-X-DISCONTINUITY":
			if len(pl.segments) == 0 && pl.skipped == 0 || extinf || !next.at.IsZero() {
				err = fail("not between two segments")
			}
			next.discontinuity++
			fresh, mapped = true, false
		case "#EXT-X-MAP":
			var a attributes
			if a, err = parseAttributes(value); err != nil {
				break
			}
			uri, ok := a.quoted("URI")
			if !ok || len(a) != 1 {
				err = fail("must have a URI and nothing else")
			}
			if !fresh && uri != next.init {
				err = fail("another init segment without a discontinuity")
			}
			next.init, mapped = uri, true
		case "#EXT-X-PROGRAM-DATE-TIME":
			if !next.at.IsZero() {
				err = fail("twice for a segment")
				break
			}
			next.at, err = time.Parse("2006-01-02T15:04:05.000Z", value)
			if n := len(pl.segments); err == nil && n > 0 && !fresh {
				last := pl.segments[n-1]
				off := next.at.Sub(last.at).Seconds() - last.duration
				if math.Abs(off) > 0.0011 {
					err = fail("%v after the segment before it ended", off)
				}
			}
			if err == nil && len(pl.segments) > 0 && fresh && next.at.Before(pl.segments[len(pl.segments)-1].at) {
				err = fail("time goes back")
			}
		case "#EXT-X-GAP":
			if next.gap {
				err = fail("twice for a segment")
			}
			next.gap = true
		case "#EXTINF":
			if extinf || !duration.MatchString(value) {
				err = fail("twice, or not a decimal-floating-point with an empty title")
				break
			}
			if next.parts != "" && !next.gap {
				if sum := partsTotal(next.parts); strconv.FormatFloat(sum, 'f', 6, 64)+"," != value {
					err = fail("its parts last %v", sum)
					break
				}
			}
			extinf = true
			next.duration, err = strconv.ParseFloat(strings.TrimSuffix(value, ","), 64)
			if err == nil && (next.duration <= 0 || uint64(math.Round(next.duration)) > pl.target) {
				err = fail("nothing, or longer than the TARGETDURATION %d", pl.target)
			}
		case "#EXT-X-SERVER-CONTROL":
			if pl.control != "" || len(pl.segments) > 0 || mapped {
				err = fail("twice, or late")
			}
			pl.control = value
		case "#EXT-X-PART-INF":
			if pl.partTarget != "" || pl.control == "" {
				err = fail("twice, or without SERVER-CONTROL")
			}
			pl.partTarget = strings.TrimPrefix(value, "PART-TARGET=")
		case "#EXT-X-SKIP":
			if pl.skipped > 0 || len(pl.segments) > 0 || mapped || pl.control == "" {
				err = fail("twice, late, or without SERVER-CONTROL")
			} else if pl.skipped, err = strconv.Atoi(strings.TrimPrefix(value, "SKIPPED-SEGMENTS=")); err == nil && pl.skipped <= 0 {
				err = fail("skips nothing")
			}
		case "#EXT-X-PART":
			err = pl.part(value, &next, extinf)
		case "#EXT-X-PRELOAD-HINT":
			err = pl.hinted(value)
		case "#EXT-X-RENDITION-REPORT":
			err = pl.reported(value)
		case "#EXT-X-ENDLIST":
			if pl.control != "" {
				err = fail("in a playlist of low latency")
			}
			if i != len(lines)-1 {
				err = fail("not last")
			}
			pl.ended = true
		default:
			switch {
			case strings.HasPrefix(l, "#"):
				err = fail("unknown tag")
			case !extinf:
				err = fail("URI without EXTINF")
			case next.init == "":
				err = fail("fMP4 segment without EXT-X-MAP")
			case next.at.IsZero():
				err = fail("segment without PROGRAM-DATE-TIME")
			}
			if err == nil {
				err = checkURI(l)
			}
			if pl.hint != "" || len(pl.reports) > 0 {
				err = fail("after a hint or a report")
			}
			next.uri, next.number = l, pl.sequence+uint64(pl.skipped+len(pl.segments))
			pl.segments = append(pl.segments, next)
			next = segment{init: next.init, discontinuity: next.discontinuity}
			extinf, fresh = false, false
		}
		if err != nil {
			return nil, err
		}
	}
	for _, tag := range []string{"#EXT-X-TARGETDURATION", "#EXT-X-MEDIA-SEQUENCE", "#EXT-X-DISCONTINUITY-SEQUENCE"} {
		if !seen[tag] {
			return nil, fmt.Errorf("no %s", tag)
		}
	}
	if next.parts != "" {
		next.number = pl.sequence + uint64(pl.skipped+len(pl.segments))
		pl.open = next
		next = segment{}
	}
	if extinf || next.gap || !next.at.IsZero() {
		return nil, fmt.Errorf("tags of a segment that does not come")
	}
	return pl, nil
}

var uriReference = regexp.MustCompile(`^(?:[A-Za-z0-9._~()=,/-]|%[0-9A-F]{2})+$`)

// checkURI refuses what is not a relative path in the letters of RFC 3986.
func checkURI(uri string) error {
	if !uriReference.MatchString(uri) || uri[0] == '/' {
		return fmt.Errorf("URI %q is not a relative path", uri)
	}
	return nil
}

// attributes is an attribute-list: values as they stand, quotes included.
type attributes map[string]string

// quoted is the content of a quoted-string.
func (a attributes) quoted(name string) (string, bool) {
	v, ok := a[name]
	if !ok || len(v) < 3 || v[0] != '"' {
		return "", false
	}
	return v[1 : len(v)-1], true
}

var attribute = regexp.MustCompile(`^([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)(,|$)`)

// parseAttributes reads an attribute-list (4.2).
func parseAttributes(s string) (attributes, error) {
	a := attributes{}
	for s != "" {
		m := attribute.FindStringSubmatch(s)
		if m == nil {
			return nil, fmt.Errorf("attribute list ends with %q", s)
		}
		if _, twice := a[m[1]]; twice {
			return nil, fmt.Errorf("attribute %s twice", m[1])
		}
		a[m[1]] = m[2]
		if s = s[len(m[0]):]; s == "" && m[3] == "," {
			return nil, fmt.Errorf("attribute list ends with a comma")
		}
	}
	return a, nil
}
