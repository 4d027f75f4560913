package rtmp

import (
	"testing"
	"testing/synctest"
	"time"
)

const audio48 = "audio_128000"

// continuous checks that frames follow each other at a distance of step, and says how long they last.
func (s *stage) continuous(name string, step int64) listing {
	s.t.Helper()
	l := s.listed(name)
	if len(l.gaps) != 0 || l.media < 6 {
		s.t.Fatalf("%s: %d segments, gaps %v\n%s", name, l.media, l.gaps, s.log)
	}
	for i, f := range l.frames[1:] {
		if before := l.frames[i]; f.number != before.number+1 || f.time != before.time+step || int64(before.length) != step {
			s.t.Fatalf("%s: segment %d: frame %d at %d after %d at %d of %d", name, f.segment, f.number, f.time, before.number, before.time, before.length)
		}
	}
	return l
}

// inSync checks that frames of two tracks that were taken together are shown together, to within a tolerance.
func (s *stage) inSync(v *track, video listing, a *track, audio listing, within time.Duration) {
	s.t.Helper()
	at := func(k *track, l listing, scale int64) time.Duration { // where the taking of frame 0 lies
		f := l.frames[len(l.frames)/2]
		shown := f.time + int64(f.cto)
		taken := k.exact(f.number)
		if k.cto != nil { // in order of decoding: what is shown then
			taken += time.Duration(k.cto(f.number)) * time.Millisecond
		}
		return time.Duration(shown/scale)*time.Second + time.Duration(shown%scale*int64(time.Second)/scale) - taken
	}
	if off := at(v, video, 120000) - at(a, audio, a.rate); off > within || off < -within {
		s.t.Errorf("sound and picture are %v apart", off)
	}
}

// Whatever the rate, what comes with stamps of milliseconds is published on its exact cadence, from sync sample to sync
// sample, with sound and picture together.
func TestRates(t *testing.T) {
	for name, c := range map[string]struct {
		rate, per int64
		gop       int
		cadence   int64
		sound     int64
	}{
		"23.976":       {24000, 1001, 48, 5005, 48000},
		"24":           {24, 1, 48, 5000, 48000},
		"25":           {25, 1, 50, 4800, 48000},
		"29.97":        {30000, 1001, 60, 4004, 44100},
		"30":           {30, 1, 60, 4000, 44100},
		"50":           {50, 1, 100, 2400, 48000},
		"59.94":        {60000, 1001, 120, 2002, 48000},
		"60":           {60, 1, 120, 2000, 48000},
		"GOP of 3.7 s": {30, 1, 111, 4000, 48000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				defer s.stop()
				v := &track{rate: c.rate, per: c.per, key: every(c.gop)}
				a := &track{audio: true, rate: c.sound, per: 1024}
				s.play(40*time.Second, s.open("cam", v, a))
				video, audio := s.continuous("cam", c.cadence), s.continuous(audio48, 1024)
				s.inSync(v, video, a, audio, 25*time.Millisecond)
				for i, f := range video.frames {
					if opens := i == 0 || video.frames[i-1].segment != f.segment; opens != f.sync && f.sync != (f.number%c.gop == 0) {
						t.Fatalf("frame %d: sync %v, opens a segment %v", f.number, f.sync, opens)
					}
				}
			})
		})
	}
}
