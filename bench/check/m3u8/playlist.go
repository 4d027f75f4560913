package m3u8

import "time"

// A Playlist is a multivariant playlist or a media playlist, as it is written.
type Playlist struct {
	Version     int // 0: no EXT-X-VERSION
	Independent bool

	// Of a multivariant playlist.
	Multivariant bool
	Variants     []Variant   // EXT-X-STREAM-INF and, with IFrame set, EXT-X-I-FRAME-STREAM-INF
	Renditions   []Rendition // EXT-X-MEDIA

	// Of a media playlist.
	Target                int // TARGETDURATION in seconds; 0: not there
	Sequence              uint64
	DiscontinuitySequence uint64
	HasDiscontinuitySeq   bool
	Type                  string // VOD, EVENT or ""
	IFramesOnly           bool
	Ended                 bool
	Control               Attributes // EXT-X-SERVER-CONTROL
	PartInf               Attributes // EXT-X-PART-INF
	Parts                 int        // EXT-X-PART tags
	Segments              []Segment
	Open                  *Segment // parts and tags behind the last segment: the one that grows; nil: none
	Hints                 []Hint
	Reports               []Report
	HasSkip               bool   // EXT-X-SKIP is there: a delta update
	Skipped               uint64 // SKIPPED-SEGMENTS
	DateRanges            []DateRange

	Lines  []string // without line ends
	Faults []Fault
	Needs  int    // the least EXT-X-VERSION for what is in it
	Why    string // what needs it
}

// A Variant is one EXT-X-STREAM-INF or EXT-X-I-FRAME-STREAM-INF.
type Variant struct {
	Line       int
	IFrame     bool
	URI        string
	Attributes Attributes
}

// A Rendition is one EXT-X-MEDIA.
type Rendition struct {
	Line       int
	Attributes Attributes
}

// A DateRange is one EXT-X-DATERANGE.
type DateRange struct {
	Line       int
	Attributes Attributes
}

// A Segment is one media segment with what stands above it.
type Segment struct {
	Line          int // of the URI
	First         int // line of the first tag that belongs to it
	URI           string
	Number        uint64 // media sequence number
	Discontinuity uint64 // discontinuity sequence number
	Breaks        bool   // EXT-X-DISCONTINUITY stands before it
	Duration      time.Duration
	Text          string // EXTINF's number as written
	Dated         bool   // EXT-X-PROGRAM-DATE-TIME stands before it
	Start         time.Time
	Gap           bool
	Map           *Map
	Range         Range
	Key           Attributes // EXT-X-KEY in force, nil for METHOD=NONE
	Parts         []Part
	Raw           []string // its lines, that of the URI included
}

// A Map is one EXT-X-MAP.
type Map struct {
	Line  int
	URI   string
	Range Range
}

// A Range is a part of a resource; Length 0 is all of it.
type Range struct{ Offset, Length int64 }

// A Fault is something that the syntax forbids, with the number of the assertion that says so.
type Fault struct {
	Assertion int
	Line      int
	Said      string
	True      string
}

// End is the number behind the last segment.
func (p *Playlist) End() uint64 { return p.Sequence + p.Skipped + uint64(len(p.Segments)) }
