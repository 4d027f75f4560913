package check

import (
	"cmp"
	"fmt"
	"sync"
)

// A tally judges what no single moment can show: on a network, beside a busy machine, behind an encoder that stalls, one
// part may come late though nothing is wrong. It counts, and is judged at the end: a fault is what happens again and again.
// Safe for concurrent use.
type tally struct {
	assertion int
	truth     string // what is due
	share     int    // more than one in so many is a fault; 0: tallyShare

	mu    sync.Mutex
	count int
	bad   int
	at    place // of the first that is bad, with what it said
	said  string
}

// Bounds of a tally: below so many looks nothing is said, and more than a fifth of them must be bad.
const (
	tallyLeast = 5
	tallyShare = 5
)

// tally begins one that is judged at the end of the run.
func (s *session) tally(assertion int, truth string) *tally {
	t := &tally{assertion: assertion, truth: truth}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tallies = append(s.tallies, t)
	return t
}

func (s *session) judgeTallies() {
	for _, t := range s.tallies {
		t.judge(s.judge)
	}
}

// add counts one look.
func (t *tally) add(ok bool, at place, said string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	if !ok {
		if t.bad++; t.bad == 1 {
			t.at, t.said = at, said
		}
	}
}

// judge is called once, at the end.
func (t *tally) judge(j *judge) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count < tallyLeast {
		return
	}
	j.test(t.assertion, t.bad*cmp.Or(t.share, tallyShare) <= t.count, t.at, fmt.Sprintf("%d of %d times; the first: %s", t.bad, t.count, t.said), t.truth)
}
