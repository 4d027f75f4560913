package check

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"weir/bench/check/mpd"
)

// judgeUpdate judges a version of the MPD against the one before.
func (d *dash) judgeUpdate(a *answer, was, is *mpd.MPD, at place) {
	at.at = is.Root.Path()
	same := bytes.Equal(a.body, d.answer.body)
	switch {
	case same:
		d.judge.test(83, is.Published.Equal(was.Published), at, "", "")
	default:
		d.judge.test(83, is.Published.After(was.Published), at, "publishTime="+is.Root.Get("publishTime"), "other bytes have a later one than "+was.Root.Get("publishTime"))
	}
	if !is.Dynamic {
		d.judgeEnd(was, is, at)
	} else {
		d.judge.test(95, was.Dynamic, at, "type=dynamic", "what has become static stays so")
	}
	d.judge.test(84, is.AvailabilityStart.Equal(was.AvailabilityStart), at, "availabilityStartTime="+is.Root.Get("availabilityStartTime"), "it was "+was.Root.Get("availabilityStartTime"))
	for _, p := range is.Periods {
		for _, o := range was.Periods {
			if p.ID == o.ID && p.ID != "" {
				at.at = p.Element.Path()
				d.judge.test(84, p.Start == o.Start, at, "start="+p.Element.Get("start"), "it was "+o.Element.Get("start"))
				d.judgePeriodUpdate(o, p, at)
			}
		}
	}
	d.judgeGrowth(was, is, at)
}

// judgePeriodUpdate: what both versions list is the same.
func (d *dash) judgePeriodUpdate(was, is *mpd.Period, at place) {
	before := map[string]*mpd.Representation{}
	for _, s := range was.Sets {
		for _, r := range s.Representations {
			before[r.ID] = r
		}
	}
	for _, s := range is.Sets {
		for _, r := range s.Representations {
			o := before[r.ID]
			if o == nil {
				continue
			}
			at.at = r.Element.Path()
			at.subject = d.place(r.ID, "", "").subject
			d.judge.test(84, r.Template.Timescale == o.Template.Timescale && r.Template.Offset == o.Template.Offset, at,
				fmt.Sprintf("timescale %d, presentationTimeOffset %d", r.Template.Timescale, r.Template.Offset), fmt.Sprintf("it was %d, %d", o.Template.Timescale, o.Template.Offset))
			d.judgeCommon(o, r, at)
		}
	}
}

// judgeCommon: two versions of a timeline agree where they overlap.
func (d *dash) judgeCommon(was, is *mpd.Representation, at place) {
	if len(was.Segments) == 0 || len(is.Segments) == 0 {
		return
	}
	old := make(map[int64]int64, len(was.Segments))
	for i := range was.Segments {
		old[was.Segments[i].Time] = was.Segments[i].Duration
	}
	list := was.Segments
	for n := len(list); n > 1 && d.foresaw(was, &list[n-1]); n-- { // it can come to nothing
		list = list[:n-1]
	}
	oldEnd := list[len(list)-1]
	for i := range is.Segments {
		s := &is.Segments[i]
		if s.Time < was.Segments[0].Time || s.Time > oldEnd.Time {
			continue
		}
		at.at = s.Element.Path()
		dur, ok := old[s.Time]
		d.judge.test(84, ok && dur == s.Duration, at, fmt.Sprintf("t=%d d=%d", s.Time, s.Duration), "the version before had another timeline there")
	}
	at.at = is.Segments[len(is.Segments)-1].Element.Path()
	newEnd := is.Segments[len(is.Segments)-1]
	d.judge.test(84, newEnd.Time >= oldEnd.Time, at, fmt.Sprintf("the timeline ends with t=%d", newEnd.Time), fmt.Sprintf("it ended with t=%d", oldEnd.Time))
}

// foresaw reports whether the version before listed a segment that may not have been whole then: its encoder may have broken off since.
func (d *dash) foresaw(was *mpd.Representation, s *mpd.Segment) bool {
	return was.Template.Early > 0 && was.UTC(d.mpd, s.Time+s.Duration).Add(grace(was, s)).After(d.seen.Add(d.clock))
}

// judgeGrowth: a live MPD lists something new, or says that it has looked, in time.
func (d *dash) judgeGrowth(was, is *mpd.MPD, at place) {
	if !is.Dynamic || !is.HasUpdatePeriod || !listed(is) {
		return
	}
	at.at = is.Root.Path()
	if is.Published.After(was.Published) {
		d.grown = d.fetched
	}
	longest := is.MaxSegment
	if longest == 0 {
		longest = 10 * time.Second
	}
	due := is.UpdatePeriod + 3*longest/2 + time.Second
	stood := d.fetched.Sub(d.grown)
	d.judge.test(116, stood <= due, at, fmt.Sprintf("no new version for %v", stood.Round(100*time.Millisecond)), fmt.Sprintf("one within %v", due))
}

// listed reports whether segments are listed: where they are numbered, nothing need change.
func listed(m *mpd.MPD) bool {
	return slices.ContainsFunc(representations(m), func(r *mpd.Representation) bool { return r.Template.HasTimeline })
}

// judgeEnd: a presentation that has ended says how long it is, and no longer how often to look.
func (d *dash) judgeEnd(was, is *mpd.MPD, at place) {
	if !was.Dynamic {
		return
	}
	d.judge.test(95, is.Duration > 0, at, "no mediaPresentationDuration", "a static MPD says how long it is")
	d.judge.test(95, !is.HasUpdatePeriod, at, "minimumUpdatePeriod", "a static MPD is not updated")
}
