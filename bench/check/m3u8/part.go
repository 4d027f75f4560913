package m3u8

import (
	"math"
	"strconv"
	"time"
)

// A Part is one EXT-X-PART.
type Part struct {
	Line        int
	Raw         string // its line
	URI         string
	Duration    time.Duration
	Independent bool
	Gap         bool
	Range       Range
}

// A Hint is one EXT-X-PRELOAD-HINT.
type Hint struct {
	Line  int
	Type  string
	URI   string
	Range Range // Length 0: not said
}

// A Report is one EXT-X-RENDITION-REPORT.
type Report struct {
	Line       int
	Attributes Attributes
	Position        // LAST-MSN and LAST-PART
	HasPart    bool // LAST-PART is there
}

// A Position is a part by the number of its segment and its index in there.
type Position struct {
	Number uint64
	Part   int
}

// Before reports whether a position comes before another.
func (p Position) Before(o Position) bool {
	return p.Number < o.Number || p.Number == o.Number && p.Part < o.Part
}

// Next is the position of the part that follows the last one of a playlist: what a player at its end asks for.
func (p *Playlist) Next() Position {
	if p.Open == nil {
		return Position{p.End(), 0}
	}
	return Position{p.End(), len(p.Open.Parts)}
}

// Parted returns the segment with a number, the open one included; nil where it is not listed.
func (p *Playlist) Parted(number uint64) *Segment {
	first := p.End() - uint64(len(p.Segments))
	switch {
	case number >= first && number < p.End():
		return &p.Segments[number-first]
	case number == p.End():
		return p.Open
	}
	return nil
}

// At is the part at a position, or the first of the segment behind where the position is past the end of a finished one; nil
// where it is not listed.
func (p *Playlist) At(at Position) *Part {
	s := p.Parted(at.Number)
	if s != nil && at.Part >= len(s.Parts) && len(s.Parts) > 0 && at.Number < p.End() {
		s, at.Part = p.Parted(at.Number+1), 0
	}
	if s == nil || at.Part < 0 || at.Part >= len(s.Parts) {
		return nil
	}
	return &s.Parts[at.Part]
}

// Ahead is how many parts a position is ahead of the end of the list (behind it: negative), as far as the list tells: a
// segment whose parts are not listed counts as many as the newest whole one. ok is false where nothing tells.
func (p *Playlist) Ahead(at Position) (parts int, ok bool) {
	typical := 0
	for i := len(p.Segments) - 1; i >= 0 && typical == 0; i-- {
		if !p.Segments[i].Gap {
			typical = len(p.Segments[i].Parts)
		}
	}
	next := p.Next()
	if typical = max(typical, next.Part); typical == 0 {
		return 0, false
	}
	const far = 1000 // segments
	switch end := p.End(); {
	case at.Number > end+far:
		return far * typical, true
	case at.Number+far < end:
		return -far * typical, true
	case at.Number >= end:
		return int(at.Number-end)*typical + at.Part - next.Part, true
	default:
		parts = at.Part - next.Part
		for n := at.Number; n < end; n++ {
			own := typical
			if s := p.Parted(n); s != nil && len(s.Parts) > 0 {
				own = len(s.Parts)
			}
			parts -= own
		}
		return parts, true
	}
}

// PartTarget is PART-TARGET; 0 where there is none.
func (p *Playlist) PartTarget() time.Duration { return seconds(p.PartInf.Get("PART-TARGET")) }

// Seconds reads an attribute of EXT-X-SERVER-CONTROL; 0 where it is not there.
func (p *Playlist) Seconds(name string) time.Duration { return seconds(p.Control.Get(name)) }

func seconds(s string) time.Duration {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0 && f < 1e6) {
		return 0
	}
	return time.Duration(math.Round(f * 1e9))
}

// part reads one EXT-X-PART.
//
// Source: RFC 8216bis, 4.4.4.9.
func (r *reader) part(name, value string) {
	s := r.begin()
	r.p.Parts++
	list := r.attributes(name, value)
	p := Part{
		Line: r.n, Raw: r.p.Lines[r.n-1], URI: list.Get("URI"), Duration: seconds(list.Get("DURATION")),
		Independent: list.Get("INDEPENDENT") == "YES", Gap: list.Get("GAP") == "YES",
	}
	if p.URI == "" || p.Duration <= 0 {
		r.fault(12, r.n, "#"+name+":"+value, "it has a URI and a DURATION")
	}
	if b, ok := list.Find("BYTERANGE"); ok {
		p.Range = r.rangeOf(b)
		if n := len(s.Parts); p.Range.Length > 0 && p.Range.Offset < 0 {
			p.Range.Offset = 0
			if n > 0 && s.Parts[n-1].URI == p.URI {
				p.Range.Offset = s.Parts[n-1].Range.Offset + s.Parts[n-1].Range.Length
			} else {
				r.fault(12, r.n, "a byte range without an offset", "only one that follows another of the same resource may leave it out")
			}
		}
	}
	s.Parts = append(s.Parts, p)
}

// hint reads one EXT-X-PRELOAD-HINT.
//
// Source: RFC 8216bis, 4.4.5.3.
func (r *reader) hint(name, value string) {
	list := r.attributes(name, value)
	h := Hint{Line: r.n, Type: list.Get("TYPE"), URI: list.Get("URI")}
	h.Range.Offset, _ = strconv.ParseInt(list.Get("BYTERANGE-START"), 10, 63)
	h.Range.Length, _ = strconv.ParseInt(list.Get("BYTERANGE-LENGTH"), 10, 63)
	if h.Type == "" || h.URI == "" {
		r.fault(12, r.n, "#"+name+":"+value, "it has a TYPE and a URI")
	}
	r.p.Hints = append(r.p.Hints, h)
}

// report reads one EXT-X-RENDITION-REPORT.
//
// Source: RFC 8216bis, 4.4.5.4.
func (r *reader) report(name, value string) {
	list := r.attributes(name, value)
	o := Report{Line: r.n, Attributes: list}
	o.Number, _ = strconv.ParseUint(list.Get("LAST-MSN"), 10, 53)
	if part, ok := list.Find("LAST-PART"); ok {
		o.HasPart = true
		o.Part, _ = strconv.Atoi(part)
	}
	r.p.Reports = append(r.p.Reports, o)
}

// skip reads EXT-X-SKIP.
//
// Source: RFC 8216bis, 4.4.5.2.
func (r *reader) skip(name, value string) {
	r.header(name)
	list := r.attributes(name, value)
	r.needs(9, name)
	if _, ok := list.Find("RECENTLY-REMOVED-DATERANGES"); ok {
		r.needs(10, "RECENTLY-REMOVED-DATERANGES")
	}
	r.p.HasSkip = true
	r.p.Skipped, _ = strconv.ParseUint(list.Get("SKIPPED-SEGMENTS"), 10, 31)
	if r.p.Skipped == 0 {
		r.fault(47, r.n, "#"+name+":"+value, "SKIPPED-SEGMENTS is at least 1")
	}
}
