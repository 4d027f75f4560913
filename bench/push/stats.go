package push

import (
	"maps"
	"sync"
	"time"
)

// Stats counts what a push does, per track. The zero value is ready; it is safe for concurrent use.
type Stats struct {
	mu     sync.Mutex
	tracks map[string]*TrackStats
}

// TrackStats are the counts of one track since the push began.
type TrackStats struct {
	Connections int           // connections made; all but the first are reconnects
	Chunks      int           // chunks handed to the kernel whole
	Bytes       int64         // of headers and chunks, without HTTP framing
	Lost        int           // chunks not sent: late after a broken connection, dropped or cut by a fault
	Late        time.Duration // the most that a chunk was sent later than its time, faults' delays not counted
	LastError   error         // why the last connection failed; nil if none did
}

// Tracks returns a copy of the counts, by track.
func (s *Stats) Tracks() map[string]TrackStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]TrackStats, len(s.tracks))
	for name, t := range maps.All(s.tracks) {
		all[name] = *t
	}
	return all
}

// Sum returns the counts of all tracks together: the greatest Late, and any LastError.
func (s *Stats) Sum() TrackStats {
	var sum TrackStats
	for _, t := range s.Tracks() {
		sum.Add(t)
	}
	return sum
}

// Add adds the counts of o: the greatest Late, and any LastError.
func (t *TrackStats) Add(o TrackStats) {
	t.Connections += o.Connections
	t.Chunks += o.Chunks
	t.Bytes += o.Bytes
	t.Lost += o.Lost
	t.Late = max(t.Late, o.Late)
	if o.LastError != nil {
		t.LastError = o.LastError
	}
}

// update changes the counts of a track.
func (s *Stats) update(track string, change func(*TrackStats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tracks == nil {
		s.tracks = map[string]*TrackStats{}
	}
	t := s.tracks[track]
	if t == nil {
		t = new(TrackStats)
		s.tracks[track] = t
	}
	change(t)
}
