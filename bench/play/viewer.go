//go:build linux

package play

import (
	"fmt"
	"time"
)

// A viewer takes in answers of chunks, one after the other: segments while they grow, or one that never ends.
type viewer struct {
	load    *load
	conn    *conn
	walker  walker
	number  int64                // of the segment
	next    func(*viewer) string // the path to ask for
	refused int                  // answers that were no segment, in a row
	code    int
}

// retry is how soon a viewer asks again for what is not there, and patience how often before it goes on to the next.
const (
	retry    = 20 * time.Millisecond
	patience = 250
)

func (v *viewer) ask() {
	v.walker.restart()
	v.conn.ask(v.next(v))
}

func (v *viewer) status(code int, _ int64) {
	v.code = code
	if code != 200 && code != 404 && code != 412 && code != 425 { // these say "not yet"
		v.load.fault(fmt.Sprintf("status %d", code))
	}
}

func (v *viewer) data(b []byte, at int64) {
	if v.code != 200 {
		return
	}
	for rest, ended := v.walker.next(b, at); ended; rest, ended = v.walker.next(rest, at) {
		v.load.saw(v.walker.chunk, v.conn.asked)
	}
}

func (v *viewer) ended(int64) {
	if v.code == 200 {
		if v.walker.bad || v.walker.have > 0 || v.walker.left > 0 {
			v.load.fault("an answer that ends within a box")
		}
		v.number, v.refused = v.number+1, 0
		v.ask()
		return
	}
	if v.refused++; v.refused > patience {
		v.load.fault(fmt.Sprintf("a segment that stays away (%d)", v.code))
		v.number, v.refused = v.number+1, 0
	}
	v.load.loop.After(retry, v.ask)
}

func (v *viewer) failed(error) { v.load.loop.After(retry, v.ask) }
