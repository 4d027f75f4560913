package check

import (
	"fmt"
	"strings"

	"weir/media"
)

// judgeSets judges what the tracks of each AdaptationSet have in common.
func (d *dash) judgeSets() {
	sets := map[string][]*track{}
	for _, t := range d.order {
		if t.init != nil && t.rep.Set.Element != nil && len(t.rep.Set.Representations) > 1 {
			key := t.rep.Period.ID + " " + t.rep.Set.Element.Path()
			sets[key] = append(sets[key], t.track)
		}
	}
	for _, list := range sets {
		d.switching(list, d.base)
	}
}

// judgeSets judges what video variants have in common, by sample entry: a presentation may offer several codecs.
func (h *hls) judgeSets() {
	sets := map[string][]*track{}
	for _, l := range h.lists {
		if l.init != nil && l.init.Kind == media.Video && !l.iframes {
			sets[l.init.SampleEntry] = append(sets[l.init.SampleEntry], l.track)
		}
	}
	for _, list := range sets {
		h.switching(list, h.base)
	}
}

// switching judges the tracks between which players switch by bitrate: one timescale, one family of codecs, and
// segments that begin together.
//
// Source: ISO/IEC 23000-19, 7.3.4.
func (p *presentation) switching(list []*track, url string) {
	var a *track
	for _, t := range list {
		t.mu.Lock()
		in := t.init
		t.mu.Unlock()
		if in == nil || t.trick {
			continue
		}
		if a == nil {
			a = t
			continue
		}
		at := p.place(t.subject, url, "")
		first := a.init
		p.judge.test(67, in.Timescale == first.Timescale, at, fmt.Sprintf("timescale %d", in.Timescale), fmt.Sprintf("%s has %d", a.subject, first.Timescale))
		p.judge.test(67, in.SampleEntry == first.SampleEntry, at, "sample entry "+in.SampleEntry, fmt.Sprintf("%s has %s", a.subject, first.SampleEntry))
		x, _, _ := strings.Cut(in.Codec, ".")
		y, _, _ := strings.Cut(first.Codec, ".")
		p.judge.test(67, x == y, at, "codec "+in.Codec, fmt.Sprintf("%s has %s", a.subject, first.Codec))
		if in.Kind == media.Video && in.Timescale == first.Timescale {
			p.aligned(t, a, at)
		}
	}
}

// aligned: segments of two tracks cover the same decode times.
func (p *presentation) aligned(t, a *track, at place) {
	if len(t.spans) == 0 || len(a.spans) == 0 {
		return
	}
	starts := map[int64]bool{}
	for _, s := range a.spans {
		starts[s.start] = true
	}
	from, to := a.spans[0].start, a.spans[len(a.spans)-1].start
	for _, s := range t.spans {
		if s.start >= from && s.start <= to {
			p.judge.test(67, starts[s.start], at, fmt.Sprintf("a segment starts at %d", s.start), fmt.Sprintf("no segment of %s starts there", a.subject))
		}
	}
}
