//go:build linux

package play

import (
	"fmt"
	"time"
)

// A puller asks for one object again and again: as soon as it has it, or at a fixed rate whatever the answers do.
type puller struct {
	load  *load
	conn  *conn
	path  string
	every time.Duration // between requests; 0: at once
	due   int64         // when the running request should have been sent
	code  int
}

// pull starts the pullers. Those with a rate begin one after the other.
func (l *load) pull(path string) {
	for i := range l.spec.Players {
		p := &puller{load: l, path: path}
		p.conn = l.conn(p)
		if l.spec.Rate > 0 {
			p.every = time.Duration(float64(l.spec.Players) / l.spec.Rate * float64(time.Second))
		}
		delay := p.every * time.Duration(i) / time.Duration(l.spec.Players)
		p.due = l.now() + int64(delay)
		l.loop.After(delay, p.ask)
	}
}

func (p *puller) ask() { p.conn.ask(p.path) }

func (p *puller) status(code int, _ int64) { p.code = code }
func (p *puller) data([]byte, int64)       {}

func (p *puller) ended(at int64) {
	l := p.load
	asked := p.conn.asked
	if p.every > 0 {
		asked = p.due // what is late because of an answer before is late
	}
	switch {
	case p.code != 200:
		l.fault(fmt.Sprintf("status %d", p.code))
	case l.counting:
		l.result.Answers++
		l.result.Last.Add(time.Duration(at - asked))
	}
	p.again()
}

func (p *puller) again() {
	if p.every == 0 {
		p.ask()
		return
	}
	p.due += int64(p.every)
	p.load.loop.After(time.Duration(p.due-p.load.now()), p.ask)
}

func (p *puller) failed(error) {
	if p.every == 0 {
		p.load.loop.After(retry, p.ask)
		return
	}
	p.again()
}
