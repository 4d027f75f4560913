package rtmp

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// jumping stamps the track's frames by a clock that jumps once.
func (k *track) jumping(at, by time.Duration) {
	k.stamp = func(i int) int64 {
		t := k.exact(i)
		if t >= at {
			t += by
		}
		return int64((t + time.Millisecond/2) / time.Millisecond)
	}
}

// The encoder's clock jumps, and its media goes on: nothing of it is lost, numbers go on, and sound and picture stay
// together. (A clock that jumps far forth and back may be another encoder's: what its record says is not asked here.)
func TestJumps(t *testing.T) {
	for _, by := range []time.Duration{10 * time.Second, -10 * time.Second, 7 * time.Hour, -15 * time.Second} {
		t.Run(by.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				defer s.stop()
				v, a := &track{rate: 30000, per: 1001, key: every(60)}, &track{audio: true, rate: 48000, per: 1024}
				v.jumping(20*time.Second+20*time.Millisecond, by) // right before a key frame
				a.jumping(20*time.Second+20*time.Millisecond, by)
				s.play(60*time.Second, s.open("cam", v, a))
				video, audio := s.listed("cam"), s.listed(audio48)
				if len(video.gaps) > 2 || len(audio.gaps) > 2 || video.media < 20 {
					t.Errorf("%d segments, gaps %v, %v\n%s", video.media, video.gaps, audio.gaps, s.log)
				}
				for i, f := range video.frames[1:] {
					before := video.frames[i]
					if f.time <= before.time || f.number <= before.number || f.time < before.time+int64(before.length) {
						t.Fatalf("frame %d at %d after %d at %d", f.number, f.time, before.number, before.time)
					}
				}
				if gens := len(s.records.gens); gens != 1 {
					t.Errorf("%d generations", gens)
				}
				late := func(l listing) listing { l.frames = l.frames[len(l.frames)*3/4:]; return l }
				s.inSync(v, video, a, audio, 25*time.Millisecond)
				s.inSync(v, late(video), a, late(audio), 25*time.Millisecond)
			})
		})
	}
}

// Another decoder configuration in band opens a generation; the same again does not.
func TestConfigurationChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		v, a := &track{rate: 25, per: 1, key: every(50)}, &track{audio: true, rate: 48000, per: 1024}
		w := s.open("cam", v, a)
		s.play(20*time.Second, w)
		s.header(w.f, v)
		s.header(w.f, a)
		s.play(30*time.Second, w)
		if n := len(s.records.gens); n != 1 {
			t.Fatalf("the same configuration again made %d generations\n%s", n, s.log)
		}
		other := append([]byte(nil), avcC...)
		other[len(other)-5] ^= 1 // another PPS
		s.message(w.f, 9, 30_000, append([]byte{0x17, 0, 0, 0, 0}, other...))
		s.play(60*time.Second, w)
		if n := len(s.records.gens); n != 2 {
			t.Fatalf("%d generations, want 2\n%s", n, s.log)
		}
		video, audio := s.listed("cam"), s.listed(audio48)
		if len(video.gaps) > 1 || len(audio.gaps) > 1 {
			t.Errorf("gaps %v, %v\n%s", video.gaps, audio.gaps, s.log)
		}
		if last := video.frames[len(video.frames)-1].number; last < 57*25 {
			t.Errorf("the newest frame is %d", last)
		}
		s.inSync(v, video, a, audio, 25*time.Millisecond)
	})
}

// Three renditions in connections of their own, with stamps of one clock and a copy of the sound each: four tracks, aligned.
func TestRenditions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		var shows []*show
		var videos []*track
		for i, name := range []string{"720p?videodatarate=3000&audiodatarate=128", "480p?videodatarate=1000&audiodatarate=128", "240p?bitrate=400000&audiodatarate=128"} {
			v, a := &track{rate: 30000, per: 1001, key: every(60)}, &track{audio: true, rate: 48000, per: 1024}
			v.late, a.late = time.Duration(i)*70*time.Millisecond, time.Duration(i)*70*time.Millisecond
			videos = append(videos, v)
			shows = append(shows, s.open(name, v, a))
		}
		s.play(40*time.Second, shows...)
		audio := s.continuous(audio48, 1024)
		first := s.continuous("720p", 4004)
		s.inSync(videos[0], first, shows[0].tracks[1], audio, 25*time.Millisecond)
		for _, name := range []string{"480p", "240p"} {
			l := s.continuous(name, 4004)
			if len(l.frames) != len(first.frames) {
				t.Fatalf("%s: %d frames, want %d", name, len(l.frames), len(first.frames))
			}
			for i, f := range l.frames {
				if g := first.frames[i]; f.number != g.number || f.time != g.time || f.segment != g.segment {
					t.Fatalf("%s: frame %d at %d in %d, its sibling %d at %d in %d", name, f.number, f.time, f.segment, g.number, g.time, g.segment)
				}
			}
		}
		if got := fmt.Sprint(len(s.channel.Live().Version().Tracks)); got != "4" {
			t.Errorf("%s tracks\n%s", got, s.log)
		}
		for name, want := range map[string]int64{"720p": 3_000_000, "480p": 1_000_000, "240p": 400_000, audio48: 128_000} {
			if got := s.records.track[name].ID; got != want {
				t.Errorf("%s goes by %d, want %d", name, got, want)
			}
		}
	})
}

// after makes a track that begins so much later, on a clock of its own that starts at 0 then, or on the common one.
func (k *track) after(d time.Duration, own bool) *track {
	first := int(int64(d) * k.rate / k.per / int64(time.Second))
	k.first = first
	k.at = func(i int) time.Duration { return k.exact(i + first) }
	zero := time.Duration(0)
	if own {
		zero = k.exact(first)
	}
	k.stamp = func(i int) int64 { return int64((k.exact(i+first) - zero + time.Millisecond/2) / time.Millisecond) }
	return k
}

// Connections have clocks of their own, as far as their arrival says so.
func TestOwnClocks(t *testing.T) {
	for name, c := range map[string]struct {
		begin time.Duration // of the second connection
		own   bool
		play  bool // it is shown, at its own place
	}{
		"one clock, together":    {0, false, true},
		"own clock, a GOP later": {2 * time.Second, true, true},
		"own clock, 1 s later":   {1 * time.Second, true, false},
		"one clock, 20 s later":  {20 * time.Second, false, true},
		"own clock, 20 s later":  {20 * time.Second, true, true},
		"own clock, 21 s later":  {21 * time.Second, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				defer s.stop()
				v, a := &track{rate: 25, per: 1, key: every(50)}, &track{audio: true, rate: 48000, per: 1024}
				w := s.open("cam", v, a)
				low := (&track{rate: 25, per: 1, key: every(50)}).after(c.begin, c.own)
				s.play(c.begin, w)
				s.play(60*time.Second, w, s.open("low", low))
				video, audio := s.listed("cam"), s.listed(audio48)
				if len(video.gaps)+len(audio.gaps) > 0 {
					t.Errorf("gaps %v, %v\n%s", video.gaps, audio.gaps, s.log)
				}
				s.inSync(v, video, a, audio, 25*time.Millisecond)
				if !c.play {
					return
				}
				l := s.listed("low")
				if l.media < 10 {
					t.Fatalf("%d segments, gaps %v\n%s", l.media, l.gaps, s.log)
				}
				at := map[int]int64{}
				for _, f := range video.frames {
					at[f.number] = f.time
				}
				first := int(c.begin * 25 / time.Second)
				for _, f := range l.frames {
					if want, ok := at[f.number+first]; ok && f.time != want {
						t.Fatalf("frame %d at %d, its sibling at %d\n%s", f.number, f.time, want, s.log)
					}
				}
			})
		})
	}
}

// The encoder ends, and comes back with a clock that starts at 0: its downtime is a GAP, and no generation opens, whether all
// of it comes back or its sound goes on in a connection of its own.
func TestReturns(t *testing.T) {
	for name, lone := range map[string]bool{"all of it": false, "sound goes on": true} {
		for _, away := range []time.Duration{300 * time.Millisecond, 1300 * time.Millisecond, 6 * time.Second, 9700 * time.Millisecond} {
			t.Run(fmt.Sprint(name, " after ", away), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newStage(t)
					defer s.stop()
					v, a := &track{rate: 25, per: 1, key: every(50)}, &track{audio: true, rate: 48000, per: 1024}
					var shows []*show
					if lone {
						shows = []*show{s.open("cam", v), s.open("sound", a)}
					} else {
						shows = []*show{s.open("cam", v, a)}
					}
					s.play(20*time.Second, shows...)
					shows[0].f.close(nil)
					s.play(20*time.Second+away, shows[1:]...)
					back := (&track{rate: 25, per: 1, key: every(50), content: 1}).after(20*time.Second+away, true)
					again := []*track{back}
					if !lone {
						again = append(again, (&track{audio: true, rate: 48000, per: 1024, content: 1}).after(20*time.Second+away, true))
					}
					shows[0] = s.open("cam", again...)
					s.play(60*time.Second, shows...)
					video, audio := s.listed("cam"), s.listed(audio48)
					shown := 0
					for i, f := range video.frames {
						if f.content == 1 {
							shown++
						}
						if i > 0 && f.time < video.frames[i-1].time+int64(video.frames[i-1].length) {
							t.Fatalf("frame %d at %d after %d", f.number, f.time, video.frames[i-1].time)
						}
					}
					t.Logf("%d of %d frames are shown, gaps %v, %v; %d generations, %d joins", shown, back.frames, video.gaps, audio.gaps, len(s.records.gens), len(s.records.joins))
					newest := func(l listing) listing { l.frames = l.frames[len(l.frames)-20:]; return l }
					sound := a
					if !lone {
						sound = again[1]
					}
					s.inSync(back, newest(video), sound, newest(audio), 40*time.Millisecond)
					if shown < back.frames*3/4 {
						t.Errorf("%d of %d frames are shown\n%s", shown, back.frames, s.log)
					}
				})
			})
		}
	}
}

// Two encoders publish the same under one name, from two addresses, by stamps of one clock: the second stands by, and goes
// on where the first ends, with nothing missing. From one address the second takes over.
func TestTwoEncoders(t *testing.T) {
	for name, second := range map[string]string{"two addresses": "192.0.2.2", "one address": "192.0.2.1"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				defer s.stop()
				pair := func() []*track {
					return []*track{{rate: 25, per: 1, key: every(50)}, {audio: true, rate: 48000, per: 1024}}
				}
				s.client = netip.MustParseAddr("192.0.2.1")
				first := s.open("cam", pair()...)
				s.play(10*time.Second, first)
				s.client = netip.MustParseAddr(second)
				other := s.open("cam", pair()...)
				for _, k := range other.tracks {
					k.frames = int(10 * k.rate / k.per)
				}
				if err := first.f.err(); (err != nil) != (name == "one address") {
					t.Fatalf("the first: %v", err)
				}
				shows := []*show{first, other}
				if first.f.err() != nil {
					shows = shows[1:]
				}
				s.play(25*time.Second, shows...)
				first.f.close(nil)
				s.play(50*time.Second, other)
				video, audio := s.listed("cam"), s.listed(audio48)
				if len(video.gaps)+len(audio.gaps) != 0 || video.media < 20 {
					t.Errorf("%d segments, gaps %v, %v\n%s", video.media, video.gaps, audio.gaps, s.log)
				}
				for i, f := range video.frames[1:] {
					if before := video.frames[i]; f.number != before.number+1 || f.time != before.time+4800 {
						t.Fatalf("frame %d at %d after %d at %d\n%s", f.number, f.time, before.number, before.time, s.log)
					}
				}
				s.inSync(first.tracks[0], video, first.tracks[1], audio, 25*time.Millisecond)
			})
		})
	}
}
