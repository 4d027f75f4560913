//go:build linux

package play

import (
	"fmt"
	"net/url"
	"time"
)

// A player plays low-latency HLS, with a connection for the playlist and one for parts. By reload, it asks for a part when the
// playlist lists it; by hint, when the playlist says that it will come.
type player struct {
	load *load
	path string   // of the playlist
	base *url.URL // of its references
	list *conn
	text []byte // of a playlist that comes in pieces
	code int

	media  *conn
	walker walker
	queue  []wanted
	now    wanted // is being loaded
	last   string // the newest that was queued
	part   chunk  // what has come of it; first is 0 before the first byte
	status int
}

// A wanted is a part to load.
type wanted struct {
	path          string
	asked, listed int64 // when the playlist that lists it was asked for, and when it had come
}

// maxQueue is how many parts a player falls behind before it leaves some out.
const maxQueue = 16

// maxList is the longest playlist that is read.
const maxList = 4 << 20

func newPlayer(l *load, path string, base *url.URL) *player {
	p := &player{load: l, path: path}
	if p.base, _ = base.Parse(path); p.base == nil {
		p.base = base
	}
	p.list, p.media = l.conn(&playerList{p}), l.conn(&playerMedia{p})
	return p
}

func (p *player) reload() { p.list.ask(p.path) }

// advance reads a playlist and goes on.
func (p *player) advance(text []byte, at int64) {
	t, err := readTail(text)
	if err != nil || t.ended {
		p.load.fault("a playlist that no low-latency player can follow")
		p.load.loop.After(10*retry, p.reload)
		return
	}
	asked := p.list.asked
	p.list.ask(blocking(p.path, t.msn, t.parts))
	uri := t.part
	if p.load.spec.Kind == Hint {
		uri = t.hint
	}
	if len(uri) == 0 || string(uri) == p.last || len(p.queue) > maxQueue {
		return
	}
	p.last = string(uri)
	path, err := pathOf(p.base, p.last)
	if err != nil {
		p.load.fault(err.Error())
		return
	}
	p.queue = append(p.queue, wanted{path, asked, at})
	p.fetch()
}

// fetch asks for the next part, if none is on its way.
func (p *player) fetch() {
	if p.media.busy || len(p.queue) == 0 {
		return
	}
	p.now, p.queue = p.queue[0], append(p.queue[:0], p.queue[1:]...)
	p.part = chunk{}
	p.walker.restart()
	p.media.ask(p.now.path)
}

// playerList is the player as the user of its playlist connection.
type playerList struct{ *player }

func (p *playerList) status(code int, _ int64) { p.code, p.text = code, p.text[:0] }

func (p *playerList) data(b []byte, _ int64) {
	if len(p.text)+len(b) <= maxList {
		p.text = append(p.text, b...)
	}
}

func (p *playerList) ended(at int64) {
	if p.code == 200 {
		p.advance(p.text, at)
		return
	}
	p.load.fault(fmt.Sprintf("playlist: status %d", p.code))
	p.load.loop.After(retry, p.reload)
}

func (p *playerList) failed(error) { p.load.loop.After(retry, p.reload) }

// playerMedia is the player as the user of its connection for parts.
type playerMedia struct{ *player }

func (p *playerMedia) status(code int, _ int64) {
	if p.player.status = code; code != 200 {
		p.load.fault(fmt.Sprintf("part: status %d", code))
	}
}

func (p *playerMedia) data(b []byte, at int64) {
	if p.part.first == 0 {
		p.part.first = at
	}
	for rest, ended := p.walker.next(b, at); ended; rest, ended = p.walker.next(rest, at) {
		if sent := p.walker.chunk.sent; sent != 0 {
			p.part.sent = sent // the last chunk's is the part's
		}
	}
}

func (p *playerMedia) ended(at int64) {
	if p.player.status == 200 {
		l := p.load
		p.part.last = at
		asked := p.now.asked
		if l.spec.Kind == Hint {
			asked = p.media.asked
		}
		if l.saw(p.part, asked) && l.spec.Kind == Reload {
			l.result.Listed.Add(time.Duration(p.now.listed - p.part.sent))
		}
	}
	p.fetch()
}

func (p *playerMedia) failed(error) { p.load.loop.After(retry, p.fetch) }
