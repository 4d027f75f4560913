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
		sum.Connections += t.Connections
		sum.Chunks += t.Chunks
		sum.Bytes += t.Bytes
		sum.Lost += t.Lost
		sum.Late = max(sum.Late, t.Late)
		if t.LastError != nil {
			sum.LastError = t.LastError
		}
	}
	return sum
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
