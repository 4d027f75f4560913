package check

import (
	"fmt"
	"math"
	"slices"
	"time"

	"weir/bench/check/mp4"
	"weir/bench/check/mpd"
	"weir/media"
)

// chunks: within a segment each chunk begins where the one before ends, and says when.
func (t *track) chunks(s *mp4.Segment, p place) {
	for i := range s.Chunks {
		c := &s.Chunks[i]
		at := t.place(p.subject, p.url, c.Moof.String())
		at.subject = p.subject
		if !t.smooth {
			t.judge.test(62, c.HasTime, at, "no tfdt", "each traf has a tfdt")
		}
		if i == 0 {
			continue
		}
		b := &s.Chunks[i-1]
		end := b.DecodeTime()
		for _, sample := range b.Samples {
			end += int64(sample.Duration)
		}
		t.judge.test(63, c.DecodeTime() == end, at, fmt.Sprintf("decode time %d", c.DecodeTime()), fmt.Sprintf("the chunk before ends at %d", end))
		t.judge.test(66, c.Sequence > b.Sequence, at, fmt.Sprintf("mfhd sequence number %d", c.Sequence), fmt.Sprintf("it grows: the chunk before has %d", b.Sequence))
	}
}

// sync: a video segment starts with a sync sample, audio has nothing else, and flags say what the pictures are. first is
// false for what may start with any picture.
func (t *track) sync(s *mp4.Segment, in *mp4.Init, first bool, p place) {
	if in == nil {
		return
	}
	for i := range s.Chunks {
		c := &s.Chunks[i]
		at := p
		at.at = c.Moof.String()
		for k, sample := range c.Samples {
			flagged := media.IsSync(sample.Flags)
			said := fmt.Sprintf("sample %d has flags 0x%08x", k+1, sample.Flags)
			switch {
			case t.trick && in.Kind == media.Video:
				t.judge.test(115, flagged, at, said, "a track for trick play has sync samples alone")
			case in.Kind == media.Video && first:
				if !t.judge.test(64, flagged, at, said, "a segment starts with a sync sample") {
					t.mu.Lock()
					t.unsynced = true
					t.mu.Unlock()
				}
			case in.Kind == media.Audio:
				t.judge.test(64, flagged, at, said, "audio is all sync samples")
			}
			first = false
			if k < len(c.Payloads) {
				if sync, known := in.SyncSample(c.Payloads[k]); known {
					t.judge.test(64, sync == flagged, at, said, fmt.Sprintf("its NAL units say sync is %v", sync))
				}
			}
		}
	}
}

// offsets: signed composition offsets or an edit list, not both.
func (t *track) offsets(s *mp4.Segment, in *mp4.Init, p place) {
	if in == nil || in.Kind != media.Video {
		return
	}
	for i := range s.Chunks {
		c := &s.Chunks[i]
		negative := slices.ContainsFunc(c.Samples, func(s media.Sample) bool { return s.CTO-in.Defaults.CTO < 0 })
		at := p
		at.at = c.Moof.String()
		if c.HasCTO {
			t.judge.test(68, !(c.Version == 0 && negative), at, "a negative composition offset in trun version 0", "version 1 has signed offsets")
			t.judge.test(68, !(negative && in.EditList), at, "negative composition offsets and an edit list", "one of the two brings presentation to the start")
		}
	}
}

// boxes: brands, events, reference times.
func (t *track) boxes(s *mp4.Segment, p place) {
	if s.Brands != nil {
		at := p
		at.at = s.Styp.String()
		t.judge.test(69, slices.ContainsFunc(s.Brands, func(b string) bool { return b == "cmfs" || b == "msdh" || b == "msix" || b == "cmfl" }), at,
			fmt.Sprintf("brands %v", s.Brands), "cmfs, cmfl or msdh is among the brands of a segment")
	}
	for i := range s.Chunks {
		for _, e := range s.Chunks[i].Emsgs {
			at := p
			at.at = e.Box.String()
			t.judge.test(70, e.Version == 1, at, fmt.Sprintf("version %d", e.Version), "version 1, whose time does not depend on the segment")
		}
		for _, f := range s.Chunks[i].Prfts {
			at := p
			at.at = f.Box.String()
			t.judge.test(71, f.MediaTime == s.Chunks[i].DecodeTime(), at, fmt.Sprintf("media time %d", f.MediaTime), fmt.Sprintf("the decode time is %d", s.Chunks[i].DecodeTime()))
		}
	}
}

// lengths: the segment is where and as long as the manifest says.
func (t *track) lengths(times mp4.Times, timescale int64, c claim, p place) {
	length := mpd.Ticks(times.DecodeEnd-times.Decode, timescale)
	if c.ticks && !t.trick {
		t.judge.test(86, c.start == times.Present || c.start == times.Decode, p, fmt.Sprintf("t=%d", c.start),
			fmt.Sprintf("the segment starts at %d", times.Present))
		t.judge.test(86, c.duration == times.DecodeEnd-times.Decode || c.duration == times.PresentEnd-times.Present || c.duration == times.DecodeEnd-times.Present, p,
			fmt.Sprintf("d=%d", c.duration), fmt.Sprintf("the samples last %d", times.DecodeEnd-times.Decode))
	}
	if c.length > 0 && !t.trick {
		frame := time.Duration(0)
		if n := times.DecodeEnd - times.Decode; n > 0 {
			frame = c.slack
		}
		off := (c.length - length).Abs()
		t.judge.test(117, off <= frame, p, fmt.Sprintf("%v", c.length), fmt.Sprintf("the samples last %v", length))
	}
}

// bitrate: no segment is much above what is declared.
func (t *track) bitrate(s *mp4.Segment, times mp4.Times, timescale int64, p place) {
	length := mpd.Ticks(times.DecodeEnd-times.Decode, timescale)
	if length <= 0 || t.trick {
		return
	}
	t.bits += int64(s.Bytes) * 8
	t.length += length
	if t.peak > 0 && length >= 500*time.Millisecond {
		got := float64(s.Bytes) * 8 / length.Seconds()
		t.judge.test(74, got <= 1.25*float64(t.peak), p, fmt.Sprintf("%d bit/s at most", t.peak), fmt.Sprintf("the segment has %.0f bit/s", got))
	}
}

// follows: the segment begins where the one before ended.
func (t *track) follows(s *mp4.Segment, in *mp4.Init, times mp4.Times, c claim, p place) {
	was := t.last
	first, last := &s.Chunks[0], &s.Chunks[len(s.Chunks)-1]
	t.last = lastSegment{true, c.number, times.DecodeEnd, last.Sequence, in}
	t.spans = append(t.spans, span{c.number, times.Decode, times.DecodeEnd})
	if len(t.spans) > 256 {
		t.spans = t.spans[1:]
	}
	if !was.known || t.trick || c.breaks || c.number != was.number+1 {
		return
	}
	p.at = first.Moof.String()
	t.judge.test(63, times.Decode == was.end, p, fmt.Sprintf("decode time %d", times.Decode), fmt.Sprintf("the segment before ends at %d", was.end))
	t.judge.test(66, first.Sequence > was.sequence || math.MaxUint32-was.sequence < 1000, p,
		fmt.Sprintf("mfhd sequence number %d", first.Sequence), fmt.Sprintf("it grows: the segment before ends with %d", was.sequence))
	if in != nil && was.init != nil && in != was.init {
		t.judge.test(67, in.Timescale == was.init.Timescale, p, fmt.Sprintf("timescale %d", in.Timescale), fmt.Sprintf("it was %d", was.init.Timescale))
	}
}
