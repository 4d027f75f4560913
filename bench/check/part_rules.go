package check

import (
	"context"
	"fmt"
	"math"
	"time"

	"weir/bench/check/mp4"
	"weir/bench/check/mpd"
	"weir/media"
)

// A partClaim is what a playlist says of one part.
type partClaim struct {
	claim
	index       int // in its segment
	independent bool
	lengths     *tally
}

// readPart fetches a part and judges it against what the playlist says, and against the part before; nil where it
// cannot be read.
func (t *track) readPart(ctx context.Context, in *mp4.Init, c partClaim) []byte {
	p := t.place(t.subject+" parts", c.url, c.at)
	a := t.object(ctx, p, c.url, c.from, c.len, c.got)
	if a == nil {
		t.lastPart.known = false
		return nil
	}
	t.mediaType(a, in.Kind, p)
	s := mp4.ReadSegment(a.body, in)
	t.parts.Add(1)
	t.faults(s, c.claim, p)
	times, ok := s.Times(in.Shift)
	if !ok {
		t.lastPart.known = false
		return a.body
	}
	t.chunks(s, p)
	t.sync(s, in, false, p)
	t.offsets(s, in, p)
	t.boxes(s, p)
	t.independent(s, in, c, p)
	if scale := int64(in.Timescale); scale > 0 {
		length := mpd.Ticks(times.DecodeEnd-times.Decode, scale)
		c.lengths.add((c.length-length).Abs() <= t.shortest(s, scale)+time.Millisecond, p, fmt.Sprintf("%v, where the samples of the part last %v", c.length, length))
	}
	t.followsPart(s, times, c, p)
	return a.body
}

// shortest is the length of the track's shortest sample so far. A part may be a frame off what is said of it, and more now and
// then: where frames were lost, that after them lasts longer, beyond the end of its part.
func (t *track) shortest(s *mp4.Segment, scale int64) time.Duration {
	for i := range s.Chunks {
		for _, sample := range s.Chunks[i].Samples {
			if d := mpd.Ticks(int64(sample.Duration), scale); d > 0 && (t.frame == 0 || d < t.frame) {
				t.frame = d
			}
		}
	}
	return t.frame
}

// independent: INDEPENDENT=YES stands where the first picture is one from which players can start, and only there. Audio
// may say it or not.
func (t *track) independent(s *mp4.Segment, in *mp4.Init, c partClaim, p place) {
	for i := range s.Chunks {
		for _, sample := range s.Chunks[i].Samples {
			sync := media.IsSync(sample.Flags)
			t.judge.test(26, sync == c.independent || sync && in.Kind != media.Video, p, fmt.Sprintf("INDEPENDENT is %v", c.independent),
				fmt.Sprintf("that the first sample is a sync sample is %v", sync))
			return
		}
	}
}

// followsPart: the part begins where the one before ended.
func (t *track) followsPart(s *mp4.Segment, times mp4.Times, c partClaim, p place) {
	was := t.lastPart
	first, last := &s.Chunks[0], &s.Chunks[len(s.Chunks)-1]
	t.lastPart = lastSegment{known: true, number: c.number, end: times.DecodeEnd, sequence: last.Sequence}
	if !was.known || c.breaks && c.index == 0 {
		return
	}
	p.at = first.Moof.String()
	t.judge.test(63, times.Decode == was.end, p, fmt.Sprintf("decode time %d", times.Decode), fmt.Sprintf("the part before ends at %d", was.end))
	t.judge.test(66, first.Sequence > was.sequence || math.MaxUint32-was.sequence < 1000, p,
		fmt.Sprintf("mfhd sequence number %d", first.Sequence), fmt.Sprintf("it grows: the part before ends with %d", was.sequence))
}
