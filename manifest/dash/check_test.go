package dash

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The types of the schema that weir uses, as a strict player reads them.
type (
	mpd struct {
		Type                       string      `xml:"type,attr"`
		Profiles                   string      `xml:"profiles,attr"`
		AvailabilityStartTime      string      `xml:"availabilityStartTime,attr"`
		PublishTime                string      `xml:"publishTime,attr"`
		MediaPresentationDuration  string      `xml:"mediaPresentationDuration,attr"`
		MinimumUpdatePeriod        string      `xml:"minimumUpdatePeriod,attr"`
		TimeShiftBufferDepth       string      `xml:"timeShiftBufferDepth,attr"`
		SuggestedPresentationDelay string      `xml:"suggestedPresentationDelay,attr"`
		MinBufferTime              string      `xml:"minBufferTime,attr"`
		MaxSegmentDuration         string      `xml:"maxSegmentDuration,attr"`
		Service                    []service   `xml:"ServiceDescription"`
		Periods                    []mpdPeriod `xml:"Period"`
		UTCTiming                  []descriptor
	}
	mpdPeriod struct {
		ID       string `xml:"id,attr"`
		Start    string `xml:"start,attr"`
		Duration string `xml:"duration,attr"`
		Sets     []set  `xml:"AdaptationSet"`
	}
	set struct {
		ID               uint32       `xml:"id,attr"`
		ContentType      string       `xml:"contentType,attr"`
		MimeType         string       `xml:"mimeType,attr"`
		Lang             string       `xml:"lang,attr"`
		SegmentAlignment string       `xml:"segmentAlignment,attr"`
		StartWithSAP     string       `xml:"startWithSAP,attr"`
		MaxWidth         int          `xml:"maxWidth,attr"`
		MaxHeight        int          `xml:"maxHeight,attr"`
		Channels         []descriptor `xml:"AudioChannelConfiguration"`
		MaxPlayoutRate   int          `xml:"maxPlayoutRate,attr"`
		CodingDependency string       `xml:"codingDependency,attr"`
		References       []reference  `xml:"ProducerReferenceTime"`
		Essential        []descriptor `xml:"EssentialProperty"`
		Accessibility    []descriptor
		Roles            []descriptor     `xml:"Role"`
		Representations  []representation `xml:"Representation"`
	}
	representation struct {
		ID                string `xml:"id,attr"`
		Codecs            string `xml:"codecs,attr"`
		Bandwidth         int    `xml:"bandwidth,attr"`
		Width             int    `xml:"width,attr"`
		Height            int    `xml:"height,attr"`
		FrameRate         string `xml:"frameRate,attr"`
		SAR               string `xml:"sar,attr"`
		AudioSamplingRate string `xml:"audioSamplingRate,attr"`
		Resync            []resync
		Template          struct {
			Timescale      int64  `xml:"timescale,attr"`
			Offset         int64  `xml:"presentationTimeOffset,attr"`
			Duration       int64  `xml:"duration,attr"`
			StartNumber    int64  `xml:"startNumber,attr"`
			Early          string `xml:"availabilityTimeOffset,attr"`
			Complete       string `xml:"availabilityTimeComplete,attr"`
			Initialization string `xml:"initialization,attr"`
			Media          string `xml:"media,attr"`
			S              []s    `xml:"SegmentTimeline>S"`
		} `xml:"SegmentTemplate"`
	}
	s struct {
		T *int64 `xml:"t,attr"`
		D int64  `xml:"d,attr"`
		R int    `xml:"r,attr"`
	}
	descriptor struct {
		Scheme string `xml:"schemeIdUri,attr"`
		Value  string `xml:"value,attr"`
	}
	// A span is one segment of a timeline.
	span struct{ start, duration int64 }
)

// checkMPD fails the test where an MPD breaks a rule of ISO/IEC 23009-1 or of weir, and reads it.
func checkMPD(t *testing.T, b []byte) *mpd {
	t.Helper()
	m, err := parseMPD(b)
	if err != nil {
		t.Fatalf("%v in\n%s", err, b)
	}
	return m
}

// order is the order of children in the schema, whose sequences are strict, for the elements that weir writes.
var order = map[string][]string{
	"MPD":                   {"ServiceDescription", "Period", "UTCTiming"},
	"ServiceDescription":    {"Latency", "PlaybackRate"},
	"Period":                {"AdaptationSet"},
	"AdaptationSet":         {"AudioChannelConfiguration", "EssentialProperty", "ProducerReferenceTime", "Accessibility", "Role", "Representation"},
	"ProducerReferenceTime": {"UTCTiming"},
	"Representation":        {"Resync", "SegmentTemplate"},
	"SegmentTemplate":       {"SegmentTimeline"},
	"SegmentTimeline":       {"S"},
}

// checkOrder checks that every element stands where the schema has it, and that nothing else is there.
func checkOrder(b []byte) error {
	type open struct {
		name  string
		child int
	}
	var stack []open
	for d := xml.NewDecoder(bytes.NewReader(b)); ; {
		token, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch e := token.(type) {
		case xml.StartElement:
			if e.Name.Space != "urn:mpeg:dash:schema:mpd:2011" {
				return fmt.Errorf("element %v in a foreign namespace", e.Name)
			}
			names := map[string]bool{}
			for _, a := range e.Attr {
				if names[a.Name.Local] {
					return fmt.Errorf("attribute %s twice", a.Name.Local)
				}
				names[a.Name.Local] = true
			}
			if n := len(stack); n > 0 {
				parent := &stack[n-1]
				i := slices.Index(order[parent.name], e.Name.Local)
				if i < parent.child {
					return fmt.Errorf("%s stands in %s where it must not", e.Name.Local, parent.name)
				}
				parent.child = i
			}
			stack = append(stack, open{name: e.Name.Local})
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(bytes.TrimSpace(e)) > 0 {
				return fmt.Errorf("text %q", e)
			}
		}
	}
}

func parseMPD(b []byte) (*mpd, error) {
	if !bytes.HasPrefix(b, []byte(`<?xml version="1.0" encoding="UTF-8"?>`+"\n<MPD ")) {
		return nil, fmt.Errorf("does not begin as an MPD")
	}
	if err := checkOrder(b); err != nil {
		return nil, err
	}
	m := &mpd{}
	if err := xml.Unmarshal(b, m); err != nil {
		return nil, err
	}
	return m, m.check()
}

var xsDuration = regexp.MustCompile(`^PT[0-9]+(\.[0-9]{0,8}[1-9])?S$`)

// seconds reads an xs:duration in seconds; it gives NaN where it is not one.
func seconds(s string) float64 {
	if !xsDuration.MatchString(s) {
		return math.NaN()
	}
	var f float64
	fmt.Sscanf(strings.Trim(s, "PTS"), "%g", &f)
	return f
}

func (m *mpd) check() error {
	if _, err := time.Parse("2006-01-02T15:04:05.000Z", m.PublishTime); err != nil {
		return err
	}
	if m.AvailabilityStartTime != "1970-01-01T00:00:00Z" || len(m.Periods) == 0 {
		return fmt.Errorf("availabilityStartTime is not the epoch, or there is no Period")
	}
	if !(seconds(m.MinBufferTime) >= 1) || !(seconds(m.MaxSegmentDuration) > 0) {
		return fmt.Errorf("minBufferTime or maxSegmentDuration is missing")
	}
	switch m.Type {
	case "dynamic":
		if !(seconds(m.MinimumUpdatePeriod) > 0) || !(seconds(m.TimeShiftBufferDepth) > 0) ||
			!(seconds(m.SuggestedPresentationDelay) > 0) || m.MediaPresentationDuration != "" {
			if m.numbered() && m.MinimumUpdatePeriod+m.SuggestedPresentationDelay == "" && seconds(m.MediaPresentationDuration) > 0 {
				break // over
			}
			return fmt.Errorf("attributes of a dynamic MPD")
		}
	case "static":
		if !(seconds(m.MediaPresentationDuration) > 0) || m.MinimumUpdatePeriod+m.TimeShiftBufferDepth+m.SuggestedPresentationDelay != "" {
			return fmt.Errorf("attributes of a static MPD")
		}
	default:
		return fmt.Errorf("type %q", m.Type)
	}
	if len(m.UTCTiming) != 1 || m.UTCTiming[0] != clock {
		return fmt.Errorf("UTCTiming %v", m.UTCTiming)
	}
	if err := m.checkLow(); err != nil {
		return err
	}
	ids := map[string]bool{}
	for i := range m.Periods {
		p := &m.Periods[i]
		if ids[p.ID] || p.ID == "" || strings.ContainsAny(p.ID, " \t") {
			return fmt.Errorf("Period id %q is empty or twice", p.ID)
		}
		ids[p.ID] = true
		next := math.Inf(1)
		if i+1 < len(m.Periods) {
			next = seconds(m.Periods[i+1].Start)
		}
		if err := p.check(m, next); err != nil {
			return fmt.Errorf("Period %s: %w", p.ID, err)
		}
	}
	return nil
}

// check checks a Period that is followed by one which starts at next.
func (p *mpdPeriod) check(m *mpd, next float64) error {
	start := seconds(p.Start)
	if !(start > 0) || !(next > start) {
		return fmt.Errorf("start %s, the next at %v", p.Start, next)
	}
	if (p.Duration != "") != (m.MediaPresentationDuration != "" && math.IsInf(next, 1)) {
		return fmt.Errorf("a duration stands on the last Period of what is over, and nowhere else")
	}
	ids, reps := map[uint32]bool{}, map[string]bool{}
	latest := start
	for i := range p.Sets {
		a := &p.Sets[i]
		if ids[a.ID] || a.ID > math.MaxInt32 {
			return fmt.Errorf("AdaptationSet id %d is twice or too large", a.ID)
		}
		ids[a.ID] = true
		err := a.check()
		if err == nil && len(a.Essential) > 0 {
			err = a.checkTrick(p.Sets[:i])
		}
		if err != nil {
			return fmt.Errorf("AdaptationSet %d: %w", a.ID, err)
		}
		for j := range a.Representations {
			r := &a.Representations[j]
			if reps[r.ID] {
				return fmt.Errorf("Representation id %q twice", r.ID)
			}
			reps[r.ID] = true
			end, err := r.check(m, start)
			if err != nil {
				return fmt.Errorf("Representation %s: %w", r.ID, err)
			}
			latest = max(latest, end)
		}
	}
	if latest > next+0.05 { // audio may hold on for a frame or two
		return fmt.Errorf("segments end at %v, the next Period starts at %v", latest, next)
	}
	if p.Duration != "" && !m.numbered() {
		if d := seconds(p.Duration); math.Abs(start+d-latest) > 1e-3 || math.Abs(start+d-seconds(m.MediaPresentationDuration)) > 1e-3 {
			return fmt.Errorf("duration %s, but segments end at %v and the presentation at %s", p.Duration, latest, m.MediaPresentationDuration)
		}
	}
	return nil
}
