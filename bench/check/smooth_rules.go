package check

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"weir/bench/check/ism"
	"weir/bench/check/mp4"
	"weir/bench/check/mpd"
	"weir/media"
)

// version parses and judges one version of the manifest; false where it cannot be read.
func (s *smooth) version(a *answer) bool {
	at := s.place("manifest", a.url, "")
	m, err := ism.Parse(a.body)
	if err != nil {
		s.judge.fail(98, at, err.Error(), "a Smooth manifest that can be read")
		return false
	}
	s.manifests.Add(1)
	found := map[int]bool{}
	for _, f := range m.Faults {
		found[f.Assertion] = true
		s.judge.fail(f.Assertion, place{at.subject, at.url, f.At}, f.Said, f.True)
	}
	for _, n := range []int{98, 99, 104} {
		if !found[n] {
			s.judge.test(n, true, at, "", "")
		}
	}
	life := time.Duration(0)
	if m.Live {
		s.live.Store(true)
		life = 10 * time.Second
	}
	s.manifestHeader(a, at, smoothTypes, life)
	at.at = m.Root.Path()
	if m.Live {
		s.judge.test(98, m.Lookahead > 0, at, "no LookaheadCount", "how many fragments each announces")
	}
	for _, st := range m.Streams {
		at.at = st.Element.Path()
		s.judge.test(98, len(st.Levels) > 0, at, "no QualityLevel", "one at least")
		s.judge.test(100, len(st.Chunks) == 0 || st.Chunks[len(st.Chunks)-1].Time < 1<<53, at, "times of 2^53 and beyond", "times that players written in JavaScript can hold")
	}
	s.mu.Lock()
	s.manifest = m
	s.mu.Unlock()
	return true
}

// judgeHeader turns CodecPrivateData into a header and compares the two.
func (l *level) judgeHeader() {
	at := l.place(l.subject, l.s.base, l.level.Element.Path())
	b, err := l.stream.Header(l.level)
	if err != nil {
		l.judge.fail(99, at, err.Error(), "CodecPrivateData of "+l.level.FourCC)
		return
	}
	if b == nil {
		return
	}
	in, err := mp4.ReadInit(b)
	if err != nil {
		l.judge.fail(99, at, err.Error(), "CodecPrivateData that a decoder can read")
		return
	}
	l.judge.test(99, true, at, "", "")
	switch in.Kind {
	case media.Video:
		got, want := fmt.Sprintf("%dx%d", l.level.Width, l.level.Height), fmt.Sprintf("%dx%d", in.Width, in.Height)
		l.judge.test(99, got == want, at, "MaxWidth and MaxHeight "+got, "the SPS says "+want)
	case media.Audio:
		l.judge.test(99, l.level.Rate == int(in.SampleRate) || l.level.Rate*2 == int(in.SampleRate), at, fmt.Sprintf("SamplingRate=%d", l.level.Rate), fmt.Sprintf("the AudioSpecificConfig says %d", in.SampleRate))
		l.judge.test(99, l.level.Channels == in.Channels, at, fmt.Sprintf("Channels=%d", l.level.Channels), fmt.Sprintf("the AudioSpecificConfig says %d", in.Channels))
	}
	l.mu.Lock()
	l.header, l.init = in, in
	l.frames = l.session.frames.track(l.presentation, l.place(l.subject, l.url, ""), in)
	l.mu.Unlock()
}

// judgeFragment compares the times that a fragment is known by, and what it announces.
func (l *level) judgeFragment(seg *mp4.Segment, c ism.Chunk, at place) {
	f := &seg.Chunks[0]
	at.at = f.Moof.String()
	l.judge.test(100, len(seg.Chunks) == 1, at, fmt.Sprintf("%d moofs", len(seg.Chunks)), "a fragment has one")
	if l.judge.test(100, f.HasTfxd || !l.live, at, "no tfxd", "a live fragment says its own time") && f.HasTfxd {
		l.judge.test(100, f.TfxdTime == c.Time, at, fmt.Sprintf("tfxd time %d", f.TfxdTime), fmt.Sprintf("%d: as in the URL", c.Time))
		if c.Duration > 0 {
			l.judge.test(100, f.TfxdDuration == c.Duration || !c.Said, at, fmt.Sprintf("tfxd duration %d", f.TfxdDuration), fmt.Sprintf("%d: as the manifest, or the tfrf before, says", c.Duration))
		}
	}
	if f.HasTime {
		l.judge.test(100, f.Time == c.Time, at, fmt.Sprintf("tfdt %d", f.Time), fmt.Sprintf("%d: as in the URL", c.Time))
	}
	if want, ok := l.announced[c.Time]; ok && f.HasTfxd {
		l.judge.test(101, want == f.TfxdDuration, at, fmt.Sprintf("tfxd duration %d", f.TfxdDuration), fmt.Sprintf("an earlier tfrf announced %d", want))
	}
	if l.live {
		l.judgeLookahead(f, c, at)
	}
}

// judgeLookahead: a live fragment announces its successors, and they come.
func (l *level) judgeLookahead(f *mp4.Chunk, c ism.Chunk, at place) {
	want := l.ahead
	l.judge.test(101, f.HasTfrf || want == 0, at, "no tfrf", "a live fragment announces its successors")
	l.judge.test(101, len(f.Lookahead) <= want || want == 0, at, fmt.Sprintf("%d fragments announced", len(f.Lookahead)), fmt.Sprintf("LookaheadCount is %d", want))
	before := c.Time + f.TfxdDuration
	for i, next := range f.Lookahead {
		l.judge.test(101, next.Time >= before, at, fmt.Sprintf("entry %d of tfrf: time %d", i+1, next.Time), fmt.Sprintf("what is before it ends at %d", before))
		before = next.Time + next.Duration
		if was, ok := l.announced[next.Time]; ok {
			l.judge.test(101, was == next.Duration, at, fmt.Sprintf("entry %d of tfrf: duration %d", i+1, next.Duration), fmt.Sprintf("an earlier one announced %d", was))
		}
		l.mu.Lock()
		listed, ok := l.listed[next.Time]
		l.mu.Unlock()
		if ok && listed > 0 {
			l.judge.test(101, listed == next.Duration, at, fmt.Sprintf("entry %d of tfrf: duration %d", i+1, next.Duration), fmt.Sprintf("the manifest says %d", listed))
		}
		if len(l.announced) < maxNames {
			l.announced[next.Time] = next.Duration
		}
	}
	if l.over = len(f.Lookahead) == 0 || len(f.Lookahead) < want; !l.over {
		l.next = f.Lookahead[0].Time
	}
}

// judgeSuccessor judges a version of the manifest against the one before.
func (s *smooth) judgeSuccessor(was, is *ism.Manifest, at place) {
	at.at = is.Root.Path()
	s.judge.test(98, was.Live || !is.Live, at, "IsLive=TRUE", "what was over stays so")
	s.judge.test(98, was.Lookahead == is.Lookahead || !is.Live, at, fmt.Sprintf("LookaheadCount=%d", is.Lookahead), fmt.Sprintf("it was %d", was.Lookahead))
	for _, st := range is.Streams {
		for _, o := range was.Streams {
			if strings.EqualFold(o.Name, st.Name) {
				at.at = st.Element.Path()
				s.judge.test(98, o.TimeScale == st.TimeScale, at, fmt.Sprintf("TimeScale=%d", st.TimeScale), fmt.Sprintf("it was %d", o.TimeScale))
				s.judgeCommon(o, st, at)
			}
		}
	}
}

// judgeCommon: two versions of a list agree where they overlap, and the list only grows at its end.
func (s *smooth) judgeCommon(was, is *ism.Stream, at place) {
	if len(was.Chunks) == 0 || len(is.Chunks) == 0 {
		return
	}
	old := make(map[int64]int64, len(was.Chunks))
	for _, c := range was.Chunks {
		old[c.Time] = c.Told()
	}
	first, last := was.Chunks[0].Time, was.Chunks[len(was.Chunks)-1].Time
	for _, c := range is.Chunks {
		if c.Time < first || c.Time > last {
			continue
		}
		d, ok := old[c.Time]
		at.at = c.Element.Path()
		// A chunk before a hole says no d once the hole is over: its length is said by its tfxd.
		s.judge.test(104, ok && (d == c.Told() || d == 0 || !c.Said), at, fmt.Sprintf("t=%d d=%d", c.Time, c.Duration), "the version before had another list there")
	}
	end := is.Chunks[len(is.Chunks)-1].Time
	s.judge.test(104, end >= last, at, fmt.Sprintf("the list ends with t=%d", end), fmt.Sprintf("it ended with t=%d", last))
}

// judgeSets judges what the levels of a stream have in common.
func (s *smooth) judgeSets() {
	sets := map[*ism.Stream][]*track{}
	for _, l := range s.levels {
		sets[l.stream] = append(sets[l.stream], l.track)
	}
	for _, list := range sets {
		s.switching(list, s.base)
	}
}

// probeSmooth asks what players ask beside fragments, and for what is not there.
func (s *smooth) probeSmooth(ctx context.Context) {
	e := example{manifest: s.base, places: s.place("manifest", s.base, ""), types: smoothTypes}
	for _, l := range s.levels {
		n := len(l.stream.Chunks)
		if n == 0 {
			continue
		}
		c := l.stream.Chunks[n-1]
		e.segment = resolve(s.base, l.stream.Fragment(l.level, c.Time))
		d := max(1, c.Duration)
		at := func(t int64) string { return resolve(s.base, l.stream.Fragment(l.level, t)) }
		if l.live {
			edge := s.edge(l)
			e.missing = append(e.missing,
				missing{at(edge), "a fragment beyond the edge", 102, []int{412, 404}},
				missing{at(edge + 10_000*d), "a fragment far ahead", 102, []int{404, 412}})
		}
		if old := l.stream.Chunks[0].Time - 10_000*d; old > 0 {
			e.missing = append(e.missing, missing{at(old), "a fragment before the window", 102, []int{404, 410}})
		}
		s.probeInfo(ctx, l, e.segment)
		break
	}
	s.probe(ctx, e)
}

// edge is a time that no fragment can have reached for the next half minute, on the grid of those that are listed.
func (s *smooth) edge(l *level) int64 {
	c := l.stream.Chunks[len(l.stream.Chunks)-1]
	length := max(time.Millisecond, mpd.Ticks(c.Duration, l.stream.TimeScale))
	since := time.Since(s.loaded) + 30*time.Second
	return c.Time + (int64(l.ahead)+2+int64(since/length))*max(1, c.Duration)
}

// probeInfo: FragmentInfo is the fragment without its media.
func (s *smooth) probeInfo(ctx context.Context, l *level, fragment string) {
	url := strings.Replace(fragment, "/Fragments(", "/FragmentInfo(", 1)
	if url == fragment {
		return
	}
	at := s.place(l.subject, url, "")
	whole := s.ask(ctx, 103, at, request{url: fragment, limit: maxMedia})
	info := s.ask(ctx, 103, at, request{url: url, limit: maxMedia})
	if whole == nil || info == nil || whole.status != 200 {
		return
	}
	if !s.judge.test(103, info.status == 200, at, fmt.Sprintf("status %d", info.status), "200: players of live streams ask for it") {
		return
	}
	seg := mp4.ReadSegment(whole.body, nil)
	if len(seg.Chunks) > 0 {
		want := seg.Chunks[0].Moof.All
		s.judge.test(103, bytes.Contains(info.body, want) && !bytes.Contains(info.body, []byte("mdat")), at, fmt.Sprintf("%d bytes", len(info.body)), fmt.Sprintf("the moof of the fragment, %d bytes, without mdat", len(want)))
	}
}
