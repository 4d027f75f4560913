//go:build linux

package epoll

import (
	"context"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

type sink func(events uint32)

func (s sink) Ready(events uint32) { s(events) }

func TestLoop(t *testing.T) {
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	var order []string
	note := func(s string) { order = append(order, s) }
	if err := l.Add(pair[0], In, sink(func(uint32) {
		var b [8]byte
		n, _ := unix.Read(pair[0], b[:])
		note(string(b[:n]))
		l.After(2*time.Millisecond, func() { note("second"); l.Remove(pair[0]); l.Stop() })
		l.After(time.Millisecond, func() { note("first") })
	})); err != nil {
		t.Fatal(err)
	}
	go l.Do(func() { note("done"); _, _ = unix.Write(pair[1], []byte("read")) })
	if err := l.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(order) != 4 || order[0] != "done" || order[1] != "read" || order[2] != "first" || order[3] != "second" {
		t.Errorf("%q", order)
	}
}

func TestLoopEndsWithItsContext(t *testing.T) {
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := l.Run(ctx); err != nil {
		t.Fatal(err)
	}
}
