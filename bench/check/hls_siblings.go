package check

import (
	"fmt"
	"time"

	"weir/bench/check/m3u8"
)

// Renditions are compared with each other over time. What a playlist is at an instant is not known: only that it has
// not ended before what it was last seen to be, and not behind what it is next seen to be, because it only grows.

// A sighting is a version of a playlist that was seen.
type sighting struct {
	at       time.Time // when it had come
	playlist *m3u8.Playlist
	end      time.Time // instant at which its last part ends; zero: no dates
}

// A promise is what another playlist says of this one.
type promise struct {
	of     *hlsList
	at     time.Time     // when it had come
	next   m3u8.Position // behind the last part that was reported
	report bool
	place  place
	text   string
	end    time.Time // where the other ended
}

const (
	maxSightings = 3
	maxSighted   = 512 << 10 // bytes of a playlist that is remembered
	maxPromises  = 256
)

// sighted notes a version, compares what others said of this playlist with it, and what it says of them with what they
// were.
func (l *hlsList) sighted(a *answer, p *m3u8.Playlist) {
	if len(a.body) > maxSighted || p.Parts == 0 || l.iframes || l.h.multivariant == nil {
		return
	}
	now := a.sent.Add(a.took)
	h := l.h
	h.mu.Lock()
	defer h.mu.Unlock()
	e := l.edge
	end := endOf(p)
	e.sightings = append(e.sightings, sighting{now, p, end})
	if len(e.sightings) > maxSightings {
		e.sightings = e.sightings[1:]
	}
	keep := e.pending[:0]
	for _, w := range e.pending {
		if now.Before(w.at) {
			keep = append(keep, w)
			continue
		}
		if w.report {
			if ahead, ok := p.Ahead(w.next); ok {
				w.of.edge.reports.add(ahead <= 1, w.place, fmt.Sprintf("%s, %d parts ahead of its end", w.text, ahead))
			}
		} else if !w.end.IsZero() && !end.IsZero() {
			behind := w.end.Sub(end)
			e.together.add(behind <= p.PartTarget()+65*time.Millisecond, l.place(l.subject, l.url, ""), fmt.Sprintf("%v behind %s", behind.Round(time.Millisecond), w.of.subject))
		}
	}
	e.pending = keep
	for _, o := range h.lists {
		if o != l && !o.iframes && len(o.edge.pending) < maxPromises {
			o.edge.pending = append(o.edge.pending, promise{of: l, at: now, end: end})
		}
	}
	l.compareReports(a, p, now)
}

// compareReports compares what a version says of its siblings with what they were when it was asked for, and leaves it for
// their next version.
func (l *hlsList) compareReports(a *answer, p *m3u8.Playlist, now time.Time) {
	for i := range p.Reports {
		r := &p.Reports[i]
		o := l.h.at(resolve(a.url, r.Attributes.Get("URI")))
		if o == nil || o == l || !r.HasPart {
			continue
		}
		at := l.place(l.subject, a.url, fmt.Sprintf("line %d", r.Line))
		text := fmt.Sprintf("%s: LAST-MSN=%d,LAST-PART=%d", o.subject, r.Number, r.Part)
		next := m3u8.Position{Number: r.Number, Part: r.Part + 1}
		if s := o.edge.before(a.sent); s != nil {
			if ahead, ok := s.playlist.Ahead(next); ok {
				l.edge.reports.add(ahead >= -1, at, fmt.Sprintf("%s, %d parts behind its end", text, -ahead))
			}
		}
		if len(o.edge.pending) < maxPromises {
			o.edge.pending = append(o.edge.pending, promise{of: l, at: now, next: next, report: true, place: at, text: text})
		}
	}
}

// before is the newest version that had come by then; nil: none.
func (e *liveEdge) before(at time.Time) *sighting {
	for i := len(e.sightings) - 1; i >= 0; i-- {
		if !e.sightings[i].at.After(at) {
			return &e.sightings[i]
		}
	}
	return nil
}

// endOf is the instant at which the last part of a playlist ends; zero where dates do not tell.
func endOf(p *m3u8.Playlist) time.Time {
	var end time.Time
	if n := len(p.Segments); n > 0 && p.Segments[n-1].Dated {
		end = p.Segments[n-1].Start.Add(p.Segments[n-1].Duration)
	}
	if p.Open == nil {
		return end
	}
	if p.Open.Dated {
		end = p.Open.Start
	}
	if end.IsZero() {
		return end
	}
	return end.Add(partsOf(p.Open))
}
