package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// begun is the index of the first look at which the player plays, -1 where it does not.
func (v *viewer) begun() int {
	for i := 1; i < len(v.looks); i++ {
		if a, b := v.looks[i-1], v.looks[i]; b.Time > a.Time && a.Time > 0 && !b.Seeking && !a.Seeking && b.Decoded > 0 {
			return i
		}
	}
	return -1
}

// A stall is a stretch without progress.
type stall struct {
	at       time.Time
	length   time.Duration
	playhead time.Time // UTC of the media at which it stands
	buffered float64   // seconds
}

// stalls returns the stretches without progress of more than half a second, from where the player began.
func (v *viewer) stalls() []stall {
	var list []stall
	first := v.begun()
	if first < 0 {
		return nil
	}
	stood := v.looks[first] // since when the time is what it is
	add := func(until time.Time) {
		if d := until.Sub(stood.at); d > 500*time.Millisecond {
			list = append(list, stall{stood.at, d, time.UnixMilli(int64(stood.Playhead)), stood.End - stood.Time})
		}
	}
	for _, l := range v.looks[first+1:] {
		if l.Time != stood.Time {
			// Progress: the stand ended at most so long ago as the media says, not only when it was looked at.
			moved := time.Duration((l.Time - stood.Time) * float64(time.Second))
			if moved < 0 || moved > l.at.Sub(stood.at) {
				moved = 0
			}
			add(l.at.Add(-moved))
			stood = l
		}
	}
	if n := len(v.looks); n > 0 {
		add(v.looks[n-1].at)
	}
	return list
}

// slow reports whether the other players, each at a place of its own in the media, made less than two thirds of the
// progress that they should have while one stood still.
func (w *watch) slow(name string, s stall) bool {
	progress, others := 0.0, 0
	for other := range w.viewers {
		if other == name {
			continue
		}
		v := w.viewer(other)
		progress += v.timeAt(s.at.Add(s.length)) - v.timeAt(s.at)
		others++
	}
	return others > 0 && progress < 2.0/3*float64(others)*s.length.Seconds()
}

// timeAt is the player's media time at a time, between looks by proportion.
func (v *viewer) timeAt(at time.Time) float64 {
	for i := 1; i < len(v.looks); i++ {
		if a, b := v.looks[i-1], v.looks[i]; !b.at.Before(at) {
			return a.Time + (b.Time-a.Time)*max(0, at.Sub(a.at).Seconds())/max(b.at.Sub(a.at).Seconds(), 1e-3)
		}
	}
	return v.last().Time
}

// shown reports whether the player showed a picture of this height between two times.
func (v *viewer) shown(height int, from, to time.Time) bool {
	for _, l := range v.looks {
		if l.Height == height && l.at.After(from) && l.at.Before(to) {
			return true
		}
	}
	return false
}

// last is the newest look.
func (v *viewer) last() look {
	if len(v.looks) == 0 {
		return look{}
	}
	return v.looks[len(v.looks)-1]
}

// log says in a few lines what a viewer saw.
func (v *viewer) log(t *testing.T) {
	t.Helper()
	var b strings.Builder
	height := 0
	for _, l := range v.looks {
		if l.Height != height {
			height = l.Height
			fmt.Fprintf(&b, " %s:%d", clock(l.at), height)
		}
	}
	last := v.last()
	t.Logf("%s: renditions %v; on screen%s; at the end %s at %.2f, %.2f s buffered, latency %v, %d of %d frames dropped; errors %q, notes %q",
		v.name, v.renditions, b.String(), clock(last.at), last.Time, last.End-last.Time, last.latency(), last.Dropped, last.Decoded, v.errors, v.notes)
}

// latency is how old the picture is, by the player's own word.
func (l look) latency() time.Duration {
	return l.at.Sub(time.UnixMilli(int64(l.Playhead))).Round(time.Millisecond)
}

func clock(at time.Time) string { return at.UTC().Format("15:04:05.000") }
