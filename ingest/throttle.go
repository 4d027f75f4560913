package ingest

import (
	"sync"
	"time"
)

// A Throttle lets one line of a kind into the log in ten seconds: what an encoder does wrong it does many times a second. The
// zero Throttle is ready. Safe for concurrent use.
type Throttle struct {
	mu   sync.Mutex
	last map[string]time.Time // by kind
}

// maxKinds bounds what is remembered: names in kinds come from URLs.
const maxKinds = 4096

// May tells whether a line of that kind may be logged now, and counts it as logged.
func (t *Throttle) May(kind string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if now.Sub(t.last[kind]) < 10*time.Second {
		return false
	}
	if t.last == nil || len(t.last) > maxKinds {
		t.last = map[string]time.Time{}
	}
	t.last[kind] = now
	return true
}
