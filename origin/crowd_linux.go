package origin

import (
	"time"
)

// A crowd is the sockets of a lane that wait for the same thing: for a version of a playlist, a part, more of a segment that
// grows. It has one goroutine, whatever its size, which waits for that and then answers all of them. Who comes first makes
// the crowd; when all have left, it ends.
type crowd struct {
	what        <-chan struct{} // closed when it is there
	left        chan struct{}   // closed when all have left
	first, last *socket
}

// hold has the errand's request wait for what its answer says.
func (l *lane) hold(s *socket, e *errand) {
	if e.since = time.Now(); s.state != held {
		l.server.metrics.waiting.Add(1)
	}
	s.state = held
	l.due(s, e.answer.patience)
	l.join(s, e.answer.wait)
}

// join puts a socket into the crowd that waits for what.
func (l *lane) join(s *socket, what <-chan struct{}) {
	c := l.crowds[what]
	if c == nil {
		c = &crowd{what: what, left: make(chan struct{})}
		l.crowds[what] = c
		go l.attend(c)
	}
	e := s.errand
	e.crowd = c
	if s.state == held && e.answer.Kind == KindPart { // media goes before the lists that say it is there
		if e.next = c.first; e.next != nil {
			e.next.errand.prev = s
		} else {
			c.last = s
		}
		c.first = s
		return
	}
	if e.prev = c.last; e.prev != nil {
		e.prev.errand.next = s
	} else {
		c.first = s
	}
	c.last = s
}

// leave takes a socket out of its crowd, if it is in one. It is not held any more.
func (l *lane) leave(s *socket) {
	e := s.errand
	if e == nil {
		return
	}
	if s.state == held {
		l.server.metrics.waiting.Add(-1)
		s.state = idle
	}
	c := e.crowd
	if c == nil {
		return
	}
	if e.prev != nil {
		e.prev.errand.next = e.next
	} else {
		c.first = e.next
	}
	if e.next != nil {
		e.next.errand.prev = e.prev
	} else {
		c.last = e.prev
	}
	e.crowd, e.prev, e.next = nil, nil, nil
	if c.first == nil && l.crowds[c.what] == c {
		delete(l.crowds, c.what)
		close(c.left)
	}
}

// attend waits for what a crowd waits for, and answers it. The server's end answers those who are held; segments that grow are
// followed to their end.
func (l *lane) attend(c *crowd) {
	stop := l.server.stop
	for {
		select {
		case <-c.what:
			l.releaseAll(c)
			return
		case <-c.left:
			return
		case <-stop:
			stop = nil
			l.releaseHeld(c)
		}
	}
}

// releaseAll releases a crowd whose time has come.
func (l *lane) releaseAll(c *crowd) {
	l.lock()
	defer l.mu.Unlock()
	if l.crowds[c.what] == c {
		delete(l.crowds, c.what) // who comes now, comes for what is next
	}
	for i := 0; c.first != nil; i++ {
		l.breathe(i)
		if s := c.first; s != nil { // it may have left meanwhile
			l.let(s, c.what)
		}
	}
}

// releaseHeld releases those of a crowd who are held, for the last time.
func (l *lane) releaseHeld(c *crowd) {
	l.lock()
	defer l.mu.Unlock()
	for i := 0; ; i++ {
		l.breathe(i)
		s := c.first
		for s != nil && s.state != held {
			s = s.errand.next
		}
		if s == nil {
			return
		}
		s.errand.request.over = true
		l.let(s, nil)
	}
}

// let releases a socket. A panic is the end of that socket alone.
func (l *lane) let(s *socket, what <-chan struct{}) {
	defer l.catch(s)
	if s.state == held {
		l.release(s, what)
		return
	}
	l.leave(s)
	l.follow(s, what)
	l.goOn(s)
}

// release asks again for a held request: it is answered, or held for something else. what is what it has waited for, and has
// come; nil: its time is over.
func (l *lane) release(s *socket, what <-chan struct{}) {
	l.leave(s)
	e := s.errand
	since := e.since
	l.ask(e)
	if e.answer.wait != nil && e.answer.wait == what { // nobody tells of newer versions any more
		e.request.over = true
		l.ask(e)
	}
	if e.answer.wait != nil {
		l.hold(s, e)
		l.due(s, e.answer.patience-time.Since(since))
		e.since = since
		return
	}
	l.server.released(&e.exchange, time.Since(since))
	l.reply(s, e)
	l.goOn(s)
}
