package check

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"weir/bench/check/mp4"
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
	seen    time.Time // when the newest version had come
	grown   time.Time // when the MPD last listed something new
	tracks  map[string]*dashTrack
	order   []*dashTrack
	rounds  int
	clock   time.Duration // what the MPD's clock is ahead of ours
	reading atomic.Int32  // segments while they grow
}

// dashTrack is one representation of one period while it is read.
type dashTrack struct {
	*track
	rep    *mpd.Representation // in the newest version
	read   int64               // start of the newest segment read, in ticks
	begun  bool
	first  int64  // start of the first segment read
	there  *tally // of a template with @duration
	number int64  // counts segments, for what follows what
	end    int64  // where the newest segment read ends, in ticks
	low    *growing
}

// runDASH judges what the URL answered, then its later versions.
func (p *presentation) runDASH(ctx context.Context, a *answer) {
	d := &dash{presentation: p, base: a.url, tracks: map[string]*dashTrack{}}
	d.dashes.Add(1)
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
		wait = min(wait, 10*time.Second) - time.Since(d.fetched)
		if until, low := d.upcoming(); low && until < wait { // a segment is due before the MPD is
			if !d.pause(ctx, until) {
				return nil
			}
			d.readNew(ctx)
			d.rounds++
			continue
		}
		if !d.rest(ctx, wait) {
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
	d.mpd, d.answer, d.seen = m, a, a.sent.Add(a.took)
	d.follow(m)
	for _, t := range d.order {
		d.judgeOpen(t)
	}
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
					t.there = d.tally(85, "a segment is there when the MPD says: status 200")
					d.tracks[key] = t
					d.order = append(d.order, t)
					d.presentation.tracks.Add(1)
				}
				t.rep = r
				if t.low == nil && r.Template.Early > 0 && !t.trick && m.Dynamic {
					t.low = newGrowing(d)
				}
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
	list := d.available(r)
	from := 0
	if !t.begun && (d.mpd.Dynamic || d.o.Segments > 0) {
		from = max(0, len(list)-d.firstSegments(d.mpd.Dynamic))
	}
	for i := range list[from:] {
		s := &list[from+i]
		if t.begun && s.Time <= t.read || ctx.Err() != nil || d.rounds > 0 && !d.watching(ctx) {
			continue
		}
		if t.low != nil && d.grows(r, s) {
			if !d.readOpen(ctx, t, s) {
				return // later, when it is whole
			}
			continue
		}
		d.readSegment(ctx, t, s, false)
	}
	if d.rounds%3 == 1 && d.watching(ctx) { // the oldest is there still
		for i := range list {
			if r.Template.HasTimeline || t.begun && list[i].Time >= t.first { // numbers count on where there is nothing
				d.readSegment(ctx, t, &list[i], true)
				break
			}
		}
	}
}

// available lists the segments that can be had now. What an MPD lists without an offset is there.
func (d *dash) available(r *mpd.Representation) []mpd.Segment {
	now := time.Now().Add(d.clock)
	if r.Template.HasTimeline {
		list := r.Segments
		for n := len(list); n > 0 && d.mpd.Dynamic && r.Template.Early > 0 && r.Available(d.mpd, &list[n-1]).After(now); n-- {
			list = list[:n-1]
		}
		return list
	}
	count := 1000
	if length := mpd.Ticks(r.Template.Duration, r.Template.Timescale); length > 0 && d.mpd.BufferDepth > 0 {
		count = min(count, int(d.mpd.BufferDepth/length))
	}
	return r.Numbered(d.mpd, now, count)
}

func (d *dash) readSegment(ctx context.Context, t *dashTrack, s *mpd.Segment, again bool) {
	if t.rep.Template.HasTimeline {
		d.judgeSegment(ctx, t, s, nil, again)
		return
	}
	// Numbers count on where the encoder sent nothing: what is not there is a gap, unless there are many.
	a, err := d.fetch.get(ctx, request{url: resolve(d.base, s.URL), limit: maxMedia})
	if err == nil && ctx.Err() == nil {
		at := d.place(t.subject, a.url, s.Element.Path())
		t.there.add(a.status == 200 || a.status == 404 && t.low != nil, at, fmt.Sprintf("status %d", a.status)) // low latency: see growing
		if a.status == 404 {
			t.begun, t.read, t.last.known = true, max(t.read, s.Time), false
			return
		}
	}
	if a != nil || ctx.Err() == nil {
		d.judgeSegment(ctx, t, s, a, again)
	}
}

// judgeSegment judges a segment, and fetches it unless it has been got.
func (d *dash) judgeSegment(ctx context.Context, t *dashTrack, s *mpd.Segment, got *answer, again bool) *mp4.Segment {
	r := t.rep
	c := claim{url: resolve(d.base, s.URL), at: s.Element.Path(), again: again}
	if !again {
		if !t.begun || s.Time != t.end {
			t.number++ // a hole, or the first
		}
		t.number++
		if !t.begun {
			t.first = s.Time
		}
		t.begun, t.read, t.end = true, s.Time, s.Time+s.Duration
	}
	c.number, c.got = t.number, got
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
	seg := t.track.read(ctx, t.init, c)
	d.judgeChunks(t, s, seg)
	return seg
}

// example gives the probes something to ask for.
func (d *dash) example() example {
	e := example{manifest: d.base, places: d.place("MPD", d.base, ""), types: mpdTypes}
	for _, t := range d.order {
		r := t.rep
		list := d.available(r)
		for len(list) > 0 && d.grows(r, &list[len(list)-1]) {
			list = list[:len(list)-1] // whole ones are examples
		}
		n := len(list)
		if n == 0 {
			continue
		}
		last := list[n-1]
		e.segment = resolve(d.base, last.URL)
		at := func(s mpd.Segment) string {
			s.Number = max(0, s.Number)
			return resolve(d.base, r.URLOf(s))
		}
		if last.Time > 20_000*last.Duration {
			far, old := last, list[0]
			far.Time, far.Number = last.Time+10_000*last.Duration, last.Number+10_000
			old.Time, old.Number = old.Time-10_000*last.Duration, old.Number-10_000
			e.missing = append(e.missing,
				missing{at(far), "a segment far ahead", 113, []int{404, 410, 412, 425}},
				missing{at(old), "a segment long gone", 113, []int{404, 410}})
			if !r.Template.HasTimeline {
				soon := last
				soon.Time, soon.Number = last.Time+8*last.Duration, last.Number+8
				e.missing = append(e.missing, missing{at(soon), "a segment that is not due", 85, []int{404, 410, 425}})
			}
		}
		break
	}
	return e
}
