//go:build linux

package play

import (
	"context"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"weir/bench/floor"
)

// TestPlayers: each kind of player sees each part or chunk of two seconds, soon after it was sent.
func TestPlayers(t *testing.T) {
	t.Parallel()
	url := newOrigin(t, 200*time.Millisecond)
	for _, kind := range []Kind{DASH, Reload, Hint} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			from := map[Kind]string{DASH: "/live.mpd", Reload: "/master.m3u8", Hint: "/v/list.m3u8"}[kind]
			r, err := Run(t.Context(), Spec{Kind: kind, URL: url + from, Players: 3, Warm: 300 * time.Millisecond, For: 1200 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			check(t, r, 9, 24)
			if kind == Reload && (r.Listed.Count() != r.Answers || r.Listed.Quantile(0.5) > r.Last.Quantile(0.5)) {
				t.Errorf("listed %d times after %v; %d parts came after %v", r.Listed.Count(), r.Listed.Quantile(0.5), r.Answers, r.Last.Quantile(0.5))
			}
		})
	}
}

func check(t *testing.T, r *Result, least, most int) {
	t.Helper()
	if r.Answers < least || r.Answers > most || r.WrongAnswers() > 0 {
		t.Errorf("%d chunks in %.1f s, want %d to %d; wrong: %v", r.Answers, r.Seconds, least, most, r.Wrong)
	}
	if first, last := r.First.Quantile(0.5), r.Last.Quantile(0.5); first <= 0 || first > 100*time.Millisecond || last < first {
		t.Errorf("medians %v to the first and %v to the last byte", first, last)
	}
}

// TestRelay plays through the relay, which is the floor, with and without keeping what came.
func TestRelay(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]time.Duration{"nothing": 0, "a second": time.Second} {
		t.Run("keeps "+name, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			serve(t, func(ctx context.Context) error { return floor.Relay(ctx, address, keep) })
			await(t, address)
			feed(t, "http://"+address+"/in", 200*time.Millisecond)
			r, err := Run(t.Context(), Spec{Kind: Chunked, URL: "http://" + address + "/in/Streams(v.cmfv)", Players: 5, Warm: 200 * time.Millisecond, For: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			check(t, r, 15, 35)
		})
	}
}

// TestCrowd: all wait, and all are released.
func TestCrowd(t *testing.T) {
	t.Parallel()
	url := newOrigin(t, 1200*time.Millisecond) // time to gather in
	address := freeAddress(t)
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, func(ctx context.Context) error { return floor.Bare(ctx, ln) })
	put(t, "http://"+address+"/hold", "held")
	put(t, "http://"+address+"/lobby", "come in")
	for _, spec := range []Spec{{Kind: Wait, URL: url + "/v/list.m3u8"}, {Kind: Hold, URL: "http://" + address}} {
		t.Run(string(spec.Kind), func(t *testing.T) {
			t.Parallel()
			spec.Players, spec.Rounds, spec.Server = 300, 2, os.Getpid()
			r, err := Run(t.Context(), spec)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Rounds) != 2 || r.Answers != 600 || r.WrongAnswers() > 0 {
				t.Fatalf("%d rounds, %d answers, wrong: %v", len(r.Rounds), r.Answers, r.Wrong)
			}
			for _, round := range r.Rounds {
				if round.First <= 0 || round.Last < round.P999 || round.Release <= 0 || round.Memory == 0 {
					t.Errorf("%+v", round)
				}
			}
		})
	}
}

// TestPull pulls as fast as can be, and at a rate.
func TestPull(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, func(ctx context.Context) error { return floor.Bare(ctx, ln) })
	body := strings.Repeat("x", 60_000)
	put(t, "http://"+address+"/part", body)
	spec := Spec{Kind: Pull, URL: "http://" + address + "/part", Players: 8, Warm: 100 * time.Millisecond, For: 500 * time.Millisecond, Server: os.Getpid()}
	r, err := Run(t.Context(), spec)
	if err != nil || r.Answers < 100 || r.WrongAnswers() > 0 || r.Bytes < int64(len(body)*(r.Answers-8)) || r.ServerCPU <= 0 || r.Last.Count() != r.Answers {
		t.Errorf("%+v, %v", r, err)
	}
	spec.Rate, spec.For = 200, time.Second
	if r, err = Run(t.Context(), spec); err != nil || r.Answers < 150 || r.Answers > 210 {
		t.Errorf("at 200 a second: %+v, %v", r, err)
	}
	spec.URL, spec.Rate = "http://"+address+"/none", 0
	if r, err = Run(t.Context(), spec); err != nil || r.Answers != 0 || r.Wrong["status 404"] == 0 {
		t.Errorf("of nothing: %+v, %v", r, err)
	}
	if _, err = Run(t.Context(), Spec{Kind: Reload, URL: spec.URL, Players: 1}); err == nil {
		t.Error("nothing to tune in to: no error")
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// serve runs a server until the test ends.
func serve(t *testing.T, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
}

func await(t *testing.T, address string) {
	t.Helper()
	for range 100 {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("does not listen")
}

func put(t *testing.T, url, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
}
