package e2e

import (
	"sync"
	"testing"
	"time"
)

// A pulse tells how late this machine runs what is due: where other work takes its cores away, players stand still
// through no fault of an origin's.
type pulse struct {
	mu    sync.Mutex
	beats []beat
}

// A beat is a timer that came late.
type beat struct {
	at   time.Time // when it came
	late time.Duration
}

const (
	beatEvery = 10 * time.Millisecond
	beatLate  = 40 * time.Millisecond // below that it is not worth remembering
)

// feelPulse begins to watch the machine, until the test ends.
func feelPulse(t *testing.T) *pulse {
	t.Helper()
	p := &pulse{}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		timer := time.NewTimer(beatEvery)
		for due := time.Now().Add(beatEvery); ; {
			select {
			case <-stop:
				return
			case <-timer.C:
			}
			now := time.Now()
			p.note(now, now.Sub(due))
			due = now.Add(beatEvery)
			timer.Reset(beatEvery)
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
	return p
}

func (p *pulse) note(at time.Time, late time.Duration) {
	if late < beatLate {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.beats = append(p.beats, beat{at, late})
}

// worst is the most that a timer came late between two times.
func (p *pulse) worst(from, to time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var worst time.Duration
	for _, b := range p.beats {
		if b.at.After(from) && b.at.Add(-b.late).Before(to) {
			worst = max(worst, b.late)
		}
	}
	return worst
}
