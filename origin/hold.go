package origin

import (
	"time"

	"weir/segcache"
)

// Waiting. Some requests are for what is about to come: an answer to one of them says in wait what it waits for, and is
// what to answer should nothing come. Who carries answers over a connection (lane.hold; Server.hold, by the goroutine of a conn)
// waits and asks again; who does not, answers what stands there. The writer of the media has nothing to look at: it closes
// a channel.

// mostHeld bounds how long a request is held: players give up on an answer that has not begun after ten seconds.
const mostHeld = 8 * time.Second

// patience is how long a request may be held: three target durations, but no longer than players wait.
//
// Source: RFC 8216bis, 6.2.5.2 (a server should not hold for longer than three target durations).
func patience(v *segcache.Version) time.Duration { return patienceOf(targetDuration(v)) }

// patienceOf is patience by the target duration, in seconds.
func patienceOf(target int) time.Duration {
	return min(3*time.Duration(max(target, 1))*time.Second, mostHeld)
}

// mayWait tells whether a request is held where there is a reason to: a GET that has not been held for too long.
func (r *Request) mayWait() bool { return r.Method == MethodGet && !r.over }

// hold makes a an answer that waits: it is not final until changed is closed, and asked for again then, or until the
// patience ends, when it is asked for the last time. Take the channel before the look that found nothing.
func (a *Answer) hold(changed <-chan struct{}, patience time.Duration) {
	a.wait, a.patience = changed, patience
}

// hold waits until the connection's answer is final. The server's end makes it so, too.
func (s *Server) hold(c *conn) {
	defer s.catch(&c.exchange)
	s.metrics.waiting.Add(1)
	defer s.metrics.waiting.Add(-1)
	r, a := &c.request, &c.answer
	began := time.Now()
	timer := c.startTimer(a.patience)
	for a.wait != nil {
		before := a.wait
		select {
		case <-a.wait:
		case <-timer.C:
			r.over = true
		case <-s.stop:
			r.over = true
		}
		s.Answer(r, a)
		if a.wait == before { // it has been closed, and nothing followed: nobody tells of newer versions any more
			r.over = true
			s.Answer(r, a)
		}
	}
	timer.Stop()
	s.released(&c.exchange, time.Since(began))
}

// startTimer is the connection's timer, set.
func (c *conn) startTimer(d time.Duration) *time.Timer {
	if c.timer == nil {
		c.timer = time.NewTimer(d)
	} else {
		c.timer.Reset(d)
	}
	return c.timer
}
