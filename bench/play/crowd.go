//go:build linux

package play

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"weir/bench/histogram"
	"weir/bench/proc"
)

// A crowd asks at the same time for what is not there yet, and is answered at the same time.
type crowd struct {
	load    *load
	door    door
	waiters []*waiter
	control *conn
	text    []byte // of the answer on the control connection
	code    int
	then    func() // with text, when the control connection's answer is whole

	waiting int    // that are not answered
	all     func() // when everybody is
	answers []int64
	round   Round
	was     time.Duration // CPU time of the server
}

// A door is what a crowd waits at.
type door interface {
	lobby() string                      // something that is there, to connect with
	open(c *crowd, done func())         // learns what to wait for
	path() string                       // what all wait for
	release(c *crowd)                   // lets them in; a live origin does by itself
	sent(c *crowd, done func(at int64)) // when what released them was sent
}

// crowd begins. Before the first round, everybody connects and is answered once.
func (l *load) crowd(d door) error {
	c := &crowd{load: l, door: d}
	c.control = l.conn(c)
	for range l.spec.Players {
		w := &waiter{crowd: c}
		w.conn = l.conn(w)
		c.waiters = append(c.waiters, w)
	}
	l.loop.After(0, c.arrive)
	return nil
}

// arrive has everybody connect, some at a time: a listener's queue is short.
func (c *crowd) arrive() {
	const some, pause = 200, 10 * time.Millisecond
	c.waiting = len(c.waiters)
	c.all = func() { c.load.loop.After(c.load.spec.Warm, func() { c.door.open(c, c.gather) }) }
	for i, w := range c.waiters {
		c.load.loop.After(time.Duration(i/some)*pause, func() { w.conn.ask(c.door.lobby()) })
	}
	c.load.loop.After(stuck, func() {
		if c.waiting > 0 && len(c.load.result.Rounds) == 0 && !c.load.counting {
			c.fail(fmt.Errorf("%d of %d could not connect within %v (%v)", c.waiting, len(c.waiters), stuck, c.load.faults))
		}
	})
}

// settling is how long after the last request all are taken to wait, and stuck how long a round may take.
const (
	settling = 200 * time.Millisecond
	perHead  = 20 * time.Microsecond
	stuck    = 30 * time.Second
)

// gather has everybody ask.
func (c *crowd) gather() {
	l := c.load
	if len(l.result.Rounds) == 0 {
		l.count(true)
	}
	began := time.Now()
	c.round, c.answers, c.waiting = Round{Waiters: len(c.waiters)}, c.answers[:0], len(c.waiters)
	c.all = func() {
		c.round.Release, c.round.Took = c.cpu()-c.was, time.Since(began)
		c.door.sent(c, c.over)
	}
	c.was = c.cpu()
	path := c.door.path()
	for _, w := range c.waiters {
		w.conn.ask(path)
	}
	round := len(l.result.Rounds)
	l.loop.After(settling+time.Duration(len(c.waiters))*perHead, func() {
		if c.waiting < len(c.waiters) {
			l.fault("released before all were waiting")
		}
		now := c.cpu()
		c.round.Asking, c.was = now-c.was, now
		if m, err := proc.Memory(l.spec.Server); err == nil {
			c.round.Memory = m.RSS
		}
		c.door.release(c)
	})
	l.loop.After(stuck, func() {
		if len(l.result.Rounds) == round {
			c.fail(fmt.Errorf("%d of %d were not released within %v (%v)", c.waiting, len(c.waiters), stuck, l.faults))
		}
	})
}

// answered notes that one has been let in.
func (c *crowd) answered(at int64) {
	c.answers = append(c.answers, at)
	if c.waiting--; c.waiting == 0 {
		c.all()
	}
}

// over ends a round, which began with something that was sent at a time.
func (c *crowd) over(sent int64) {
	l := c.load
	slices.Sort(c.answers)
	n := len(c.answers)
	c.round.First, c.round.Last = time.Duration(c.answers[0]-sent), time.Duration(c.answers[n-1]-sent)
	var h histogram.Histogram
	for _, at := range c.answers {
		h.Add(time.Duration(at - sent))
	}
	c.round.P999 = h.Quantile(0.999)
	l.result.Last.Merge(&h)
	l.result.Answers += n
	l.result.Rounds = append(l.result.Rounds, c.round)
	if len(l.result.Rounds) >= l.spec.Rounds {
		l.count(false)
		l.loop.Stop()
		return
	}
	c.gather()
}

func (c *crowd) cpu() time.Duration {
	if c.load.spec.Server == 0 {
		return 0
	}
	return c.load.cpu(c.load.spec.Server)
}

func (c *crowd) fail(err error) {
	c.load.err = errors.Join(c.load.err, err)
	c.load.loop.Stop()
}

// fetch gets a small object over the control connection.
func (c *crowd) fetch(path string, then func()) {
	c.then = then
	c.control.ask(path)
}

func (c *crowd) status(code int, _ int64) { c.code, c.text = code, c.text[:0] }
func (c *crowd) data(b []byte, _ int64) {
	if len(c.text)+len(b) <= maxList {
		c.text = append(c.text, b...)
	}
}

func (c *crowd) ended(int64) {
	if c.code != 200 {
		c.fail(fmt.Errorf("status %d", c.code))
		return
	}
	c.then()
}
func (c *crowd) failed(err error) { c.fail(err) }

// A waiter is one of the crowd.
type waiter struct {
	crowd *crowd
	conn  *conn
	code  int
	text  []byte // the first waiter's answer
}

func (w *waiter) status(code int, _ int64) { w.code, w.text = code, w.text[:0] }

func (w *waiter) data(b []byte, _ int64) {
	if w == w.crowd.waiters[0] && len(w.text)+len(b) <= maxList {
		w.text = append(w.text, b...)
	}
}

func (w *waiter) ended(at int64) {
	if w.code != 200 {
		w.crowd.load.fault(fmt.Sprintf("status %d", w.code))
	}
	w.crowd.answered(at)
}

func (w *waiter) failed(error) { w.crowd.answered(w.crowd.load.now()) } // counted as a fault; the round goes on

// A listDoor is a playlist's blocking reload: everybody waits for the next part, as players do.
type listDoor struct {
	playlist  string
	base      *url.URL
	msn, part int64
}

// open waits for a part to be listed, so that there is time to gather before the next is.
func (d *listDoor) open(c *crowd, done func()) {
	look := func(then func()) func() {
		return func() {
			t, err := readTail(c.text)
			if err != nil {
				c.fail(err)
				return
			}
			d.msn, d.part = t.msn, t.parts
			then()
		}
	}
	c.fetch(d.playlist, look(func() { c.fetch(d.path(), look(done)) }))
}

func (d *listDoor) lobby() string  { return d.playlist }
func (d *listDoor) path() string   { return blocking(d.playlist, d.msn, d.part) }
func (d *listDoor) release(*crowd) {}

// sent loads the part that released them, and reads its stamp.
func (d *listDoor) sent(c *crowd, done func(int64)) {
	t, err := readTail(c.waiters[0].text)
	if err != nil || t.part == nil {
		c.fail(fmt.Errorf("released with a playlist that lists no part (%w)", err))
		return
	}
	base, err := d.base.Parse(d.playlist)
	if err != nil {
		c.fail(err)
		return
	}
	path, err := pathOf(base, string(t.part))
	if err != nil {
		c.fail(err)
		return
	}
	d.msn, d.part = t.msn, t.parts
	c.fetch(path, func() {
		var w walker
		sent := int64(0)
		for rest, ended := w.next(c.text, 1); ended; rest, ended = w.next(rest, 1) {
			sent = max(sent, w.chunk.sent)
		}
		if sent == 0 {
			c.fail(errors.New("the part that released them has no stamp"))
			return
		}
		done(sent)
	})
}

// A bareDoor is floor.Bare's.
type bareDoor struct{ at int64 }

func (d *bareDoor) lobby() string              { return "/lobby" }
func (d *bareDoor) open(_ *crowd, done func()) { done() }
func (d *bareDoor) path() string               { return "/hold" }

func (d *bareDoor) release(c *crowd) {
	c.fetch("/release", func() {})
	d.at = c.control.asked
}
func (d *bareDoor) sent(_ *crowd, done func(int64)) { done(d.at) }
