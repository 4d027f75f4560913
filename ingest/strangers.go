package ingest

import (
	"net/netip"
	"sync"
	"time"
)

// strangers remembers which addresses show wrong tokens. One that shows too many is not heard for a while, whatever token
// it shows next, unless it has shown a right one before: one encoder with an old URL does not lock out those beside it.
// Safe for concurrent use.
type strangers struct {
	perMinute int
	mu        sync.Mutex
	by        map[netip.Addr]*stranger
}

type stranger struct {
	since time.Time // of the minute that is counted
	wrong int
	right bool
}

// maxStrangers bounds the memory for addresses; beyond it all are forgotten.
const maxStrangers = 8192

func newStrangers(perMinute int) *strangers {
	return &strangers{perMinute: perMinute, by: map[netip.Addr]*stranger{}}
}

// heard tells whether a request of the address may be looked at.
func (s *strangers) heard(a netip.Addr, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	who := s.by[countedAs(a)]
	return who == nil || who.right || who.wrong < s.perMinute || now.Sub(who.since) >= time.Minute
}

// showed notes a token of the address, right or wrong.
func (s *strangers) showed(a netip.Addr, right bool, now time.Time) {
	a = countedAs(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	who := s.by[a]
	if who == nil {
		if len(s.by) >= maxStrangers {
			clear(s.by)
		}
		who = &stranger{}
		s.by[a] = who
	}
	if right {
		who.right = true
		return
	}
	if now.Sub(who.since) >= time.Minute {
		who.since, who.wrong = now, 0
	}
	who.wrong++
}
