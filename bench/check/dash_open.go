package check

import (
	"context"
	"errors"
	"fmt"
	"time"

	"weir/bench/check/mp4"
	"weir/bench/check/mpd"
	"weir/media"
)

// A growing is what is known of a representation's segments that were read while they grew.
type growing struct {
	had    bool  // the turn before
	grown  grown // to be asked for again when its segment is over
	doubts []doubt

	due, listed, absent, first, chunks, several, offset, resync, clock, broken *tally
}

// grown is an answer that grew.
type grown struct {
	url  string
	size int
}

// A doubt is a segment that was not there, or broke off. Where its encoder broke off it will never be whole, and the
// origin did right; else it did wrong.
type doubt struct {
	at    place
	said  string
	after time.Time // when it must be decided
	wrong *tally
}

const maxDoubts = 64

func newGrowing(d *dash) *growing {
	absent := d.tally(85, "what is announced comes, mostly")
	listed := d.tally(88, "segments that can be had while they grow are listed then")
	absent.share, listed.share = 2, 2 // encoders may be away for long
	return &growing{
		listed:  listed,
		absent:  absent,
		due:     d.tally(85, "a segment is there from its availability time on"),
		first:   d.tally(85, "the first bytes come at the availability time, or soon"),
		chunks:  d.tally(88, "each chunk comes when it is made, not behind later ones"),
		several: d.tally(88, "a segment of low latency has several chunks"),
		offset:  d.tally(87, "availabilityTimeOffset leaves time for the first chunk"),
		resync:  d.tally(90, "no chunk is longer than Resync@dT"),
		clock:   d.tally(71, "the time at which the chunk was made, by the clock of the MPD"),
		broken:  d.tally(60, "an answer is broken off only where its source is"),
	}
}

// grows reports whether a segment may not be whole yet. An origin waits for what is late: for as long as a segment, we grant.
func (d *dash) grows(r *mpd.Representation, s *mpd.Segment) bool {
	return d.mpd.Dynamic && r.Template.Early > 0 && r.UTC(d.mpd, s.Time+s.Duration).Add(grace(r, s)).After(time.Now().Add(d.clock))
}

// grace is how long after its end a segment of low latency may be undecided.
func grace(r *mpd.Representation, s *mpd.Segment) time.Duration {
	return mpd.Ticks(s.Duration, r.Template.Timescale) + time.Second
}

// upcoming is how long it is until the next segment of a low-latency representation is available.
func (d *dash) upcoming() (until time.Duration, low bool) {
	now := time.Now().Add(d.clock)
	for _, t := range d.order {
		r := t.rep
		if t.low == nil || r.Template.Early == 0 || t.init == nil {
			continue
		}
		next := time.Duration(-1)
		if r.Template.HasTimeline {
			for i := len(r.Segments) - 1; i >= 0 && r.Segments[i].Time > t.read; i-- {
				next = r.Available(d.mpd, &r.Segments[i]).Sub(now)
			}
		} else if length := mpd.Ticks(r.Template.Duration, r.Template.Timescale); length > 0 {
			since := now.Sub(d.mpd.AvailabilityStart.Add(r.Period.Start)) + r.Template.Early
			next = length - since%length
		}
		if next > 0 && (!low || next < until) {
			until, low = next, true
		}
	}
	return until + 2*time.Millisecond, low
}

// readOpen reads a segment while it grows, if it is this track's turn: as players do that want each chunk when it is made.
// What comes is judged as any segment, and by when it came. It reports whether the segment is done with.
func (d *dash) readOpen(ctx context.Context, t *dashTrack, s *mpd.Segment) bool {
	r, g := t.rep, t.low
	end := r.UTC(d.mpd, s.Time+s.Duration).Add(-d.clock) // by our clock
	if !d.turn(ctx, g) {
		g.had = false
		return false
	}
	defer d.turned()
	g.had = true
	ctx, cancel := context.WithDeadline(ctx, d.until)
	defer cancel()
	length := mpd.Ticks(s.Duration, r.Template.Timescale)
	at := d.place(t.subject, resolve(d.base, s.URL), s.Element.Path())
	a, err := d.fetch.get(ctx, request{url: at.url, limit: maxMedia, timed: true, patience: length + 10*time.Second})
	if ctx.Err() != nil {
		return true
	}
	d.settle(ctx, g)
	if err != nil {
		g.due.add(false, at, err.Error())
		if !errors.Is(err, errNoAnswer) {
			d.judge.fail(110, at, err.Error(), "an answer")
		}
		return false
	}
	decided := end.Add(grace(r, s))
	said := fmt.Sprintf("status %d after %v", a.status, a.took.Round(time.Millisecond))
	if g.absent.add(a.status == 200, at, said); a.status != 200 {
		g.doubt(doubt{at, said, decided, g.due})
		t.last.known = false
		t.begun, t.read = true, s.Time
		return true
	}
	g.due.add(true, at, "")
	if !g.ends(d, a, at, decided) {
		t.last.known = false
		t.begun, t.read = true, s.Time
		return true
	}
	if a.sent.Before(end) {
		d.presentation.parts.Add(1)
	}
	seg := d.judgeSegment(ctx, t, s, a, false)
	if in := t.init; seg != nil && in.Kind != media.Text && in.Kind != media.Metadata {
		d.judgeArrival(t, s, seg, a, at)
	}
	if g.grown.url != "" {
		d.judgeWhole(ctx, t, g.grown, at)
		g.grown = grown{}
	} else {
		g.grown = grown{a.url, len(a.body)}
	}
	return true
}

// turn takes a turn to read a segment while it grows. Presentations share them, and who had one lets others go first.
func (d *dash) turn(ctx context.Context, g *growing) bool {
	if g.had && !d.pause(ctx, 20*time.Millisecond) {
		return false
	}
	if d.reading.Add(1) > max(1, maxGrowing/d.dashes.Load()) || !try(d.fetch.grows) {
		d.reading.Add(-1)
		return false
	}
	return true
}

func (d *dash) turned() {
	leave(d.fetch.grows)
	d.reading.Add(-1)
}

// ends: an answer that grows ends with a whole chunk. It may break off, with an error, where the encoder does.
func (g *growing) ends(d *dash, a *answer, at place, decided time.Time) bool {
	if a.broken != nil {
		g.doubt(doubt{at, a.broken.Error(), decided, g.broken})
		return false
	}
	g.broken.add(true, at, "")
	whole := true
	for _, f := range mp4.ReadSegment(a.body, nil).Faults {
		whole = whole && f.Assertion != 65
	}
	return d.judge.test(60, whole, at, fmt.Sprintf("%d bytes that end within a box, cleanly", len(a.body)), "an answer whose source breaks off breaks off itself")
}

func (g *growing) doubt(o doubt) {
	if len(g.doubts) < maxDoubts {
		g.doubts = append(g.doubts, o)
	}
}

// settle asks for what was in doubt, once it is decided.
func (d *dash) settle(ctx context.Context, g *growing) {
	for len(g.doubts) > 0 && time.Now().After(g.doubts[0].after) {
		o := g.doubts[0]
		g.doubts = g.doubts[1:]
		a, err := d.fetch.get(ctx, request{url: o.at.url, limit: maxMedia})
		if ctx.Err() != nil || err != nil {
			return
		}
		o.wrong.add(a.status != 200 || a.broken != nil, o.at, o.said+"; now it is whole")
	}
}

// judgeWhole asks again for what has grown, now that it is over: it has the bytes that it had.
func (d *dash) judgeWhole(ctx context.Context, t *dashTrack, was grown, at place) {
	at.url = was.url
	again, err := d.fetch.get(ctx, request{url: at.url, limit: maxMedia})
	if err != nil || ctx.Err() != nil || again.status != 200 || again.broken != nil {
		return
	}
	t.judge.test(60, len(again.body) <= was.size, at, fmt.Sprintf("%d bytes, and a clean end", was.size), fmt.Sprintf("the segment has %d bytes", len(again.body)))
	if len(again.body) == was.size {
		d.names.see(d.judge, at, again)
	}
}

// judgeArrival: chunks come when they are made. When that was is not known, but how much later than others of the segment
// one came is: nothing of it may be more than what the offset leaves, which grants encoders their bursts.
func (d *dash) judgeArrival(t *dashTrack, s *mpd.Segment, seg *mp4.Segment, a *answer, at place) {
	r, g := t.rep, t.low
	length, scale := mpd.Ticks(s.Duration, r.Template.Timescale), int64(t.init.Timescale)
	leaves := length - r.Template.Early
	type coming struct {
		box mp4.Box
		lag time.Duration
	}
	var list []coming
	least := time.Duration(1 << 62)
	for i := range seg.Chunks {
		c := &seg.Chunks[i]
		came := a.came(c.Mdat.At + len(c.Mdat.All))
		if came.IsZero() {
			continue
		}
		end := c.DecodeTime() - t.init.Shift
		for _, sample := range c.Samples {
			end += int64(sample.Duration)
		}
		made := d.mpd.AvailabilityStart.Add(r.Period.Start).Add(ticksToTime(end, scale) - mpd.Ticks(r.Template.Offset, r.Template.Timescale) - d.clock)
		if made.Before(a.sent) {
			continue // it may have been there already
		}
		lag := came.Sub(made)
		list = append(list, coming{c.Moof, lag})
		least = min(least, lag)
		for _, f := range c.Prfts {
			off := ntp(f.NTP).Sub(came.Add(d.clock))
			g.clock.add(off <= time.Second && off >= -length-10*time.Second, at, fmt.Sprintf("prft says %s, the chunk came at %s", ntp(f.NTP).Format(timeForm), came.Add(d.clock).UTC().Format(timeForm)))
		}
	}
	for _, c := range list {
		where := at
		where.at = c.box.String()
		g.chunks.add(c.lag-least <= leaves+100*time.Millisecond, where, fmt.Sprintf("it came %v later than another, measured by their times", (c.lag-least).Round(time.Millisecond)))
	}
	if len(a.marks) > 0 {
		due := r.Available(d.mpd, s).Add(-d.clock)
		if due.Before(a.sent) {
			due = a.sent
		}
		late := a.marks[0].at.Sub(due)
		g.first.add(late <= leaves+500*time.Millisecond, at, fmt.Sprintf("%v later", late.Round(time.Millisecond)))
	}
}

const timeForm = "15:04:05.000"

// ntp is the instant of an NTP time. Source: RFC 5905, 6.
func ntp(t uint64) time.Time {
	return time.Unix(int64(t>>32)-2208988800, int64((t&0xffffffff)*1e9>>32)).UTC()
}

// judgeChunks judges the chunks of a segment of a low-latency representation against what the MPD says of them.
func (d *dash) judgeChunks(t *dashTrack, s *mpd.Segment, seg *mp4.Segment) {
	if seg == nil || t.low == nil || t.init.Kind != media.Video && t.init.Kind != media.Audio || len(seg.Chunks) == 0 {
		return
	}
	r, g, scale := t.rep, t.low, int64(t.init.Timescale)
	at := d.place(t.subject, resolve(d.base, s.URL), "")
	g.several.add(len(seg.Chunks) > 1, at, "one chunk")
	most := resyncOf(r)
	prfts := 0
	for i := range seg.Chunks {
		c := &seg.Chunks[i]
		prfts += len(c.Prfts)
		var ticks, frame int64
		for _, sample := range c.Samples {
			ticks += int64(sample.Duration)
			frame = max(frame, int64(sample.Duration))
		}
		length, one := mpd.Ticks(ticks, scale), mpd.Ticks(frame, scale)
		at.at = c.Moof.String()
		if i == 0 {
			leaves := mpd.Ticks(s.Duration, r.Template.Timescale) - r.Template.Early
			g.offset.add(length <= leaves+one, at, fmt.Sprintf("the first chunk lasts %v, and %v are left", length, leaves))
		}
		if most > 0 {
			g.resync.add(length <= most+one, at, fmt.Sprintf("a chunk of %v, where dT is %v", length, most))
		}
	}
	if ref := referenceOf(r); ref != nil && (ref.Get("inband") == "true" || ref.Get("inband") == "1") {
		at.at = ref.Path()
		d.judge.test(71, prfts > 0, at, "inband=true, and no prft in the segment", "each segment has one at least")
	}
}

// judgeOpen: what says that its segments can be had early lists them then.
func (d *dash) judgeOpen(t *dashTrack) {
	r := t.rep
	n := len(r.Segments)
	if t.low == nil || n == 0 || !d.mpd.Dynamic {
		return
	}
	last := &r.Segments[n-1]
	if length := mpd.Ticks(last.Duration, r.Template.Timescale); r.Template.Early > length/2 {
		behind := d.seen.Add(d.clock).Sub(r.UTC(d.mpd, last.Time+last.Duration))
		t.low.listed.add(behind <= 0, d.place(t.subject, d.base, last.Element.Path()), fmt.Sprintf("the newest was over %v ago", behind.Round(time.Millisecond)))
	}
}
