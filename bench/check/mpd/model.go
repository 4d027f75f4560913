package mpd

import (
	"time"

	"weir/bench/check/xmltree"
)

// Bounds on what is believed of an MPD.
const (
	maxPeriods         = 256
	maxRepresentations = 1024
	maxSegments        = 200_000 // of all timelines
	maxFaults          = 200
)

// An MPD is one version of a manifest.
type MPD struct {
	Root              *xmltree.Element
	Dynamic           bool
	AvailabilityStart time.Time
	HasStart          bool
	Published         time.Time
	HasPublished      bool
	UpdatePeriod      time.Duration
	HasUpdatePeriod   bool
	BufferDepth       time.Duration // 0: all
	Duration          time.Duration // mediaPresentationDuration
	MaxSegment        time.Duration
	Periods           []*Period
	Faults            []Fault
}

// A Period is one period with its place in time.
type Period struct {
	Element  *xmltree.Element
	ID       string
	Start    time.Duration // from availabilityStartTime
	Duration time.Duration // 0: not said
	Sets     []*Set
}

// A Set is an AdaptationSet.
type Set struct {
	Element         *xmltree.Element
	ID              string
	ContentType     string
	Language        string
	TrickMode       string // id of the main set, where this one is for trick play
	Representations []*Representation
}

// A Representation is one rendition, with what it inherits from its set.
type Representation struct {
	Element   *xmltree.Element
	Period    *Period
	Set       *Set
	ID        string
	Bandwidth int64
	Codecs    string
	MimeType  string
	Width     int
	Height    int
	FrameRate string
	Rate      int // audioSamplingRate
	Channels  string
	BaseURL   string // of the chain of BaseURLs, relative to the manifest
	Template  Template
	Segments  []Segment // of a SegmentTimeline or SegmentList; for @duration see Numbered
}

// A Template is a SegmentTemplate (or SegmentList) after inheritance.
type Template struct {
	Element     *xmltree.Element // the innermost
	Timescale   int64
	Offset      int64 // presentationTimeOffset
	Start       int64 // startNumber
	Duration    int64 // ticks; 0: a timeline says
	Init        string
	Media       string
	Early       time.Duration // availabilityTimeOffset
	Incomplete  bool          // availabilityTimeComplete is false: segments can be had while they grow
	HasTimeline bool
}

// A Segment is one entry of a timeline, spelled out.
type Segment struct {
	Element  *xmltree.Element // its S
	Number   int64
	Time     int64 // ticks
	Duration int64
	URL      string
}

// A Fault is something that the standard forbids, with the number of the assertion that says so.
type Fault struct {
	Assertion int
	At        string
	Said      string
	True      string
}

// UTC is the instant of a media time, given in ticks of the representation.
func (r *Representation) UTC(m *MPD, ticks int64) time.Time {
	return m.AvailabilityStart.Add(r.Period.Start).Add(Ticks(ticks-r.Template.Offset, r.Template.Timescale))
}

// Ticks turns ticks into a duration, to the nanosecond, rounded down.
func Ticks(ticks, timescale int64) time.Duration {
	if timescale <= 0 {
		return 0
	}
	whole, rest := ticks/timescale, ticks%timescale
	return time.Duration(whole)*time.Second + time.Duration(float64(rest)*1e9/float64(timescale)+0.5)
}

// Available is the instant from when on a segment can be had.
//
// Source: ISO/IEC 23009-1, 5.3.9.5.3.
func (r *Representation) Available(m *MPD, s *Segment) time.Time {
	return r.UTC(m, s.Time+s.Duration).Add(-r.Template.Early)
}

// Numbered returns the segments of a template with @duration that are available at a time: at most count of the newest.
func (r *Representation) Numbered(m *MPD, now time.Time, count int) []Segment {
	t := &r.Template
	if t.Duration <= 0 || t.Timescale <= 0 || t.HasTimeline {
		return nil
	}
	end := r.Period.Duration
	if m.Dynamic {
		since := now.Sub(m.AvailabilityStart.Add(r.Period.Start)) + t.Early
		if end == 0 || since < end {
			end = since
		}
	} else if end == 0 {
		end = m.Duration - r.Period.Start
	}
	if end <= 0 {
		return nil
	}
	length := Ticks(t.Duration, t.Timescale)
	if length <= 0 {
		return nil
	}
	n := int64(end / length)
	if !m.Dynamic && end%length > length/100 {
		n++ // the last one may be shorter
	}
	var list []Segment
	for i := max(0, n-int64(count)); i < n; i++ {
		s := Segment{Element: t.Element, Number: t.Start + i, Time: t.Offset + i*t.Duration, Duration: t.Duration}
		s.URL = r.expand(t.Media, s)
		list = append(list, s)
	}
	return list
}
