package check

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"weir/bench/check/mp4"
	"weir/bench/check/mpd"
)

// A track is one rendition while it is read: a playlist, a representation, a quality level. One goroutine reads it.
type track struct {
	*presentation
	subject string // in findings
	trick   bool   // for trick play: every sample is a sync sample, and segments need not follow each other
	smooth  bool   // Smooth fragments: no tfdt needed, no init segment
	peak    int64  // bits per second that the manifest declares; 0: nothing
	average int64

	mu       sync.Mutex // guards what follows against the comparison at the end
	init     *mp4.Init  // in force
	initURL  string
	unsynced bool // a segment began without a sync sample
	frames   *frameTrack
	last     lastSegment
	lastPart lastSegment
	frame    time.Duration // the shortest sample seen in parts
	bits     int64         // media read, for the average
	length   time.Duration
	spans    []span // of the newest segments, for comparing renditions
}

// lastSegment is what the segment before said.
type lastSegment struct {
	known    bool
	number   int64
	end      int64 // decode ticks
	sequence uint32
	init     *mp4.Init
}

// A span is the decode time that a segment covers.
type span struct{ number, start, end int64 }

// A claim is what a manifest says of one segment.
type claim struct {
	url       string
	from, len int64 // byte range; len 0: all
	at        string
	number    int64
	breaks    bool    // a discontinuity or a new Period stands before it
	again     bool    // read before: only that it is there, and the same
	got       *answer // what a poll has brought already; nil: ask
	pieces    []byte  // the segment's parts, one behind the other; nil: not known
	length    time.Duration
	slack     time.Duration // by which length may be off

	// Where the manifest counts in the track's own ticks (DASH, Smooth).
	ticks           bool
	start, duration int64

	// utc is the instant of a presentation time in ticks; epoch is that time of the segment's first picture. nil: unknown.
	utc func(ticks, first int64) time.Time
}

// readInit fetches an init segment and judges it; nil where it cannot be read.
func (t *track) readInit(ctx context.Context, url string, from, length int64, at string) *mp4.Init {
	key := fmt.Sprintf("%s %d %d", url, from, length)
	if t.init != nil && t.initURL == key {
		return t.init
	}
	p := t.place(t.subject, url, at)
	a := t.object(ctx, p, url, from, length, nil)
	if a == nil {
		return nil
	}
	in, err := mp4.ReadInit(a.body)
	if err != nil {
		t.judge.fail(61, p, err.Error(), "an init segment that can be read")
		return nil
	}
	for _, f := range in.Faults {
		t.judge.fail(f.Assertion, t.place(t.subject, url, f.At), f.Said, f.True)
	}
	if len(in.Faults) == 0 {
		t.judge.test(61, true, p, "", "")
	}
	t.mediaType(a, in.Kind, p)
	t.mu.Lock()
	t.init, t.initURL = in, key
	if t.frames == nil {
		t.frames = t.session.frames.track(t.presentation, t.place(t.subject, t.url, ""), in)
	}
	t.mu.Unlock()
	return in
}

// object fetches something that a manifest lists, unless it has been got; nil where it cannot be had. What is wrong with
// the answer is reported.
func (t *track) object(ctx context.Context, p place, url string, from, length int64, got *answer) *answer {
	r := request{url: url, limit: maxMedia}
	if length > 0 {
		r.header = map[string]string{"Range": fmt.Sprintf("bytes=%d-%d", from, from+length-1)}
	}
	a := got
	if a == nil {
		var err error
		if a, err = t.fetch.get(ctx, r); err != nil {
			if ctx.Err() == nil {
				t.judge.fail(110, p, err.Error(), "what is listed can be fetched")
			}
			return nil
		}
	}
	t.bytes.Add(int64(len(a.body)))
	t.judge.test(114, a.redirects == 0, p, fmt.Sprintf("%d redirects", a.redirects), "none for media")
	want := 200
	if length > 0 {
		want = 206
	}
	if !t.judge.test(110, a.status == want, p, fmt.Sprintf("status %d", a.status), fmt.Sprintf("what is listed can be fetched: status %d", want)) {
		return nil
	}
	if !t.whole(a, p) {
		return nil
	}
	t.header(a, p, classMedia)
	if length == 0 {
		t.names.see(t.judge, p, a)
	}
	return a
}

// read fetches a segment and judges it against what the manifest says; nil where it cannot be read.
func (t *track) read(ctx context.Context, in *mp4.Init, c claim) *mp4.Segment {
	p := t.place(t.subject, c.url, c.at)
	a := t.object(ctx, p, c.url, c.from, c.len, c.got)
	if a == nil || c.again {
		if a == nil {
			t.last.known = false
		}
		return nil
	}
	if in != nil {
		t.mediaType(a, in.Kind, p)
	}
	if c.pieces != nil {
		t.judge.test(17, bytes.Equal(a.body, c.pieces), p, fmt.Sprintf("%d bytes", len(a.body)), fmt.Sprintf("its parts are %d bytes, the same ones", len(c.pieces)))
	}
	header := in
	if t.smooth { // what the manifest says of the codec names no track
		header = nil
	}
	s := mp4.ReadSegment(a.body, header)
	t.segments.Add(1)
	t.judgeSegment(s, in, c, p)
	return s
}

// judgeSegment puts everything to the test that one segment and the one before it show.
func (t *track) judgeSegment(s *mp4.Segment, in *mp4.Init, c claim, p place) {
	t.faults(s, c, p)
	var shift, timescale int64
	if in != nil {
		shift, timescale = in.Shift, int64(in.Timescale)
	}
	times, ok := s.Times(shift)
	if !ok {
		t.last.known = false
		return
	}
	t.chunks(s, p)
	t.sync(s, in, true, p)
	t.offsets(s, in, p)
	t.boxes(s, p)
	if timescale > 0 {
		t.lengths(times, timescale, c, p)
		t.bitrate(s, times, timescale, p)
	}
	t.follows(s, in, times, c, p)
	if c.utc != nil && timescale > 0 && t.frames != nil && !t.trick {
		t.frames.add(s, func(ticks int64) time.Time { return c.utc(ticks-shift, times.Present) }, timescale)
	}
}

// faults reports what the format forbids.
func (t *track) faults(s *mp4.Segment, c claim, p place) {
	seen := map[int]bool{}
	for _, f := range s.Faults {
		if t.smooth && f.Assertion == 62 {
			if !strings.Contains(f.Said, "no decode time") {
				continue // Smooth has neither default-base-is-moof nor tfdt
			}
			f.Assertion, f.True = 100, "a fragment says its time"
		}
		seen[f.Assertion] = true
		t.judge.fail(f.Assertion, t.place(t.subject, c.url, f.At), f.Said, f.True)
	}
	for _, n := range []int{62, 65, 66} {
		if !seen[n] {
			t.judge.test(n, true, p, "", "")
		}
	}
}

// ticksToTime is a duration of either sign.
func ticksToTime(ticks, timescale int64) time.Duration {
	if ticks < 0 {
		return -mpd.Ticks(-ticks, timescale)
	}
	return mpd.Ticks(ticks, timescale)
}
