package check

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"weir/bench/check/mp4"
	"weir/media"
)

const (
	maxFrames   = 60_000 // samples that are remembered, a track
	maxInstants = 32     // of one sample
)

// frames remembers which sample each presentation shows at which instant.
//
// Assertion 106: the same instant is the same frame in all formats, to a frame.
type frames struct {
	mu     sync.Mutex
	tracks []*frameTrack
}

// frameTrack is one track of one presentation.
type frameTrack struct {
	presentation *presentation
	place        place
	key          string // what tells that two tracks are the same in two formats
	frame        time.Duration
	mu           sync.Mutex
	seen         map[uint64][]time.Time // instants by hash of the sample; a loop comes back
	count        int
	from, to     time.Time
}

func newFrames() *frames { return new(frames) }

// track adds a track; frame is the length of one of its samples.
func (f *frames) track(p *presentation, pl place, in *mp4.Init) *frameTrack {
	t := &frameTrack{presentation: p, place: pl, key: frameKey(in), seen: map[uint64][]time.Time{}}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tracks = append(f.tracks, t)
	return t
}

func frameKey(in *mp4.Init) string {
	if in.Kind == media.Video { // whose language is often said in one format only
		return fmt.Sprintf("%s %dx%d", in.Codec, in.Width, in.Height)
	}
	return fmt.Sprintf("%v %s %dx%d %d %d %s", in.Kind, in.Codec, in.Width, in.Height, in.SampleRate, in.Channels, in.Language)
}

// add notes the samples of a segment whose presentation time of zero ticks would be the instant that utc returns for it.
func (t *frameTrack) add(s *mp4.Segment, utc func(ticks int64) time.Time, timescale int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range s.Chunks {
		at := c.DecodeTime()
		for i, sample := range c.Samples {
			if i < len(c.Payloads) && sample.Size > 0 && t.count < maxFrames {
				instant := utc(at + int64(sample.CTO))
				hash := xxhash.Sum64(c.Payloads[i])
				t.count++
				if list := t.seen[hash]; len(list) < maxInstants && !slices.ContainsFunc(list, instant.Equal) {
					t.seen[hash] = append(list, instant)
				}
				if t.from.IsZero() || instant.Before(t.from) {
					t.from = instant
				}
				if instant.After(t.to) {
					t.to = instant
				}
				if timescale > 0 {
					t.frame = max(t.frame, time.Duration(float64(sample.Duration)/float64(timescale)*1e9))
				}
			}
			at += int64(sample.Duration)
		}
	}
}

// compare tests each pair of tracks that are the same in two presentations.
func (f *frames) compare(j *judge) {
	for i, a := range f.tracks {
		for _, b := range f.tracks[:i] {
			if a.presentation != b.presentation && a.key == b.key && a.presentation.format != "" {
				a.against(j, b)
			}
		}
	}
}

// against compares the instants of the samples that both have, where both were read. Tracks that share no sample are
// taken for two encodings. A source that loops shows a sample at several instants: one of the other's is to be near.
func (t *frameTrack) against(j *judge, o *frameTrack) {
	inside, apart := meeting{}, meeting{}
	for hash, list := range t.seen {
		others := o.seen[hash]
		if len(others) == 0 || len(list) == maxInstants || len(others) == maxInstants { // silence and black come again and again
			continue
		}
		for _, at := range list {
			by := nearest(at, others)
			m := &inside
			if !o.covers(at) {
				m = &apart
			}
			m.add(at, by, t.frame+time.Millisecond)
		}
	}
	m := inside
	if m.common == 0 { // the two were read at the same time: what they showed then should have met
		m = apart
	}
	if m.common == 0 {
		return
	}
	p := t.place
	p.at = m.when.UTC().Format("2006-01-02T15:04:05.000Z")
	j.test(106, m.off == 0, p, fmt.Sprintf("%d of %d frames at other instants, the first by %v", m.off, m.common, m.by.Round(time.Millisecond)),
		fmt.Sprintf("as in %s: within a frame (%v)", strings.TrimSpace(o.place.subject), t.frame.Round(time.Millisecond)))
}

// nearest is how far an instant is off the nearest of a list.
func nearest(at time.Time, list []time.Time) time.Duration {
	by := at.Sub(list[0])
	for _, o := range list[1:] {
		if d := at.Sub(o); d.Abs() < by.Abs() {
			by = d
		}
	}
	return by
}

// A meeting counts samples that two tracks have in common, and those that they show at different instants.
type meeting struct {
	common, off int
	when        time.Time     // of the first that is off
	by          time.Duration // how much it is off
}

func (m *meeting) add(at time.Time, by, allowed time.Duration) {
	m.common++
	if by.Abs() <= allowed {
		return
	}
	if m.off++; m.off == 1 || at.Before(m.when) {
		m.when, m.by = at, by
	}
}

// covers reports whether an instant lies in what was read.
func (t *frameTrack) covers(at time.Time) bool { return !at.Before(t.from) && !at.After(t.to) }
