package push

import (
	"sort"
	"time"
)

// A loop walks the endless repetition of one track, chunk by chunk. Where it cuts depends on media time alone: at each
// segment's start, and inside a segment at multiples of the chunk length from there. Not safe for concurrent use.
type loop struct {
	tracks *Tracks
	track  *Track
	length int64 // ticks of a chunk; 0 = the whole segment

	place place // the segment that the next chunk is cut from
	from  int64 // where the next chunk starts at the earliest, in ticks of track
	to    int64 // where the segment ends
	last  int64 // number of the segment that the last chunk was cut from
}

// A run is the samples of one chunk. It is valid until the next call of next.
type run struct {
	start, end int64 // ticks; start is the first sample's decode time
	segment    int64 // number of the segment since time zero
	first      bool  // the chunk starts its segment
	last       bool  // nothing of the segment is left to cut
	samples    []sample
}

func newLoop(ts *Tracks, t *Track, chunk time.Duration, from place) *loop {
	l := &loop{tracks: ts, track: t, length: toTicks(chunk, t.Timescale), last: -1}
	l.enter(from)
	return l
}

// enter goes to the start of a segment.
func (l *loop) enter(p place) {
	l.place = p
	l.from, l.to = l.tracks.start(p, l.track), l.tracks.start(l.tracks.next(p), l.track)
}

// next cuts the next chunk into r, reusing its slice. Stretches in which no sample starts are passed over.
func (l *loop) next(r *run) {
	for r.samples = r.samples[:0]; len(r.samples) == 0; {
		p, from, to := l.place, l.from, l.to
		if l.length > 0 && from+l.length < to {
			to = from + l.length
			l.from, r.last = to, false
		} else {
			r.last = true
			l.enter(l.tracks.next(p))
		}
		r.segment = p.round*int64(len(l.tracks.segments)) + int64(p.segment)
		l.cut(r, p.round, from, to)
	}
	r.first, l.last = r.segment != l.last, r.segment
}

// cut puts the samples that start in [from, to) into r. Both bounds lie in the given repetition.
func (l *loop) cut(r *run, round, from, to int64) {
	t := l.track
	base := l.tracks.start(place{round: round}, t)
	if t.frame == 0 {
		i := sort.Search(len(t.samples), func(i int) bool { return base+t.samples[i].at >= from })
		j := sort.Search(len(t.samples), func(i int) bool { return base+t.samples[i].at >= to })
		if i == j {
			return
		}
		r.samples = append(r.samples, t.samples[i:j]...)
		r.start, r.end = base+t.samples[i].at, base+t.samples[j-1].at+int64(t.samples[j-1].duration)
		return
	}
	// The frames lie on a grid from time zero on; a repetition's first is the first that starts in it.
	base, from, to = scaleUp(base, 1, t.frame), scaleUp(from, 1, t.frame), scaleUp(to, 1, t.frame)
	for n := from; n < to; n++ {
		r.samples = append(r.samples, t.samples[min(n-base, int64(len(t.samples))-1)])
	}
	r.start, r.end = from*t.frame, to*t.frame
}
