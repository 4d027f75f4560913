package check

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/bench/check/mp4"
	"weir/bench/check/mpd"
	"weir/media"
)

// judgeMPD judges one version alone.
func (d *dash) judgeMPD(ctx context.Context, m *mpd.MPD, at place) {
	found := map[int]bool{}
	for _, f := range m.Faults {
		found[f.Assertion] = true
		d.judge.fail(f.Assertion, place{at.subject, at.url, f.At}, f.Said, f.True)
	}
	for _, n := range []int{81, 85, 86} {
		if !found[n] {
			d.judge.test(n, true, at, "", "")
		}
	}
	d.judge.test(81, len(m.Periods) > 0, at, "no Period", "an MPD has one")
	if m.Dynamic {
		d.judgeDynamic(ctx, m, at)
	}
	d.judgePeriods(m, at)
	d.judgeTimelines(m, at)
	d.judgeTrickModes(m, at)
	d.judgeLow(m, at)
}

// judgeDynamic: what a live MPD must have.
func (d *dash) judgeDynamic(ctx context.Context, m *mpd.MPD, at place) {
	at.at = m.Root.Path()
	d.judge.test(82, m.HasStart, at, "no availabilityStartTime", "a dynamic MPD has one")
	d.judge.test(82, m.HasPublished, at, "no publishTime", "a dynamic MPD has one")
	d.judge.test(82, m.HasUpdatePeriod || !listed(m), at, "no minimumUpdatePeriod", "a live SegmentTimeline grows by updates")
	clock := m.Root.First("UTCTiming")
	if d.judge.test(82, clock != nil, at, "no UTCTiming", "a dynamic MPD says by which clock it counts") && d.first("clock") {
		d.judgeClock(ctx, clock.Get("schemeIdUri"), clock.Get("value"), place{at.subject, at.url, clock.Path()})
	}
}

// judgeClock asks the time of the MPD's clock. Ours may be off, but not by much.
func (d *dash) judgeClock(ctx context.Context, scheme, value string, at place) {
	var now time.Time
	var half time.Duration
	switch strings.TrimSuffix(scheme, ":2012") {
	case "urn:mpeg:dash:utc:http-xsdate:2014", "urn:mpeg:dash:utc:http-iso:2014", "urn:mpeg:dash:utc:http-xsdate", "urn:mpeg:dash:utc:http-iso":
		first, _, _ := strings.Cut(value, " ")
		at.url = resolve(d.base, first)
		a := d.ask(ctx, 82, at, request{url: at.url})
		if a == nil {
			return
		}
		t, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(string(a.body)))
		if !d.judge.test(82, a.status == 200 && err == nil, at, fmt.Sprintf("status %d, %d bytes", a.status, len(a.body)), "the time endpoint answers with a date") {
			return
		}
		now, half = t.Add(a.took/2), a.took/2
	case "urn:mpeg:dash:utc:direct:2014":
		t, err := time.Parse(time.RFC3339Nano, value)
		if !d.judge.test(82, err == nil, at, value, "a date") {
			return
		}
		now = t
	default:
		return // NTP and the like: no player of the web asks it
	}
	d.clock = time.Until(now)
	d.judge.test(82, d.clock.Abs() <= 2*time.Second+half, at, now.UTC().Format(time.RFC3339Nano), fmt.Sprintf("it is %v off this machine's clock", d.clock.Round(time.Millisecond)))
}

// judgePeriods: ids are unique, and each begins where the one before ends.
func (d *dash) judgePeriods(m *mpd.MPD, at place) {
	ids := map[string]bool{}
	for i, p := range m.Periods {
		at.at = p.Element.Path()
		d.judge.test(84, p.ID != "" || !m.Dynamic, at, "no id", "a Period of a dynamic MPD has one")
		d.judge.test(96, !ids[p.ID] || p.ID == "", at, "id="+p.ID, "ids are unique")
		ids[p.ID] = true
		if i > 0 {
			was := m.Periods[i-1]
			d.judge.test(96, p.Start >= was.Start, at, fmt.Sprintf("start %v", p.Start), fmt.Sprintf("the Period before starts at %v", was.Start))
			if _, said := was.Element.Attr("duration"); said {
				off := p.Start - was.Start - was.Duration
				d.judge.test(96, off.Abs() <= time.Millisecond, at, fmt.Sprintf("start %v", p.Start), fmt.Sprintf("the Period before ends at %v", was.Start+was.Duration))
			}
		}
		names := map[string]bool{}
		for _, s := range p.Sets {
			for _, r := range s.Representations {
				at.at = r.Element.Path()
				d.judge.test(81, !names[r.ID], at, "id="+r.ID, "ids of representations are unique in a Period")
				names[r.ID] = true
			}
		}
	}
}

// judgeTimelines: segments lie in their period and in the window, and none is longer than the MPD says.
func (d *dash) judgeTimelines(m *mpd.MPD, at place) {
	for i, p := range m.Periods {
		for _, s := range p.Sets {
			for _, r := range s.Representations {
				d.judgeTimeline(m, i, r, at)
			}
		}
	}
}

func (d *dash) judgeTimeline(m *mpd.MPD, period int, r *mpd.Representation, at place) {
	p := m.Periods[period]
	at.subject, at.at = d.place(r.ID, "", "").subject, r.Element.Path()
	scale := r.Template.Timescale
	for i := range r.Segments {
		s := &r.Segments[i]
		length := mpd.Ticks(s.Duration, scale)
		if m.MaxSegment > 0 {
			at.at = s.Element.Path()
			d.judge.test(91, length <= m.MaxSegment+time.Millisecond, at, fmt.Sprintf("maxSegmentDuration %v", m.MaxSegment), fmt.Sprintf("a segment lasts %v", length))
		}
	}
	n := len(r.Segments)
	if n == 0 {
		d.judge.test(86, !r.Template.HasTimeline, at, "an empty SegmentTimeline", "it has one S at least")
		return
	}
	first, last := &r.Segments[0], &r.Segments[n-1]
	at.at = first.Element.Path()
	start := mpd.Ticks(first.Time, scale) - mpd.Ticks(r.Template.Offset, scale)
	d.judge.test(96, start+mpd.Ticks(first.Duration, scale) > 0, at, fmt.Sprintf("t=%d", first.Time), fmt.Sprintf("the Period starts at %d: the segment ends before it", r.Template.Offset))
	if p.Duration > 0 {
		at.at = last.Element.Path()
		into := mpd.Ticks(last.Time, scale) - mpd.Ticks(r.Template.Offset, scale)
		d.judge.test(96, into < p.Duration+time.Millisecond, at, fmt.Sprintf("a segment starts %v into the Period", into), fmt.Sprintf("the Period ends after %v", p.Duration))
	}
	if m.Dynamic && period == len(m.Periods)-1 {
		at.at = last.Element.Path()
		ahead := time.Until(r.UTC(m, last.Time+last.Duration)) + d.clock
		if d.clock.Abs() <= 2*time.Second {
			// An origin that puts an encoder's restart onto its grid may be ahead of the clock by a segment or two.
			allowed := time.Second + 2*mpd.Ticks(last.Duration, scale) + r.Template.Early
			d.judge.test(116, ahead <= allowed, at, fmt.Sprintf("the newest segment ends %v from now", ahead.Round(time.Millisecond)), "what is listed has been made")
		}
	}
}

// judgeTrickModes: a set for trick play names a main set of its period.
func (d *dash) judgeTrickModes(m *mpd.MPD, at place) {
	for _, p := range m.Periods {
		for _, s := range p.Sets {
			if s.TrickMode == "" {
				continue
			}
			at.at = s.Element.Path()
			for id := range strings.FieldsSeq(s.TrickMode) {
				d.judge.test(115, slices.ContainsFunc(p.Sets, func(o *mpd.Set) bool { return o.ID == id && o.TrickMode == "" }), at,
					"trickmode of "+id, "the id of a main AdaptationSet of this Period")
			}
		}
	}
}

// judgeInit compares a representation with its init segment.
func (d *dash) judgeInit(t *dashTrack, in *mp4.Init) {
	r := t.rep
	if !d.first("init " + r.Period.ID + " " + r.ID + " " + t.initURL) {
		return
	}
	at := d.place(t.subject, d.base, r.Element.Path())
	d.judge.test(61, len(in.Tracks) == 1, at, fmt.Sprintf("%d tracks in the init segment", len(in.Tracks)), "a Representation is one track")
	d.judge.test(92, sameCodec(r.Codecs, in.Codec), at, "codecs="+r.Codecs, "the init segment says "+in.Codec)
	kind := in.Kind.String()
	if c := r.Set.ContentType; c != "" {
		d.judge.test(92, c == kind || kind == "metadata" && c == "application", at, "contentType="+c, "the init segment says "+kind)
	}
	want := map[media.Kind]string{media.Video: "video/mp4", media.Audio: "audio/mp4", media.Text: "application/mp4", media.Metadata: "application/mp4"}[in.Kind]
	d.judge.test(92, r.MimeType == want, at, "mimeType="+r.MimeType, want)
	if r.Width > 0 && in.Width > 0 {
		got, want := fmt.Sprintf("%dx%d", r.Width, r.Height), fmt.Sprintf("%dx%d", in.Width, in.Height)
		d.judge.test(92, got == want || sameCoded(r, in), at, got, "the init segment says "+want)
	}
	if in.Kind == media.Video {
		d.judge.test(92, r.Width > 0 && r.Height > 0, at, "no width and height", "a video Representation has them")
	}
	if r.FrameRate != "" && in.FrameRate.Den > 0 && !t.trick {
		got, want := ratio(r.FrameRate), float64(in.FrameRate.Num)/float64(in.FrameRate.Den)
		d.judge.test(92, got > want-0.01 && got < want+0.01, at, "frameRate="+r.FrameRate, fmt.Sprintf("the init segment says %d/%d", in.FrameRate.Num, in.FrameRate.Den))
	}
	if r.Rate > 0 && in.SampleRate > 0 {
		d.judge.test(92, r.Rate == int(in.SampleRate), at, fmt.Sprintf("audioSamplingRate=%d", r.Rate), fmt.Sprintf("the init segment says %d", in.SampleRate))
	}
	if n, err := strconv.Atoi(r.Channels); err == nil && in.Channels > 0 && len(r.Channels) < 3 {
		d.judge.test(92, n == in.Channels, at, "channels "+r.Channels, fmt.Sprintf("the init segment says %d", in.Channels))
	}
	if !r.Template.HasTimeline {
		return
	}
	at.at = r.Template.Element.Path()
	d.judge.test(86, r.Template.Timescale == int64(in.Timescale), at, fmt.Sprintf("timescale=%d", r.Template.Timescale), fmt.Sprintf("the init segment counts in %d", in.Timescale))
}

// sameCoded allows the coded size for pictures whose pixels are not square.
func sameCoded(r *mpd.Representation, in *mp4.Init) bool {
	sar := r.Element.Get("sar")
	if sar == "" {
		sar = r.Set.Element.Get("sar")
	}
	x, y, ok := strings.Cut(sar, ":")
	if !ok || x == y {
		return false
	}
	num, _ := strconv.Atoi(x)
	den, _ := strconv.Atoi(y)
	return den > 0 && r.Height == in.Height && (r.Width*num/den-in.Width) <= 1 && (r.Width*num/den-in.Width) >= -1
}

func ratio(s string) float64 {
	num, den, ok := strings.Cut(s, "/")
	a, _ := strconv.ParseFloat(num, 64)
	b := 1.0
	if ok {
		b, _ = strconv.ParseFloat(den, 64)
	}
	if b == 0 {
		return 0
	}
	return a / b
}
