package main

import (
	"context"
	"runtime/debug"
	"testing"
	"testing/synctest"
)

func TestCollectPercent(t *testing.T) {
	for live, want := range map[uint64]int{0: 400, 1 << 20: 400, 4 << 20: 400, 16 << 20: 100, 32 << 20: 100, 1 << 30: 100} {
		if got := collectPercent(live); got != want {
			t.Errorf("collectPercent(%d) = %d, want %d", live, got, want)
		}
	}
}

// TestTuneCollector: the collector is tuned while weir runs, and not where GOGC says otherwise.
func TestTuneCollector(t *testing.T) {
	percent := func() int {
		p := debug.SetGCPercent(100)
		debug.SetGCPercent(p)
		return p
	}
	run := func(t *testing.T) (while int) {
		synctest.Test(t, func(t *testing.T) {
			ctx, end := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- tuneCollector(ctx) }()
			synctest.Wait()
			while = percent()
			end()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
		return while
	}
	before := percent()
	defer debug.SetGCPercent(before)
	t.Setenv("GOGC", "")
	if got := run(t); got < 150 {
		t.Errorf("GOGC is %d for the heap of a test", got)
	}
	debug.SetGCPercent(70)
	t.Setenv("GOGC", "70")
	if got := run(t); got != 70 {
		t.Errorf("GOGC is %d, and was set to 70", got)
	}
}
