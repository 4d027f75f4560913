package mpd

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"weir/bench/check/xmltree"
)

// template merges the SegmentTemplates of period, set and representation, and spells the timeline out.
//
// Source: ISO/IEC 23009-1, 5.3.9.
func (r *reader) template(rep *Representation) {
	t := &rep.Template
	var timeline *xmltree.Element
	attr := map[string]string{}
	for _, e := range []*xmltree.Element{rep.Period.Element, rep.Set.Element, rep.Element} {
		for _, name := range []string{"SegmentTemplate", "SegmentList"} {
			s := e.First(name)
			if s == nil {
				continue
			}
			t.Element = s
			for _, a := range s.Attrs {
				attr[a.Name.Local] = a.Value
			}
			if l := s.First("SegmentTimeline"); l != nil {
				timeline = l
			}
			if i := s.First("Initialization"); i != nil {
				attr["initialization"] = i.Get("sourceURL")
			}
		}
	}
	if t.Element == nil {
		return
	}
	t.Timescale = 1
	if v, ok := attr["timescale"]; ok {
		t.Timescale = integer(v)
	}
	if t.Timescale <= 0 || t.Timescale > 1<<32 {
		r.fault(81, t.Element, attr["timescale"], "a timescale is at least 1")
		t.Timescale = 1
	}
	t.Offset, t.Start, t.Duration = integer(attr["presentationTimeOffset"]), 1, integer(attr["duration"])
	if v, ok := attr["startNumber"]; ok {
		t.Start = integer(v)
	}
	t.Init, t.Media = attr["initialization"], attr["media"]
	if f, err := strconv.ParseFloat(attr["availabilityTimeOffset"], 64); err == nil && f > 0 && f < 1e6 {
		t.Early = time.Duration(f * float64(time.Second))
	}
	t.Incomplete = attr["availabilityTimeComplete"] == "false" || attr["availabilityTimeComplete"] == "0"
	t.HasTimeline = timeline != nil
	if t.Element.Name == "SegmentList" {
		r.list(rep, timeline)
		return
	}
	r.variables(rep, t.Init, false)
	r.variables(rep, t.Media, true)
	if timeline != nil {
		for _, s := range r.timeline(rep, timeline) {
			s.URL = rep.expand(t.Media, s)
			rep.Segments = append(rep.Segments, s)
		}
	} else if t.Duration == 0 {
		r.fault(81, t.Element, "neither SegmentTimeline nor @duration", "one of them says how long segments are")
	}
}

// timeline spells the S elements out.
//
// Source: ISO/IEC 23009-1, 5.3.9.6.
func (r *reader) timeline(rep *Representation, e *xmltree.Element) []Segment {
	var list []Segment
	entries := e.All("S")
	at, number := int64(0), rep.Template.Start
	for i, s := range entries {
		d := integer(s.Get("d"))
		if d <= 0 {
			r.fault(86, s, "d="+strconv.Quote(s.Get("d")), "a segment has a duration")
			return list
		}
		if v, ok := s.Attr("t"); ok {
			t := integer(v)
			if i > 0 && t < at {
				r.fault(86, s, "t="+v, fmt.Sprintf("the segment before ends at %d: they overlap", at))
			}
			at = t
		} else if i == 0 {
			at = 0
		}
		if v, ok := s.Attr("n"); ok {
			number = integer(v)
		}
		if i > 0 {
			if _, given := s.Attr("t"); !given && entries[i-1].Get("d") == s.Get("d") && !strings.HasPrefix(entries[i-1].Get("r"), "-") {
				r.fault(86, s, fmt.Sprintf("d=%d again", d), "equal neighbours are one S with @r")
			}
		}
		repeat := signed(s.Get("r"))
		if repeat < 0 {
			repeat = r.open(rep, entries, i, at, d)
		}
		if repeat >= maxSegments || r.total+int(repeat) >= maxSegments || at > 1<<62 || d > 1<<53 {
			r.fault(86, s, fmt.Sprintf("r=%d", repeat), fmt.Sprintf("more than %d segments are not believed", maxSegments))
			return list
		}
		r.total += int(repeat) + 1
		for range repeat + 1 {
			list = append(list, Segment{Element: s, Number: number, Time: at, Duration: d})
			at += d
			number++
		}
	}
	return list
}

// open is the repeat count of an S with r=-1: up to the next S@t or the end of the period.
func (r *reader) open(rep *Representation, entries []*xmltree.Element, i int, at, d int64) int64 {
	end := int64(0)
	if i+1 < len(entries) {
		end = integer(entries[i+1].Get("t"))
	} else {
		length := rep.Period.Duration
		if length == 0 {
			length = r.m.Duration - rep.Period.Start
		}
		if length <= 0 {
			r.fault(86, entries[i], "r=-1 without an end", "a live timeline lists what is there")
			return 0
		}
		end = rep.Template.Offset + int64(length.Seconds()*float64(rep.Template.Timescale))
	}
	if end <= at {
		return 0
	}
	return (end-at+d-1)/d - 1
}

// list reads a SegmentList.
func (r *reader) list(rep *Representation, timeline *xmltree.Element) {
	var times []Segment
	if timeline != nil {
		times = r.timeline(rep, timeline)
	}
	t := &rep.Template
	for i, e := range t.Element.All("SegmentURL") {
		s := Segment{Element: e, Number: t.Start + int64(i), Time: t.Offset + int64(i)*t.Duration, Duration: t.Duration, URL: join(rep.BaseURL, e.Get("media"))}
		if timeline != nil {
			if i >= len(times) {
				r.fault(86, e, "a SegmentURL beyond the timeline", fmt.Sprintf("the timeline has %d segments", len(times)))
				return
			}
			s.Time, s.Duration, s.Element = times[i].Time, times[i].Duration, times[i].Element
		}
		if i >= maxSegments {
			return
		}
		rep.Segments = append(rep.Segments, s)
	}
	t.HasTimeline = true // its segments are listed
}

// InitURL is the URL of the init segment relative to the manifest, "" where there is none.
func (r *Representation) InitURL() string {
	if r.Template.Init == "" {
		return ""
	}
	return r.expand(r.Template.Init, Segment{})
}

// variables judges the $…$ of a template.
func (r *reader) variables(rep *Representation, template string, media bool) {
	names := strings.Split(template, "$")
	if len(names)%2 == 0 {
		r.fault(85, rep.Template.Element, template, "an odd number of $")
		return
	}
	addressed := false
	for i := 1; i < len(names); i += 2 {
		name, width, _ := strings.Cut(names[i], "%")
		switch name {
		case "", "RepresentationID", "Bandwidth":
		case "Number", "Time", "SubNumber":
			if !media {
				r.fault(85, rep.Template.Element, template, "$"+name+"$ does not stand in @initialization")
			}
			addressed = true
		default:
			r.fault(85, rep.Template.Element, template, "there is no $"+names[i]+"$")
		}
		if width != "" && (len(width) < 3 || width[0] != '0' || width[len(width)-1] != 'd') {
			r.fault(85, rep.Template.Element, template, "a width is %0…d")
		}
	}
	if media && template != "" && !addressed {
		r.fault(85, rep.Template.Element, template, "$Number$ or $Time$ tells segments apart")
	}
}

// expand fills a template in and puts it below the BaseURL. Source: ISO/IEC 23009-1, 5.3.9.4.4.
func (r *Representation) expand(template string, s Segment) string {
	parts := strings.Split(template, "$")
	var b strings.Builder
	for i, part := range parts {
		if i%2 == 0 {
			b.WriteString(part)
			continue
		}
		name, width, _ := strings.Cut(part, "%")
		var n int64
		switch name {
		case "":
			b.WriteByte('$')
			continue
		case "RepresentationID":
			b.WriteString(r.ID)
			continue
		case "Number":
			n = s.Number
		case "Time":
			n = s.Time
		case "Bandwidth":
			n = r.Bandwidth
		}
		digits, err := strconv.Atoi(strings.TrimSuffix(width, "d"))
		if err != nil || digits < 0 || digits > 32 {
			digits = 0
		}
		fmt.Fprintf(&b, "%0*d", digits, n)
	}
	return join(r.BaseURL, b.String())
}

// join resolves a reference against a base that may itself be relative.
func join(base, ref string) string {
	if base == "" {
		return ref
	}
	b, err := url.Parse(base)
	if err != nil {
		return ref
	}
	u, err := url.Parse(ref)
	if err != nil {
		return ref
	}
	if b.Scheme == "" && !strings.HasPrefix(base, "/") && u.Scheme == "" && !strings.HasPrefix(ref, "/") {
		return base[:strings.LastIndexByte(base, '/')+1] + ref
	}
	return b.ResolveReference(u).String()
}

// URLOf is the URL of a segment with that number and time, whether it exists or not.
func (r *Representation) URLOf(s Segment) string { return r.expand(r.Template.Media, s) }
