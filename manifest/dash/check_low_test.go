package dash

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

type (
	service struct {
		ID      string `xml:"id,attr"`
		Latency []struct {
			Reference int64 `xml:"referenceId,attr"`
			Target    int64 `xml:"target,attr"`
			Min       int64 `xml:"min,attr"`
			Max       int64 `xml:"max,attr"`
		}
		Rates []struct {
			Min float64 `xml:"min,attr"`
			Max float64 `xml:"max,attr"`
		} `xml:"PlaybackRate"`
	}
	reference struct {
		ID        int64        `xml:"id,attr"`
		Type      string       `xml:"type,attr"`
		WallClock string       `xml:"wallClockTime,attr"`
		Time      int64        `xml:"presentationTime,attr"`
		UTC       []descriptor `xml:"UTCTiming"`
	}
	resync struct {
		Type   string `xml:"type,attr"`
		DT     int64  `xml:"dT,attr"`
		Marker string `xml:"marker,attr"`
	}
)

var clock = descriptor{"urn:mpeg:dash:utc:http-xsdate:2014", "/time"}

func (m *mpd) numbered() bool {
	return len(m.Periods) > 0 && len(m.Periods[0].Sets) > 0 && m.Periods[0].Sets[0].Representations[0].Template.Duration > 0
}

// checkLow checks that low latency is said everywhere or nowhere, and the same.
//
// Source: DASH-IF IOP v5, part 1 (low latency); the players' sources for what they read.
func (m *mpd) checkLow() error {
	said := len(m.Service) > 0
	if said != strings.Contains(m.Profiles, "http://www.dashif.org/guidelines/low-latency-live-v5") {
		return fmt.Errorf("profiles %s, service description %+v", m.Profiles, m.Service)
	}
	early, ids := "", map[int64]bool{}
	for i := range m.Periods {
		for j := range m.Periods[i].Sets {
			a := &m.Periods[i].Sets[j]
			if want := said && len(a.Essential) == 0; want != (len(a.References) == 1) || len(a.References) > 1 {
				return fmt.Errorf("AdaptationSet %d has producer reference times %+v", a.ID, a.References)
			}
			for _, r := range a.References {
				if err := r.check(m, &m.Periods[i], a); err != nil {
					return fmt.Errorf("AdaptationSet %d: %w", a.ID, err)
				}
				if ids[r.ID] {
					return fmt.Errorf("producer reference time %d twice", r.ID)
				}
				ids[r.ID] = true
			}
			for k := range a.Representations {
				t := &a.Representations[k].Template
				if said != (t.Early != "") || said != (t.Complete == "false") || early != "" && t.Early != early {
					return fmt.Errorf("availabilityTimeOffset %q, complete %q, other sets %q", t.Early, t.Complete, early)
				}
				early = t.Early
			}
		}
	}
	if !said {
		return nil
	}
	s := &m.Service[0]
	if len(m.Service) > 1 || s.ID == "" || len(s.Latency) != 1 || len(s.Rates) != 1 || !ids[s.Latency[0].Reference] {
		return fmt.Errorf("service description %+v", m.Service)
	}
	l, r := s.Latency[0], s.Rates[0]
	if l.Min <= 0 || l.Target <= l.Min || l.Max <= l.Target || r.Min >= 1 || r.Min < 0.85 || r.Max <= 1 || r.Max > 1.15 {
		return fmt.Errorf("latency %+v at rates %+v", l, r)
	}
	offset, err := strconv.ParseFloat(early, 64)
	if err != nil || offset <= 0 {
		return fmt.Errorf("availabilityTimeOffset %q", early)
	}
	last := &m.Periods[len(m.Periods)-1]
	for i := range last.Sets {
		a := &last.Sets[i]
		for j := range a.Representations {
			if len(a.Essential) > 0 {
				continue
			}
			if err := a.Representations[j].checkResync(float64(l.Target)/1000, offset, seconds(m.MaxSegmentDuration)); err != nil {
				return fmt.Errorf("%s: %w", a.Representations[j].ID, err)
			}
		}
	}
	return nil
}

// check compares what a reference says with the Period's timeline: both are UTC.
func (r *reference) check(m *mpd, pd *mpdPeriod, a *set) error {
	at, err := time.Parse("2006-01-02T15:04:05.000Z", r.WallClock)
	if err != nil || r.Type != "encoder" || len(r.UTC) != 1 || r.UTC[0] != clock || r.ID > math.MaxInt32 {
		return fmt.Errorf("producer reference time %+v: %w", r, err)
	}
	t := &a.Representations[0].Template
	presentation := float64(r.Time-t.Offset)/float64(t.Timescale) + seconds(pd.Start)
	if off := float64(at.UnixMilli())/1000 - presentation; math.Abs(off) > 1.1e-3 {
		return fmt.Errorf("producer reference time is %v s off", off)
	}
	return nil
}

// checkResync checks that chunks come more often than a player's latency, and that an offset leaves time for one.
func (r *representation) checkResync(target, offset, longest float64) error {
	if len(r.Resync) != 1 {
		return fmt.Errorf("resync %+v", r.Resync)
	}
	x, t := r.Resync[0], &r.Template
	every := float64(x.DT) / float64(t.Timescale)
	if x.Marker != "true" || x.Type != "0" && x.Type != "1" || every <= 0 || every > target {
		return fmt.Errorf("resync %+v of %v s at a target of %v s", x, every, target)
	}
	if offset+every > longest {
		return fmt.Errorf("availabilityTimeOffset %v leaves no time for %v in %v s", offset, every, longest)
	}
	return nil
}
