package e2e

import (
	"sync"
	"testing"
	"time"
)

// An edge knows up to where media was listed at any time.
type edge struct {
	mu    sync.Mutex
	marks []mark // each is newer than the one before
}

// A mark says that media up to end was listed by the time seen.
type mark struct{ seen, end time.Time }

// watchEdge looks at a media playlist until the test ends.
func watchEdge(t *testing.T, n *node) *edge {
	t.Helper()
	urls, err := mediaURLs(n.base())
	if err != nil {
		t.Fatal(err)
	}
	e := &edge{}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			if p, err := fetchPlaylist(urls[0]); err == nil {
				e.note(time.Now(), p.end())
			}
			select {
			case <-stop:
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
	return e
}

func (e *edge) note(seen, end time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if k := len(e.marks); k == 0 || end.After(e.marks[k-1].end) {
		e.marks = append(e.marks, mark{seen, end})
	}
}

// at returns up to where media was listed at a time.
func (e *edge) at(when time.Time) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	var end time.Time
	for _, m := range e.marks {
		if !m.seen.After(when) {
			end = m.end
		}
	}
	return end
}

// starved reports whether a player that stood still had nothing more to play: neither buffered nor listed.
func (e *edge) starved(s stall) bool {
	return s.buffered < 0.3 && !e.at(s.at).After(s.playhead.Add(300*time.Millisecond))
}
