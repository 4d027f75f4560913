package mpd

import (
	"errors"
	"fmt"
	"time"

	"weir/bench/check/xmltree"
)

// ErrNoMPD means that the document is no MPD: nothing further can be said of it.
var ErrNoMPD = errors.New("no MPD")

const namespace = "urn:mpeg:dash:schema:mpd:2011"

// Parse reads an MPD. What is wrong with it stands in Faults; only what is not well-formed, no MPD, or beyond the limits
// is an error.
//
// Source: ISO/IEC 23009-1, 5.3.
func Parse(b []byte) (*MPD, error) {
	root, err := xmltree.Parse(b)
	if err != nil {
		return nil, err
	}
	if root.Name != "MPD" {
		return nil, ErrNoMPD
	}
	r := reader{m: &MPD{Root: root}}
	if root.Space != namespace {
		r.fault(81, root, root.Space, "the namespace is "+namespace)
	}
	r.schema(root)
	if err := r.read(root); err != nil {
		return nil, err
	}
	return r.m, nil
}

type reader struct {
	m     *MPD
	count int // representations
	total int // segments of all timelines
}

func (r *reader) fault(assertion int, e *xmltree.Element, said, truth string) {
	if len(r.m.Faults) < maxFaults {
		r.m.Faults = append(r.m.Faults, Fault{assertion, e.Path(), said, truth})
	}
}

func (r *reader) read(root *xmltree.Element) error {
	m := r.m
	m.Dynamic = root.Get("type") == "dynamic"
	m.AvailabilityStart, m.HasStart = date(root.Get("availabilityStartTime"))
	m.Published, m.HasPublished = date(root.Get("publishTime"))
	m.UpdatePeriod, m.HasUpdatePeriod = Duration(root.Get("minimumUpdatePeriod"))
	m.BufferDepth, _ = Duration(root.Get("timeShiftBufferDepth"))
	m.Duration, _ = Duration(root.Get("mediaPresentationDuration"))
	m.MaxSegment, _ = Duration(root.Get("maxSegmentDuration"))
	if !m.HasStart {
		m.AvailabilityStart = time.Unix(0, 0).UTC()
	}
	base := baseURL("", root)
	periods := root.All("Period")
	if len(periods) > maxPeriods {
		return fmt.Errorf("%d periods: more than %d", len(periods), maxPeriods)
	}
	var next time.Duration
	for _, e := range periods {
		p := &Period{Element: e, ID: e.Get("id"), Start: next}
		if d, ok := Duration(e.Get("start")); ok {
			p.Start = d
		}
		p.Duration, _ = Duration(e.Get("duration"))
		if n := len(m.Periods); n > 0 && m.Periods[n-1].Duration == 0 {
			m.Periods[n-1].Duration = p.Start - m.Periods[n-1].Start
		}
		next = p.Start + p.Duration
		m.Periods = append(m.Periods, p)
		if err := r.period(p, baseURL(base, e)); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) period(p *Period, base string) error {
	for _, e := range p.Element.All("AdaptationSet") {
		s := &Set{Element: e, ID: e.Get("id"), ContentType: e.Get("contentType"), Language: e.Get("lang")}
		for _, d := range append(e.All("EssentialProperty"), e.All("SupplementalProperty")...) {
			if d.Get("schemeIdUri") == "http://dashif.org/guidelines/trickmode" {
				s.TrickMode = d.Get("value")
			}
		}
		p.Sets = append(p.Sets, s)
		setBase := baseURL(base, e)
		for _, re := range e.All("Representation") {
			if r.count++; r.count > maxRepresentations {
				return fmt.Errorf("more than %d representations", maxRepresentations)
			}
			rep := &Representation{Element: re, Period: p, Set: s, ID: re.Get("id"), BaseURL: baseURL(setBase, re)}
			r.representation(rep)
			s.Representations = append(s.Representations, rep)
		}
	}
	return nil
}

func (r *reader) representation(rep *Representation) {
	get := func(name string) string {
		if v, ok := rep.Element.Attr(name); ok {
			return v
		}
		return rep.Set.Element.Get(name)
	}
	rep.Bandwidth = integer(rep.Element.Get("bandwidth"))
	rep.Codecs, rep.MimeType, rep.FrameRate = get("codecs"), get("mimeType"), get("frameRate")
	rep.Width, rep.Height, rep.Rate = int(integer(get("width"))), int(integer(get("height"))), int(integer(get("audioSamplingRate")))
	for _, e := range []*xmltree.Element{rep.Set.Element, rep.Element} {
		if c := e.First("AudioChannelConfiguration"); c != nil {
			rep.Channels = c.Get("value")
		}
	}
	r.template(rep)
}

// baseURL appends the first BaseURL of an element to those above it, as text: resolving is the caller's.
func baseURL(base string, e *xmltree.Element) string {
	b := e.First("BaseURL")
	if b == nil {
		return base
	}
	return join(base, b.Text)
}
