package e2e

import (
	"context"
	"fmt"
	"os"
	"runtime"
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
	soakSlow     = 200 * time.Millisecond // what weir counts of its own is late
	soakLate     = 400 * time.Millisecond // a player 3 parts of 200 ms behind has 600 ms in hand, less what it takes to decode
)

// TestLowLatencySoak feeds fifty channels for WEIR_SOAK (make soak) and plays them with as many players as leave 30 % of
// this machine idle: LL-HLS by blocking reload and by hint, LL-DASH chunk by chunk. No part comes too late by weir's
// doing, what is late at the end is what was late at the beginning, and memory, goroutines and descriptors stay flat.
//
// Whose doing it is when a part is late is asked of weir's own histograms, of the timers of this machine, and of its accounts:
// each late part is counted as weir's, or as the machine's, and the end says how many there were of each, and what failed.
func TestLowLatencySoak(t *testing.T) {
	if os.Getenv("WEIR_SOAK") == "" {
		t.Skip("make soak runs this")
	}
	length, err := time.ParseDuration(os.Getenv("WEIR_SOAK"))
	if err != nil {
		t.Fatal(err)
	}
	goFirst(t)
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
	begun time.Time
}

// A turn is what the players of all channels saw for some seconds.
type turn struct {
	last  *histogram.Histogram // from the sending of a part to its last byte
	wrong map[string]int
	idle  float64 // share of the machine that was idle, or left to what runs at a lower priority
	weir  float64 // cores that weir used
	self  float64 // cores that the players and encoders used
	other float64 // cores that nobody of ours used
	pulse time.Duration
	late  int     // parts that players had too late
	slow  float64 // answers that weir itself counts as late
}

// blame says whose doing late parts were: weir's, where it counts late answers of its own and this machine ran what was due.
func (r *turn) blame() (weir bool, why string) {
	machine := fmt.Sprintf("timers came %v late at most, others used %.2f cores", r.pulse, r.other)
	switch {
	case r.slow == 0:
		return false, "weir counts none of its answers as late: they were late on the way to it or from it; " + machine
	case r.pulse > soakLate/4:
		return false, fmt.Sprintf("weir counts %.0f late answers, and this machine did not run what was due; %s", r.slow, machine)
	}
	return true, fmt.Sprintf("weir counts %.0f late answers, and this machine was at ease; %s", r.slow, machine)
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
		t.Logf("%d players: %.0f %% of the machine idle, weir uses %.2f cores, others %.2f; a part is there %v after it was sent (99%%: %v), timers %v late",
			s.each*soakChannels, 100*r.idle, r.weir, r.other, r.last.Quantile(0.5), r.last.Quantile(0.99), r.pulse)
		spare := r.idle - soakIdle
		if spare < 0.05 {
			break
		}
		s.each += int(spare * float64(10+s.each)) // towards the end by one
	}
}

// steady plays until length is over, and judges.
func (s *lowSoak) steady(t *testing.T, length time.Duration) {
	t.Helper()
	s.begun = time.Now()
	told := s.begun
	var parts, late, weirs int
	for time.Since(s.begun) < length {
		r := s.turn(t, soakTurn)
		if t.Failed() {
			return // what has failed is said
		}
		s.turns = append(s.turns, r)
		parts += r.last.Count()
		if r.late > 0 {
			weir, why := r.blame()
			say := t.Logf
			if late += r.late; weir {
				weirs += r.late
				say = t.Errorf
			}
			say("%v: %d of %d parts came later than %v, %v at most: %s", s.since(), r.late, r.last.Count(), soakLate, r.last.Max(), why)
		}
		if len(r.wrong) > 0 {
			t.Errorf("%v: wrong answers: %v", s.since(), r.wrong)
		}
		if time.Since(told) >= time.Minute {
			told = time.Now()
			t.Logf("%v of %v: %d %% idle; weir %.2f cores, players and encoders %.2f, others %.2f; a part after %v (99%%: %v); %d of %d parts late, %d by weir's doing; %v",
				s.since(), length, int(100*r.idle), r.weir, r.self, r.other, round(r.last.Quantile(0.5)), round(r.last.Quantile(0.99)), late, parts, weirs, s.samples[len(s.samples)-1])
		}
	}
	s.conclude(t, late, weirs)
}

func (s *lowSoak) since() time.Duration { return time.Since(s.begun).Round(time.Second) }

// conclude compares the end with the beginning, and sums up.
func (s *lowSoak) conclude(t *testing.T, late, weirs int) {
	t.Helper()
	all := sum(s.turns)
	t.Logf("%d channels, %d players, %v: %.0f %% of the machine idle, weir uses %.2f cores, players and encoders %.2f, others %.2f; a part is there %v after it was sent (99%%: %v, most %v)",
		soakChannels, s.each*soakChannels, s.since(), 100*all.idle, all.weir, all.self, all.other, all.last.Quantile(0.5), all.last.Quantile(0.99), all.last.Max())
	t.Logf("%d of %d parts came later than %v, %d of them by weir's doing", late, all.last.Count(), soakLate, weirs)
	s.flat(t)
	n := len(s.samples)
	t.Logf("at first %v; at the end %v", s.samples[0], s.samples[n-1])
	if s.each*soakChannels < soakLeast {
		t.Errorf("%d players, want %d", s.each*soakChannels, soakLeast)
	}
	if len(s.turns) < 2 {
		t.Log("too short to compare its end with its beginning")
		return
	}
	sixth := max(1, len(s.turns)/6) // ten minutes of an hour
	first, last := sum(s.turns[:sixth]), sum(s.turns[len(s.turns)-sixth:])
	for name, x := range map[string]turn{"first": first, "last": last} {
		t.Logf("%s sixth: 99%% within %v, half within %v; %.0f %% idle, others used %.2f cores, timers were %v late as a rule",
			name, round(x.last.Quantile(0.99)), round(x.last.Quantile(0.5)), 100*x.idle, x.other, x.pulse)
	}
	a, b := first.last.Quantile(0.99), last.last.Quantile(0.99)
	switch {
	case float64(b) <= 1.2*float64(a):
	case len(s.turns) < 6*6:
		t.Logf("99%% of parts came within %v at first, and within %v at the end: too short a run to say more", a, b)
	case last.pulse > first.pulse*6/5 && last.pulse > beatLate || last.other > first.other+0.1:
		t.Logf("99%% of parts came within %v at first, and within %v at the end; this machine was busier at the end: it cannot be told why", a, b)
	default:
		t.Errorf("99%% of parts came within %v at first, and within %v at the end, and this machine was as it had been", a, b)
	}
}

// sum is the sum of turns; what is no count is the mean.
func sum(turns []turn) turn {
	all := turn{last: new(histogram.Histogram)}
	n := float64(len(turns))
	for _, r := range turns {
		all.last.Merge(r.last)
		all.idle += r.idle / n
		all.weir += r.weir / n
		all.self += r.self / n
		all.other += r.other / n
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
	began, weir, self, before, slow := time.Now(), cpu(t, s.process.cmd.Process.Pid), cpu(t, os.Getpid()), readIdle(t), s.slow()
	over := make(chan struct{})
	go func() {
		group.Wait()
		close(over)
	}()
	for at := time.NewTicker(time.Second); ; {
		select {
		case <-over:
		case <-at.C:
			if !s.begun.IsZero() {
				s.sample(t, s.begun) // while all play
			}
			continue
		}
		at.Stop()
		break
	}
	passed := time.Since(began).Seconds()
	after := readIdle(t)
	r.idle = float64(after.idle-before.idle) / float64(max(1, after.all-before.all))
	r.weir = (cpu(t, s.process.cmd.Process.Pid) - weir).Seconds() / passed
	r.self = (cpu(t, os.Getpid()) - self).Seconds() / passed
	r.other = max(0, (1-r.idle)*float64(runtime.NumCPU())-r.weir-r.self)
	r.pulse = s.pulse.worst(began, time.Now())
	r.late, r.slow = r.last.Over(soakLate), s.slow()-slow
	return r
}

// slow is how many answers weir itself has counted, since it was started, whose last byte left it soakSlow after the chunk
// had come or later.
func (s *lowSoak) slow() float64 {
	all := s.metric(`weir_origin_last_byte_latency_seconds_count\{[^}]*\}`)
	return all - s.metric(fmt.Sprintf(`weir_origin_last_byte_latency_seconds_bucket\{[^}]*le="%v"\}`, soakSlow.Seconds()))
}

func cpu(t *testing.T, pid int) time.Duration {
	t.Helper()
	cpu, err := proc.CPU(pid)
	if err != nil {
		t.Fatal(err)
	}
	return cpu
}

// An idling is the machine's time since it was started, in ticks of all cores. What runs at a lower priority than ours
// counts as idle: it gives way.
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
		if k == 1 || k == 3 || k == 4 {
			i.idle += n
		}
	}
	return i
}
