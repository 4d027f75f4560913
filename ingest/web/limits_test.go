package web

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/ingest"
)

// A connection that is one too many is told so at once, with the status of its bound; when one has gone, the next comes in.
func TestTooManyConnections(t *testing.T) {
	for name, tc := range map[string]struct {
		limit  func(*ingest.Limits)
		bound  string
		status int
	}{
		"process": {func(l *ingest.Limits) { l.Connections = 3 }, ingest.BoundAll, 503},
		"address": {func(l *ingest.Limits) { l.AddressConnections = 3 }, ingest.BoundAddress, 429},
	} {
		t.Run(name, func(t *testing.T) {
			limits := ingest.DefaultLimits()
			tc.limit(&limits)
			b := newBench(t, limits)
			var open []*wire
			for range 3 {
				w := b.dial()
				w.send(probe)
				if got := w.answer(time.Second); got != 200 {
					t.Fatalf("within the bound: %d", got)
				}
				open = append(open, w)
			}
			w := b.dial()
			w.send(probe)
			if got := w.answer(time.Second); got != tc.status {
				t.Errorf("beyond the bound: %d, want %d", got, tc.status)
			}
			if n := b.metric("weir_ingest_refused_connections_total"); n != 1 {
				t.Errorf("%v refusals counted, want 1", n)
			}
			_ = open[0].Close()
			for b.server.connections() > 2 {
				time.Sleep(time.Millisecond)
			}
			again := b.dial()
			again.send(probe)
			if got := again.answer(time.Second); got != 200 {
				t.Errorf("after one has gone: %d", got)
			}
		})
	}
}

// Bodies beyond a channel's bound are answered 429; a body that takes over its own stream is not one too many.
func TestTooManyBodies(t *testing.T) {
	limits := ingest.DefaultLimits()
	limits.ChannelConnections = 2
	b := newBench(t, limits)
	var open []*wire
	for _, name := range []string{"a", "b"} {
		w := b.dial()
		w.send(post("good", "Streams("+name+")") + chunkOf(free))
		open = append(open, w)
	}
	for b.metric("weir_ingest_bodies") < 2 {
		time.Sleep(time.Millisecond)
	}
	w := b.dial()
	w.send(post("good", "Streams(c)"))
	if got := w.answer(time.Second); got != 429 {
		t.Errorf("a third body: %d, want 429", got)
	}
	b.dial().send(post("good", "Streams(b)") + chunkOf(free))
	if got := open[1].answer(time.Second); got != 409 {
		t.Errorf("the body whose stream was taken over: %d, want 409", got)
	}
}

// An address that shows wrong tokens is not heard for a while, not even with the right one, unless that was shown before.
func TestWrongTokens(t *testing.T) {
	limits := ingest.DefaultLimits()
	limits.WrongTokens = 5
	ask := func(b *bench, token string) int {
		w := b.dial()
		w.send("POST /" + token + "/ingest.isml HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
		return w.answer(time.Second)
	}
	b := newBench(t, limits)
	for i := range 5 {
		if got := ask(b, "guess"+string(rune('a'+i))); got != 404 {
			t.Fatalf("guess %d: %d, want 404", i, got)
		}
	}
	if wrong, right := ask(b, "guess"), ask(b, "good"); wrong != 429 || right != 429 {
		t.Errorf("after five guesses: %d for a wrong token, %d for the right one, want 429", wrong, right)
	}

	known := newBench(t, limits)
	ask(known, "good")
	for range 10 {
		ask(known, "guess")
	}
	if got := ask(known, "good"); got != 200 {
		t.Errorf("an address that showed the right token before: %d, want 200", got)
	}
}

// What does not come in time is cut: each kind of slowness by its own bound, with its own answer.
func TestSlowness(t *testing.T) {
	limits := ingest.DefaultLimits()
	limits.HeadTimeout, limits.Idle, limits.MinRate = 300*time.Millisecond, 300*time.Millisecond, 1<<20
	drip := func(text string) func(*wire) {
		return func(w *wire) {
			for i := range len(text) {
				if _, err := w.Write([]byte{text[i]}); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}
	}
	boxes := strings.Repeat("\x00\x00\x00\x08free", 8) // a byte at a time: no box of them in time
	for name, tc := range map[string]struct {
		begin string
		then  func(*wire)
		want  int
	}{
		"nothing at all":        {"", nil, 0},
		"headers by the byte":   {"", drip("POST /good/ingest.isml/Streams(v) HTTP/1.1\r\nHost: x\r\n"), 408},
		"half a header":         {"POST /good/ingest.isml/Stre", nil, 408},
		"body that never comes": {post("good", "Streams(v)"), nil, 408},
		"box header by the byte": {
			post("good", "Streams(v)"), drip(strings.Repeat("1\r\n\x00\r\n1\r\n\x00\r\n1\r\n\x00\r\n", 8)), 408,
		},
		"box that stops": {post("good", "Streams(v)") + chunkOf("\x00\x00\x10\x00free"+"abc"), nil, 408},
		"box by the byte": {
			post("good", "Streams(v)") + chunkOf("\x00\x00\x10\x00free"), drip(strings.Repeat("1\r\nx\r\n", 10)), 408,
		},
		"manifest that never comes": {post("good", "live.mpd"), nil, 408},
		"chunk size by the byte":    {post("good", "Streams(v)") + chunkOf(boxes), drip(strings.Repeat("0", 25)), 408},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, limits)
			w := b.dial()
			w.send(tc.begin)
			begun := time.Now()
			if tc.then != nil {
				go tc.then(w)
			}
			if got := w.answer(5 * time.Second); got != tc.want {
				t.Errorf("answered %d, want %d", got, tc.want)
			}
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("cut after %v", took)
			}
		})
	}
}

// An encoder that is slow by nature is not cut: whole boxes with pauses, and an object that stays open and silent.
func TestPatience(t *testing.T) {
	limits := ingest.DefaultLimits()
	limits.Idle, limits.MinRate = time.Second, 1<<20
	b := newBench(t, limits)
	w := b.dial()
	w.send(post("good", "Streams(v)"))
	for range 4 {
		time.Sleep(500 * time.Millisecond)
		w.send(chunkOf("\x00\x00\x00\x08free"))
	}
	w.send("0\r\n\r\n")
	if got := w.answer(time.Second); got != 200 {
		t.Errorf("a box each half of idle: %d, want 200", got)
	}

	init := mp4.CreateEmptyInit()
	init.AddEmptyTrack(1000, "text", "eng")
	if err := init.Moov.Trak.SetWvttDescriptor("WEBVTT"); err != nil {
		t.Fatal(err)
	}
	var header bytes.Buffer
	if err := init.Encode(&header); err != nil {
		t.Fatal(err)
	}
	w = b.dial()
	w.send(post("good", "Streams(t)") + chunkOf(header.String()))
	time.Sleep(2500 * time.Millisecond)
	w.send(chunkOf("\x00\x00\x00\x08free") + "0\r\n\r\n")
	if got := w.answer(time.Second); got != 200 {
		t.Errorf("text that is silent for longer than idle: %d, want 200", got)
	}
}

// One-byte chunks cost their sender: he is slowed down to what connectionRate allows, at readCost a read.
func TestOneByteChunks(t *testing.T) {
	limits := ingest.DefaultLimits()
	limits.ConnectionRate = 12_000 // burst: 120,000, that is 234 reads
	b := newBench(t, limits)
	w := b.dial()
	w.send(post("good", "Streams(v)"))
	begun := time.Now()
	w.send(strings.Repeat("1\r\n\x00\r\n1\r\n\x00\r\n1\r\n\x00\r\n1\r\n\x08\r\n1\r\nf\r\n1\r\nr\r\n1\r\ne\r\n1\r\ne\r\n", 32) + "0\r\n\r\n")
	if got := w.answer(10 * time.Second); got != 200 {
		t.Errorf("answered %d, want 200", got)
	}
	if took := time.Since(begun); took < 500*time.Millisecond {
		t.Errorf("256 chunks of one byte took %v: they cost nothing", took)
	}
}
