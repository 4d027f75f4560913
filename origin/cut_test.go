package origin

import (
	"io"
	"sync/atomic"
	"testing"
	"time"
)

// TestCut: readers who take less than they should are cut, each for its reason, and counted.
func TestCut(t *testing.T) {
	var crowded atomic.Bool
	for name, c := range map[string]struct {
		config Config
		reason cutReason
		rate   int // what the reader takes every 10 ms
	}{
		"slow":   {Config{WriteGrace: 200 * time.Millisecond, MinRate: 1 << 22}, cutSlow, 0},
		"long":   {Config{AnswerTime: 300 * time.Millisecond}, cutLong, 0},
		"steady": {Config{AnswerTime: 300 * time.Millisecond}, cutLong, 64 << 10},
		"memory": {Config{WriteGrace: 200 * time.Millisecond, MinRate: 1 << 18, Crowded: crowded.Load}, cutCrowded, 64 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newTestServer(t, c.config, large, 1)
			reader := slowly(t, serve(t, s), videoPath(firstN))
			crowded.Store(true)
			began := time.Now()
			for s.metrics.cuts[c.reason].Load() == 0 {
				if time.Since(began) > 5*time.Second {
					t.Fatalf("not cut; metrics %v", gather(t, s))
				}
				if _, err := io.CopyN(io.Discard, reader.r, int64(c.rate)); err != nil && s.metrics.cuts[c.reason].Load() == 0 {
					time.Sleep(50 * time.Millisecond) // the reader sees the end before it is counted
				}
				time.Sleep(10 * time.Millisecond)
			}
			if got := gather(t, s)["weir_origin_cut_answers_total reason="+c.reason.String()]; got != 1 {
				t.Errorf("%v answers were cut, want 1", got)
			}
		})
	}
}
