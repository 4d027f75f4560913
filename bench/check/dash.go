package check

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"weir/bench/check/mpd"
)

var mpdTypes = []string{"application/dash+xml"}

// dash is a DASH presentation while it is judged.
type dash struct {
	*presentation
	base    string // URL of the MPD after redirects
	answer  *answer
	mpd     *mpd.MPD // the newest version
	fetched time.Time
	grown   time.Time // when the MPD last listed something new
	tracks  map[string]*dashTrack
	order   []*dashTrack
	rounds  int
	clock   time.Duration // what the MPD's clock is ahead of ours
}

// dashTrack is one representation of one period while it is read.
type dashTrack struct {
	*track
	rep    *mpd.Representation // in the newest version
	read   int64               // start of the newest segment read, in ticks
	begun  bool
	number int64 // counts segments, for what follows what
	end    int64 // where the newest segment read ends, in ticks
}

// runDASH judges what the URL answered, then its later versions.
func (p *presentation) runDASH(ctx context.Context, a *answer) {
	d := &dash{presentation: p, base: a.url, tracks: map[string]*dashTrack{}}
	probed := false
	var group sync.WaitGroup
	defer group.Wait()
	for {
		d.version(ctx, a)
		if d.mpd == nil {
			p.fail(fmt.Errorf("the MPD cannot be read"))
			return
		}
		d.readNew(ctx)
		d.rounds++
		if !probed && len(d.order) > 0 {
			probed = true
			d.judgeSets()
			e := d.example()
			group.Go(func() { d.probe(ctx, e) })
		}
		if !d.mpd.Dynamic || !p.watching(ctx) {
			break
		}
		if a = d.next(ctx); a == nil {
			break
		}
	}
	d.judgeSets()
}

// next waits for the update period and fetches the MPD again; nil at the end of the watch.
func (d *dash) next(ctx context.Context) *answer {
	at := d.place("MPD", d.base, "")
	for {
		wait := d.mpd.UpdatePeriod
		if !d.mpd.HasUpdatePeriod {
			wait = time.Hour // it will not change
		} else if wait == 0 {
			wait = max(d.mpd.MaxSegment, time.Second)
		}
		if !d.rest(ctx, min(wait, 10*time.Second)-time.Since(d.fetched)) {
			return nil
		}
		d.fetched = time.Now()
		a, err := d.fetch.get(ctx, request{url: d.url, header: acceptGzip})
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			d.judge.fail(110, at, err.Error(), "an MPD that can be fetched")
			continue
		}
		if d.judge.test(110, a.status == 200, at, fmt.Sprintf("status %d", a.status), "an MPD that can be fetched") && d.whole(a, at) {
			return a
		}
	}
}

// version parses and judges one version of the MPD.
func (d *dash) version(ctx context.Context, a *answer) {
	if d.fetched.IsZero() {
		d.fetched = time.Now()
	}
	at := d.place("MPD", a.url, "")
	m, err := mpd.Parse(a.body)
	if err != nil {
		d.judge.fail(81, at, err.Error(), "an MPD that can be read")
		return
	}
	d.manifests.Add(1)
	life := time.Duration(0)
	if m.Dynamic {
		d.live.Store(true)
		life = max(time.Second, m.UpdatePeriod, m.MaxSegment)
	}
	d.manifestHeader(a, at, mpdTypes, life)
	d.judgeMPD(ctx, m, at)
	if d.mpd != nil {
		d.judgeUpdate(a, d.mpd, m, at)
	} else {
		d.grown = d.fetched
	}
	d.mpd, d.answer = m, a
	d.follow(m)
}

// follow matches the representations with the tracks that are being read.
func (d *dash) follow(m *mpd.MPD) {
	for _, p := range m.Periods {
		for _, s := range p.Sets {
			for _, r := range s.Representations {
				key := p.ID + "\x00" + r.ID
				t := d.tracks[key]
				if t == nil {
					if len(d.order) == maxTracks {
						continue
					}
					t = &dashTrack{track: &track{presentation: d.presentation, subject: r.ID, trick: s.TrickMode != "", peak: r.Bandwidth}}
					d.tracks[key] = t
					d.order = append(d.order, t)
					d.presentation.tracks.Add(1)
				}
				t.rep = r
			}
		}
	}
	d.order = slices.DeleteFunc(d.order, func(t *dashTrack) bool {
		gone := !slices.Contains(m.Periods, t.rep.Period)
		if gone { // its period has left the window
			for key, other := range d.tracks {
				if other == t {
					delete(d.tracks, key)
				}
			}
		}
		return gone
	})
}

// readNew reads what the MPD lists and has not been read: the newest few of each track at first.
func (d *dash) readNew(ctx context.Context) {
	var group sync.WaitGroup
	for _, t := range d.order {
		group.Go(func() { d.readTrack(ctx, t) })
	}
	group.Wait()
}

func (d *dash) readTrack(ctx context.Context, t *dashTrack) {
	r := t.rep
	url := r.InitURL()
	if url == "" {
		if r.Template.Element == nil {
			d.judge.fail(85, d.place(t.subject, d.base, r.Element.Path()), "no SegmentTemplate", "the checker reads SegmentTemplate and SegmentList")
		} else {
			d.judge.fail(85, d.place(t.subject, d.base, r.Template.Element.Path()), "no @initialization", "CMAF has an init segment")
		}
		return
	}
	in := t.readInit(ctx, resolve(d.base, url), 0, 0, r.Template.Element.Path())
	if in == nil {
		return
	}
	d.judgeInit(t, in)
	list := r.Segments
	if !r.Template.HasTimeline {
		list = r.Numbered(d.mpd, time.Now().Add(d.clock), 1000)
	}
	from := 0
	if !t.begun && (d.mpd.Dynamic || d.o.Segments > 0) {
		from = max(0, len(list)-d.firstSegments(d.mpd.Dynamic))
	}
	for i := range list[from:] {
		s := &list[from+i]
		if t.begun && s.Time <= t.read || ctx.Err() != nil || d.rounds > 0 && !d.watching(ctx) {
			continue
		}
		d.readSegment(ctx, t, s, false)
	}
	if d.rounds%3 == 1 && len(list) > 0 && d.watching(ctx) { // the oldest is there still
		d.readSegment(ctx, t, &list[0], true)
	}
}

func (d *dash) readSegment(ctx context.Context, t *dashTrack, s *mpd.Segment, again bool) {
	r := t.rep
	c := claim{url: resolve(d.base, s.URL), at: s.Element.Path(), again: again}
	if !again {
		if !t.begun || s.Time != t.end {
			t.number++ // a hole, or the first
		}
		t.number++
		t.begun, t.read, t.end = true, s.Time, s.Time+s.Duration
	}
	c.number = t.number
	scale := r.Template.Timescale
	if scale == int64(t.init.Timescale) && r.Template.HasTimeline {
		c.ticks, c.start, c.duration = true, s.Time, s.Duration
	} else {
		c.length, c.slack = mpd.Ticks(s.Duration, scale), mpd.Ticks(s.Duration, scale)/2
	}
	m, inits := d.mpd, int64(t.init.Timescale)
	c.utc = func(ticks, _ int64) time.Time {
		start := m.AvailabilityStart.Add(r.Period.Start)
		return start.Add(ticksToTime(ticks, inits) - mpd.Ticks(r.Template.Offset, scale))
	}
	t.track.read(ctx, t.init, c)
}

// example gives the probes something to ask for.
func (d *dash) example() example {
	e := example{manifest: d.base, places: d.place("MPD", d.base, ""), types: mpdTypes}
	for _, t := range d.order {
		r := t.rep
		n := len(r.Segments)
		if n == 0 {
			continue
		}
		last := r.Segments[n-1]
		e.segment = resolve(d.base, last.URL)
		at := func(s mpd.Segment) string {
			s.Number = max(0, s.Number)
			return resolve(d.base, r.URLOf(s))
		}
		if last.Time > 20_000*last.Duration {
			far, old := last, r.Segments[0]
			far.Time, far.Number = last.Time+10_000*last.Duration, last.Number+10_000
			old.Time, old.Number = old.Time-10_000*last.Duration, old.Number-10_000
			e.missing = append(e.missing,
				missing{at(far), "a segment far ahead", 113, []int{404, 410, 412, 425}},
				missing{at(old), "a segment long gone", 113, []int{404, 410}})
		}
		break
	}
	return e
}
