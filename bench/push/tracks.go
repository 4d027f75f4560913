package push

import (
	"errors"
	"fmt"
	"sort"
	"time"

	"weir/media"
)

// A Track is one elementary stream of a loop. Fill in the exported fields before the track is given to New; afterwards
// it is immutable.
type Track struct {
	Name      string // as in URLs: letters, digits and . _ ~ -
	Kind      media.Kind
	Timescale uint32 // ticks per second
	Bitrate   int    // nominal, bits per second; goes into btrt
	Language  string // ISO 639-2 or RFC 5646; und if unknown
	Role      string // value of a DASH role (urn:mpeg:dash:role:2011) for a kind box; empty: no box

	width, height uint32 // as in tkhd: 16.16 fixed point
	entry         []byte // sample entry box, without btrt
	samples       []sample
	data          []byte // the file that holds the samples' bytes; never written
	ticks         int64  // sum of the samples' durations
	frame         int64  // audio: duration of every sample; 0 for video
}

// A sample is one access unit of a track.
type sample struct {
	at       int64 // ticks from the loop's start to the sample's decode time
	offset   int   // of its bytes in the track's data; samples that follow each other need not touch
	size     uint32
	duration uint32
	cto      int32 // composition time - decode time, in ticks; the first sample's is 0
	sync     bool
}

// Tracks are the tracks of a loop with what they share: its length and where its segments start. They are immutable and
// safe for concurrent use.
type Tracks struct {
	list     []*Track
	master   *Track
	segments []int64 // start of each segment in the loop, in ticks of the master; the first is 0
}

// New makes a loop of the tracks. Its length is that of the first video track (without video: of the first track), and
// its segments start at that track's sync samples (without video: every two seconds). Other video tracks must be just
// as long. Audio frames lie on a grid from time zero on, those of a repetition are the ones that start in it: audio
// that ends early holds its last frame, audio that is longer is cut.
func New(tracks ...*Track) (*Tracks, error) {
	if len(tracks) == 0 {
		return nil, errors.New("no tracks")
	}
	ts := &Tracks{list: tracks, master: tracks[0]}
	for _, t := range tracks {
		if t.Kind == media.Video {
			ts.master = t
			break
		}
	}
	names := map[string]bool{}
	for _, t := range tracks {
		if names[t.Name] || t.Name == "" {
			return nil, fmt.Errorf("track %q: the name is empty or taken", t.Name)
		}
		names[t.Name] = true
		if t.frame == 0 && t.ticks*int64(ts.master.Timescale) != ts.master.ticks*int64(t.Timescale) {
			return nil, fmt.Errorf("track %q: not as long as %q, so that they cannot loop together", t.Name, ts.master.Name)
		}
	}
	if m := ts.master; m.frame == 0 {
		for _, s := range m.samples {
			if s.sync {
				ts.segments = append(ts.segments, s.at)
			}
		}
	} else {
		for at := int64(0); at < m.ticks; at += 2 * int64(m.Timescale) {
			ts.segments = append(ts.segments, at)
		}
	}
	return ts, nil
}

// List returns the tracks in the order given to New. The slice is shared: do not write to it.
func (ts *Tracks) List() []*Track { return ts.list }

// Length is how long one repetition of the loop takes.
func (ts *Tracks) Length() time.Duration { return toDuration(ts.master.ticks, ts.master.Timescale) }

// A place is a segment of the endless loop: repetition and index in Tracks.segments.
type place struct {
	round   int64
	segment int
}

// segmentAt returns the first segment that starts at or after media time at, which is not negative.
func (ts *Tracks) segmentAt(at time.Duration) place {
	ticks := toTicks(at, ts.master.Timescale)
	p := place{round: ticks / ts.master.ticks}
	rest := ticks % ts.master.ticks
	p.segment = sort.Search(len(ts.segments), func(i int) bool { return ts.segments[i] >= rest })
	if p.segment == len(ts.segments) {
		return place{round: p.round + 1}
	}
	return p
}

// start returns where a segment starts in ticks of track t, rounded up: the samples of the segment are those that start
// there or later.
func (ts *Tracks) start(p place, t *Track) int64 {
	return scaleUp(p.round*ts.master.ticks+ts.segments[p.segment], int64(t.Timescale), int64(ts.master.Timescale))
}

// next returns the segment after p.
func (ts *Tracks) next(p place) place {
	if p.segment++; p.segment == len(ts.segments) {
		return place{round: p.round + 1}
	}
	return p
}
