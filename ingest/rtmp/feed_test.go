package rtmp

import (
	"testing"
	"testing/synctest"
	"time"
)

const audio48 = "audio_128000"

// continuous checks that frames follow each other at a distance of step; of any, where that is 0.
func (s *stage) continuous(name string, step int64) listing {
	s.t.Helper()
	l := s.listed(name)
	if len(l.gaps) != 0 || l.media < 4 {
		s.t.Fatalf("%s: %d segments, gaps %v\n%s", name, l.media, l.gaps, s.log)
	}
	for i, f := range l.frames[1:] {
		if before := l.frames[i]; before.number >= s.from && step != 0 && (f.number != before.number+1 || f.time != before.time+step || int64(before.length) != step) {
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
		taken := k.exact(f.number + k.first)
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

// reordered are the composition offsets of 25 frames a second with two pictures between references, in order of decoding,
// in closed groups of 50.
func reordered(i int) int {
	switch j := i % 50; {
	case j == 0 || j == 49:
		return 40
	case j%3 == 1:
		return 120
	}
	return 0
}

// leading are those of open groups: two pictures that follow a key frame in order of decoding are shown before it.
func leading(i int) int {
	if j := i % 48; j%3 == 0 {
		return 120
	}
	return 0
}

// What encoders send beside the usual.
func TestOddities(t *testing.T) {
	for name, c := range map[string]struct {
		rate, per, step int64 // of video; 0: there is none. step: its cadence, 0: it has none
		silent          bool  // no audio
		from            int
		length          time.Duration
		prepare         func(v, a *track)
		check           func(t *testing.T, s *stage, v *track, video listing)
	}{
		"B-frames": {
			rate: 25, per: 1, step: 4800,
			prepare: func(v, a *track) { v.cto = reordered },
			check: func(t *testing.T, s *stage, v *track, video listing) {
				for _, f := range video.frames {
					if want := int32(v.cto(f.number)-40) * 120; f.cto != want {
						t.Fatalf("frame %d: offset %d, want %d", f.number, f.cto, want)
					}
				}
			},
		},
		"open GOPs": {
			rate: 25, per: 1, step: 4800,
			prepare: func(v, a *track) { v.cto, v.key = leading, every(48) },
			check: func(t *testing.T, s *stage, v *track, video listing) {
				for _, f := range video.frames {
					if want := int32(v.cto(f.number)-120) * 120; f.cto != want || f.sync != v.key(f.number) {
						t.Fatalf("frame %d: offset %d, want %d; sync %v", f.number, f.cto, want, f.sync)
					}
				}
			},
		},
		"20 s between key frames": {
			rate: 25, per: 1, step: 4800, length: 110 * time.Second, prepare: func(v, a *track) { v.key = every(500) },
		},
		"video alone":    {rate: 25, per: 1, step: 4800, silent: true},
		"audio alone":    {},
		"audio 2 s late": {rate: 25, per: 1, step: 4800, prepare: func(v, a *track) { a.late = 2 * time.Second }},
		"the clock wraps": {
			rate: 30000, per: 1001, step: 4004,
			prepare: func(v, a *track) {
				for _, k := range []*track{v, a} {
					k.stamp = func(i int) int64 { return int64((k.exact(i)+time.Millisecond/2)/time.Millisecond) + 1<<32 - 15_000 }
				}
			},
		},
		"audio staggers": {
			rate: 25, per: 1, step: 4800,
			from: 50, // the count has found the middle by then
			prepare: func(v, a *track) {
				a.stamp = func(i int) int64 { return int64(a.exact(i)/time.Millisecond) + int64(i*11%29) - 14 + 20 }
				v.stamp = func(i int) int64 { return int64(i)*40 + 20 }
			},
		},
		"variable frame rate": {
			rate: 24, per: 1,
			prepare: func(v, a *track) {
				v.key = every(48)
				v.at = func(i int) time.Duration {
					return time.Duration(i/6)*250*time.Millisecond + [...]time.Duration{0, 31, 80, 117, 150, 211}[i%6]*time.Millisecond
				}
			},
			check: func(t *testing.T, s *stage, v *track, video listing) {
				for i, f := range video.frames[1:] {
					before := video.frames[i]
					want := (v.ms(f.number) - v.ms(before.number)) * 120
					if f.number != before.number+1 || f.time-before.time != want || int64(before.length) != want {
						t.Fatalf("frame %d at %d after %d at %d, want %d", f.number, f.time, before.number, before.time, want)
					}
				}
			},
		},
		"clocks that run slow by 50 ppm": {
			rate: 25, per: 1, step: 4800,
			prepare: func(v, a *track) {
				for _, k := range []*track{v, a} {
					k.at = func(i int) time.Duration { return k.exact(i) + k.exact(i)/20_000 }
					k.stamp = func(i int) int64 { return int64((k.exact(i) + time.Millisecond/2) / time.Millisecond) }
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				defer s.stop()
				s.from = c.from
				v, a := &track{rate: c.rate, per: c.per, key: every(50)}, &track{audio: true, rate: 48000, per: 1024}
				if c.prepare != nil {
					c.prepare(v, a)
				}
				var tracks []*track
				if c.rate != 0 {
					tracks = append(tracks, v)
				}
				if !c.silent {
					tracks = append(tracks, a)
				}
				s.play(max(c.length, 40*time.Second), s.open("cam", tracks...))
				var video, audio listing
				if c.rate != 0 {
					video = s.continuous("cam", c.step)
				}
				if !c.silent {
					audio = s.continuous(audio48, 1024)
				}
				if c.rate != 0 && !c.silent {
					s.inSync(v, video, a, audio, 30*time.Millisecond)
				}
				if c.check != nil {
					c.check(t, s, v, video)
				}
			})
		})
	}
}
