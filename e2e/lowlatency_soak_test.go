package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/bench/demo"
	"weir/bench/histogram"
	"weir/bench/play"
	"weir/bench/proc"
	"weir/bench/push"
)

const (
	soakChannels = 50  // of 0.9 Mb/s each
	soakLeast    = 200 // players
	soakIdle     = 0.3 // share of the machine that is left alone
	soakTurn     = 20 * time.Second
	soakLate     = 400 * time.Millisecond // a player 3 parts of 200 ms behind has 600 ms in hand, less what it takes to decode
)

// TestLowLatencySoak feeds fifty channels for WEIR_SOAK (make soak) and plays them with as many players as leave 30 % of
// this machine idle: LL-HLS by blocking reload and by hint, LL-DASH chunk by chunk. No part comes too late by weir's
// doing, what is late at the end is what was late at the beginning, and memory, goroutines and descriptors stay flat.
func TestLowLatencySoak(t *testing.T) {
	if os.Getenv("WEIR_SOAK") == "" {
		t.Skip("make soak runs this")
	}
	length, err := time.ParseDuration(os.Getenv("WEIR_SOAK"))
	if err != nil {
		t.Fatal(err)
	}
	s := &lowSoak{soak: soak{node: manyChannels(t, soakChannels, 30*time.Second)}, pulse: feelPulse(t)}
	s.feed(t)
	s.ramp(t)
	s.steady(t, length)
}

// A lowSoak is a node with many channels and many players.
type lowSoak struct {
	soak
	pulse *pulse
	each  int // players a channel
	turns []turn
}

// A turn is what the players of all channels saw for some seconds.
type turn struct {
	last  *histogram.Histogram // from the sending of a part to its last byte
	wrong map[string]int
	idle  float64 // share of the machine
	weir  float64 // cores that weir used
	pulse time.Duration
}

// feed pushes to all channels, each with a beginning of its own, so that they do not all send at once.
func (s *lowSoak) feed(t *testing.T) {
	t.Helper()
	tracks, err := demo.Tracks()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	zero := time.Now()
	for i := range soakChannels {
		o := push.Options{URL: s.publishingTo(i), Tracks: tracks, Stamp: true, Start: zero.Add(time.Duration(i) * 200 * time.Millisecond / soakChannels)}
		group.Go(func() {
			if err := push.Run(ctx, o); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() { cancel(); group.Wait() })
	eventually(t, 2*time.Minute, "all channels list six segments", func() error {
		for i := range soakChannels {
			if _, err := listing6(s.base() + channelPath(i)); err != nil {
				return err
			}
		}
		return nil
	})
}

// listing6 reads a channel's first media playlist, which must have six segments.
func listing6(base string) (*playlist, error) {
	manifest := base + "manifest(format=m3u8-cmaf)"
	text, err := get(manifest)
	if err != nil {
		return nil, err
	}
	lists := mediaPlaylists(string(text))
	if len(lists) == 0 {
		return nil, fmt.Errorf("%s names no playlist", manifest)
	}
	p, err := fetchPlaylist(resolve(manifest, lists[0]))
	if err == nil && len(p.segments) < 6 {
		err = fmt.Errorf("%s: %s", manifest, p.shape())
	}
	return p, err
}

// ramp adds players until the machine is as idle as it is to be.
func (s *lowSoak) ramp(t *testing.T) {
	t.Helper()
	const most = 100 // a channel
	for s.each = soakLeast / soakChannels; s.each < most; s.each++ {
		r := s.turn(t, 5*time.Second)
		t.Logf("%d players: %.0f %% of the machine idle, weir uses %.2f cores; a part is there %v after it was sent (99%%: %v), timers %v late",
			s.each*soakChannels, 100*r.idle, r.weir, r.last.Quantile(0.5), r.last.Quantile(0.99), r.pulse)
		spare := r.idle - soakIdle
		if spare < 0.05 {
			break
		}
		s.each += int(spare * 10) // towards the end by one
	}
}

// steady plays until length is over, and judges.
func (s *lowSoak) steady(t *testing.T, length time.Duration) {
	t.Helper()
	begun := time.Now()
	for time.Since(begun) < length && !t.Failed() {
		s.sample(t, begun)
		r := s.turn(t, soakTurn)
		s.turns = append(s.turns, r)
		s.sample(t, begun)
		if late := r.last.Over(soakLate); late > 0 {
			say, why := t.Errorf, "and this machine was at ease"
			if r.pulse > soakLate/4 {
				say, why = t.Logf, "this machine was busy elsewhere"
			}
			say("%d of %d parts came later than %v, %v at most; timers were %v late: %s", late, r.last.Count(), soakLate, r.last.Max(), r.pulse, why)
		}
		if len(r.wrong) > 0 {
			t.Errorf("wrong answers: %v", r.wrong)
		}
	}
	s.flat(t)
	window := len(s.turns) / 6 // ten minutes of an hour
	if window == 0 {
		t.Log("too short to compare its end with its beginning")
		return
	}
	first, last := sum(s.turns[:window]), sum(s.turns[len(s.turns)-window:])
	all := sum(s.turns)
	t.Logf("%d channels, %d players, %v: %.0f %% of the machine idle, weir uses %.2f cores; a part is there %v after it was sent (99%%: %v, most %v; %d parts)",
		soakChannels, s.each*soakChannels, time.Since(begun).Round(time.Second), 100*all.idle, all.weir,
		all.last.Quantile(0.5), all.last.Quantile(0.99), all.last.Max(), all.last.Count())
	t.Logf("99%% in the first sixth: %v (timers %v late at most), in the last: %v (%v)", first.last.Quantile(0.99), first.pulse, last.last.Quantile(0.99), last.pulse)
	if a, b := first.last.Quantile(0.99), last.last.Quantile(0.99); float64(b) > 1.2*float64(a) {
		if last.pulse > first.pulse*6/5 {
			t.Logf("this machine was busier at the end: it cannot be told why parts came later")
		} else {
			t.Errorf("99%% of parts came within %v at first, and within %v at the end", a, b)
		}
	}
}

// sum is the sum of turns; pulse is the usual one.
func sum(turns []turn) turn {
	all := turn{last: new(histogram.Histogram)}
	for _, r := range turns {
		all.last.Merge(r.last)
		all.idle += r.idle / float64(len(turns))
		all.weir += r.weir / float64(len(turns))
		all.pulse += r.pulse / time.Duration(len(turns))
	}
	return all
}

// turn plays all channels for a while, each kind of player on every third channel.
func (s *lowSoak) turn(t *testing.T, length time.Duration) turn {
	t.Helper()
	const warm = 2 * time.Second
	kinds := []play.Kind{play.Reload, play.Hint, play.DASH}
	r := turn{last: new(histogram.Histogram), wrong: map[string]int{}}
	var mu sync.Mutex
	var group sync.WaitGroup
	for i := range soakChannels {
		spec := play.Spec{Kind: kinds[i%len(kinds)], Players: s.each, Warm: warm, For: length}
		format := "m3u8-cmaf"
		if spec.Kind == play.DASH {
			format = "mpd-time-cmaf-ll"
		}
		spec.URL = s.base() + channelPath(i) + "manifest(format=" + format + ")"
		group.Go(func() {
			got, err := play.Run(t.Context(), spec)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Errorf("channel %d: %v", i, err)
				return
			}
			r.last.Merge(got.Last)
			for what, n := range got.Wrong {
				r.wrong[fmt.Sprintf("%s: %s", spec.Kind, what)] += n
			}
		})
	}
	<-time.After(warm)
	began, then, before := time.Now(), s.cpu(t), readIdle(t)
	group.Wait()
	passed := time.Since(began)
	after := readIdle(t)
	r.idle = float64(after.idle-before.idle) / float64(max(1, after.all-before.all))
	r.weir = (s.cpu(t) - then).Seconds() / passed.Seconds()
	r.pulse = s.pulse.worst(began, time.Now())
	return r
}

func (s *lowSoak) cpu(t *testing.T) time.Duration {
	t.Helper()
	cpu, err := proc.CPU(s.process.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return cpu
}

// An idling is the machine's time since it was started, in ticks of all cores.
type idling struct{ idle, all int64 }

func readIdle(t *testing.T) idling {
	t.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	var i idling
	for k, field := range strings.Fields(line)[1:9] { // user, nice, system, idle, iowait, irq, softirq, steal
		var n int64
		_, _ = fmt.Sscan(field, &n)
		i.all += n
		if k == 3 || k == 4 {
			i.idle += n
		}
	}
	return i
}
