package origin

import "time"

// A wheel has the deadlines of a lane's sockets, each to wheelTick. A deadline that moves away costs one store: the socket is
// looked at when its old one comes, and put where it belongs then. Its lane's lock guards it.
type wheel struct {
	slots [wheelSlots]*socket // the first of each slot's list
	at    int64               // tick that has been run
}

const (
	wheelTick  = 100 * time.Millisecond
	wheelSlots = 1024 // longer deadlines are looked at on the way
)

// ticksAt is the tick at the end of a time since the lane began.
func ticksAt(d time.Duration) int64 { return int64((d + wheelTick - 1) / wheelTick) }

// set gives a socket the tick at which it is due.
func (w *wheel) set(s *socket, due int64) {
	s.due = due
	if s.tick != 0 {
		if s.tick <= due {
			return
		}
		w.remove(s)
	}
	w.insert(s)
}

func (w *wheel) insert(s *socket) {
	s.tick = min(max(s.due, w.at+1), w.at+wheelSlots-1)
	first := &w.slots[s.tick%wheelSlots]
	s.after, s.before = *first, nil
	if *first != nil {
		(*first).before = s
	}
	*first = s
}

// remove takes a socket out.
func (w *wheel) remove(s *socket) {
	if s.tick == 0 {
		return
	}
	if s.before != nil {
		s.before.after = s.after
	} else {
		w.slots[s.tick%wheelSlots] = s.after
	}
	if s.after != nil {
		s.after.before = s.before
	}
	s.before, s.after, s.tick = nil, nil, 0
}

// next takes out a socket that is due at a tick up to now; nil: there is none.
func (w *wheel) next(now int64) *socket {
	for {
		for s := w.slots[w.at%wheelSlots]; s != nil; s = w.slots[w.at%wheelSlots] {
			w.remove(s)
			if s.due <= w.at {
				return s
			}
			w.insert(s)
		}
		if w.at >= now {
			return nil
		}
		w.at++
	}
}
