package origin

import (
	"time"
)

// An exchange is a request, its answer, and how far that has come: what is the same whoever carries it over a connection, a
// goroutine of its own (conn) or a lane.
type exchange struct {
	request Request
	answer  Answer
	log     logLine   // what the access log needs of the request
	began   time.Time // when the request was read
	sent    int64     // bytes of the answer's body that reached the kernel
	running bool      // an answer was begun and not yet reported
	old     bool      // the request is of HTTP/1.0

	held     time.Duration // how long the running answer was held; 0: not at all
	arrived  int64         // when the chunk arrived that it waited for; 0: not to be measured
	wrote    time.Time     // when the last deadline was looked at
	until    time.Time     // when the running answer must be out; zero before its first write
	deadline time.Time     // write deadline in force

	kept  []byte // what the request has of one that waits
	value []byte // a header field on its way
}

// begin starts an answer.
func (x *exchange) begin(now time.Time) {
	folded := x.request.folded
	x.request, x.answer = Request{}, Answer{}
	x.request.Now, x.request.folded = now, folded
	x.began, x.sent, x.running = now, 0, true
	x.held, x.arrived, x.until = 0, 0, time.Time{}
}

// keep has the running request no longer borrow what it is made of.
func (x *exchange) keep() {
	r := &x.request
	fields := [...]*[]byte{&r.Path, &r.Query, &r.IfMatch, &r.IfNoneMatch, &r.Range, &r.IfRange, &r.AcceptEncoding}
	n := 0
	for _, f := range fields {
		n += len(*f)
	}
	b := x.kept[:0]
	if cap(b) < n {
		b = make([]byte, 0, n)
	}
	for _, f := range fields {
		from := len(b)
		b = append(b, *f...)
		*f = b[from:len(b):len(b)]
	}
	x.kept = b
}

// finish reports the running answer and lets go of everything that it held.
func (s *Server) finish(x *exchange) {
	if x.running {
		x.running = false
		s.report(x)
	}
	x.answer = Answer{}
}

// released notes how long a request was held whose answer is final now.
func (s *Server) released(x *exchange, held time.Duration) {
	a := &x.answer
	x.held = held
	s.metrics.latency.held[a.Kind].observe(held)
	arrived := a.arrived
	if arrived == 0 {
		arrived = a.Body.Arrived()
	}
	if arrived != 0 && a.Fault == nil {
		x.arrived = arrived
		s.metrics.latency.woken[a.Kind].observe(since(arrived))
	}
}

// extend gives the next size bytes their time, out of what the answer has left, and reports whether the deadline is another
// now. The deadline in force is kept while it lies within a grace of what they need, which saves the timer's work for most
// writes. An answer that has been under way for longer than a grace gets no more where readers pin too much memory.
func (s *Server) extend(x *exchange, size int64) (moved bool, err error) {
	grace, rate := s.config.WriteGrace, s.config.MinRate
	now := time.Now()
	x.wrote = now
	switch {
	case x.until.IsZero():
		x.until = now.Add(s.config.AnswerTime)
	case !now.Before(x.until):
		return false, errLong
	case x.until.Sub(now) < s.config.AnswerTime-grace && s.config.Crowded != nil && s.config.Crowded():
		return false, errCrowded
	}
	need := now.Add(grace/2 + time.Duration(size)*time.Second/time.Duration(rate))
	if x.deadline.After(need) && x.deadline.Before(need.Add(grace)) && !x.deadline.After(x.until) {
		return false, nil
	}
	if x.deadline = need.Add(grace / 2); x.deadline.After(x.until) {
		x.deadline = x.until
	}
	return true, nil
}
