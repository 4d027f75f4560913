package check

import (
	"fmt"
	"strconv"
	"time"

	"weir/bench/check/mpd"
	"weir/bench/check/xmltree"
)

// judgeLow judges what a low-latency MPD says: offsets, what latency is meant, by which clock, and where players may join.
//
// Source: ISO/IEC 23009-1, 5.3.9.5, 5.3.12, 5.12, annex K; DASH-IF IOP, low-latency modes.
func (d *dash) judgeLow(m *mpd.MPD, at place) {
	low := false
	for _, r := range representations(m) {
		low = low || r.Template.Early > 0 || r.Template.Incomplete
	}
	if !low || !m.Dynamic {
		return
	}
	target := d.judgeService(m, at)
	for _, r := range representations(m) {
		if r.Set.TrickMode != "" || r.Template.Element == nil || r.Set.ContentType != "video" && r.Set.ContentType != "audio" {
			continue
		}
		d.judgeOffset(r, at)
		d.judgeResync(r, target, at)
	}
	d.judgeReferences(m, at)
}

func representations(m *mpd.MPD) (list []*mpd.Representation) {
	for _, p := range m.Periods {
		for _, s := range p.Sets {
			list = append(list, s.Representations...)
		}
	}
	return list
}

// judgeOffset: all sets of media can be had early, if one can, and say that their segments are not complete then.
func (d *dash) judgeOffset(r *mpd.Representation, at place) {
	at.at = r.Template.Element.Path()
	t := &r.Template
	d.judge.test(87, t.Early > 0, at, "no availabilityTimeOffset", "all AdaptationSets of sound and pictures have one, if one has")
	d.judge.test(87, t.Incomplete == (t.Early > 0), at, fmt.Sprintf("availabilityTimeComplete=%v with availabilityTimeOffset=%g", !t.Incomplete, t.Early.Seconds()),
		"availabilityTimeComplete=false goes with an offset")
	length := mpd.Ticks(t.Duration, t.Timescale)
	if n := len(r.Segments); t.HasTimeline && n > 0 {
		length = mpd.Ticks(r.Segments[n-1].Duration, t.Timescale)
	}
	if length > 0 {
		d.judge.test(87, t.Early < length, at, fmt.Sprintf("availabilityTimeOffset=%g", t.Early.Seconds()), fmt.Sprintf("less than a segment, which lasts %v: its first chunk is there then", length))
	}
}

// judgeService: the MPD says what latency is meant; 0 where it does not.
func (d *dash) judgeService(m *mpd.MPD, at place) (target time.Duration) {
	list := m.Root.All("ServiceDescription")
	for _, p := range m.Periods {
		list = append(list, p.Element.All("ServiceDescription")...)
	}
	at.at = m.Root.Path()
	if !d.judge.test(89, len(list) > 0, at, "no ServiceDescription", "a low-latency MPD says what latency is meant") {
		return 0
	}
	ids := map[string]bool{}
	for _, r := range representations(m) {
		if e := referenceOf(r); e != nil {
			ids[e.Get("id")] = true
		}
	}
	for _, e := range list {
		at.at = e.Path()
		l := e.First("Latency")
		if !d.judge.test(89, l != nil && milliseconds(l, "target") > 0, at, "no Latency@target", "the latency that is meant, in milliseconds") {
			continue
		}
		at.at = l.Path()
		target = milliseconds(l, "target")
		least, most := milliseconds(l, "min"), milliseconds(l, "max")
		d.judge.test(89, least <= target && (most == 0 || target <= most), at, fmt.Sprintf("min %v, target %v, max %v", least, target, most), "min, target and max are in this order")
		if id, ok := l.Attr("referenceId"); ok {
			d.judge.test(89, ids[id], at, "referenceId="+id, "the id of a ProducerReferenceTime")
		}
		if p := e.First("PlaybackRate"); p != nil {
			at.at = p.Path()
			slow, fast := rateOf(p, "min"), rateOf(p, "max")
			d.judge.test(89, slow <= 1 && fast >= 1, at, fmt.Sprintf("min %g, max %g", slow, fast), "rates about 1")
		}
	}
	return target
}

func milliseconds(e *xmltree.Element, name string) time.Duration {
	n, err := strconv.ParseUint(e.Get(name), 10, 32)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Millisecond
}

func rateOf(e *xmltree.Element, name string) float64 {
	f, err := strconv.ParseFloat(e.Get(name), 64)
	if err != nil {
		return 1
	}
	return f
}

// referenceOf is the ProducerReferenceTime of a representation, or of its set; nil: none.
func referenceOf(r *mpd.Representation) *xmltree.Element {
	if e := r.Element.First("ProducerReferenceTime"); e != nil {
		return e
	}
	return r.Set.Element.First("ProducerReferenceTime")
}

// judgeReferences: each ProducerReferenceTime has an id of its own, and says by which clock.
func (d *dash) judgeReferences(m *mpd.MPD, at place) {
	for _, p := range m.Periods {
		seen := map[string]bool{}
		for _, s := range p.Sets {
			list := s.Element.All("ProducerReferenceTime")
			for _, r := range s.Representations {
				list = append(list, r.Element.All("ProducerReferenceTime")...)
			}
			for _, e := range list {
				at.at = e.Path()
				id := e.Get("id")
				d.judge.test(89, !seen[id], at, "id="+id, "ids are unique in a Period")
				seen[id] = true
				d.judge.test(89, e.Get("type") == "encoder" || e.Get("type") == "captured", at, "type="+e.Get("type"), "encoder or captured")
				d.judge.test(89, e.First("UTCTiming") != nil, at, "no UTCTiming", "it says by which clock")
				if len(s.Representations) > 0 {
					d.judgeReference(m, s.Representations[0], e, at)
				}
			}
		}
	}
}

// judgeReference: players take the difference to the MPD's own mapping for latency that they must make up.
func (d *dash) judgeReference(m *mpd.MPD, r *mpd.Representation, e *xmltree.Element, at place) {
	wall, err := time.Parse(time.RFC3339Nano, e.Get("wallClockTime"))
	if !d.judge.test(89, err == nil, at, "wallClockTime="+e.Get("wallClockTime"), "a date with its zone") {
		return
	}
	ticks, err := strconv.ParseInt(e.Get("presentationTime"), 10, 64)
	if err != nil {
		return // the schema has said so
	}
	off := wall.Sub(r.UTC(m, ticks))
	d.judge.test(89, off.Abs() <= 10*time.Second, at, "wallClockTime="+e.Get("wallClockTime"), fmt.Sprintf("the MPD shows that time %v off", off.Round(time.Millisecond)))
}

// resyncOf is how far apart the chunks of a representation may be; 0: not said.
func resyncOf(r *mpd.Representation) time.Duration {
	e := r.Element.First("Resync")
	if e == nil {
		e = r.Set.Element.First("Resync")
	}
	if e == nil {
		return 0
	}
	n, err := strconv.ParseInt(e.Get("dT"), 10, 64)
	if err != nil || n <= 0 {
		return 0
	}
	return mpd.Ticks(n, r.Template.Timescale)
}

// judgeResync: chunks are marked, and close enough to each other for the latency that is meant.
func (d *dash) judgeResync(r *mpd.Representation, target time.Duration, at place) {
	e := r.Element.First("Resync")
	if e == nil {
		e = r.Set.Element.First("Resync")
	}
	at.at = r.Element.Path()
	if !d.judge.test(90, e != nil, at, "no Resync", "a representation of low latency says where players may join") {
		return
	}
	at.at = e.Path()
	d.judge.test(90, e.Get("marker") == "true" || e.Get("marker") == "1", at, "marker="+e.Get("marker"), "true: each chunk can be told")
	far := resyncOf(r)
	d.judge.test(90, far > 0 && (target == 0 || far <= target), at, fmt.Sprintf("dT is %v", far), fmt.Sprintf("at most the latency that is meant: %v", target))
}
