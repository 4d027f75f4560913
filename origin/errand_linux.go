package origin

import (
	"errors"
	"strconv"
	"sync"
	"time"
)

// An errand is what a socket has under way: a request, or the beginning of one, and its answer. It is taken when there is
// something to read, and given back when that is answered; one answered at once uses the same errand as the one before.
type errand struct {
	exchange
	rest []byte // what was read and is not looked at yet
	last bool   // the connection ends with this answer

	// What is sent: in pieces, each with what goes before its bytes of the body and behind them.
	before   []byte // unsent; scratch of the lane, or in unsent
	after    []byte // constant; unsent
	from, to int64  // bytes of the answer's body that the piece has left
	handed   bool   // … and are handed over, not copied
	whole    bool   // a growing body is all there
	unsent   []byte // room for before, where it has to wait; header of a growing body, until it is sent

	crowd      *crowd // that it waits in
	prev, next *socket
	since      time.Time // when the wait began
}

var errands = sync.Pool{New: func() any { return new(errand) }}

// errandOf is the socket's errand, taken if it has none.
func (l *lane) errandOf(s *socket) *errand {
	if s.errand == nil {
		if s.errand = l.spare; s.errand == nil {
			s.errand = errands.Get().(*errand)
		}
		l.spare = nil
	}
	return s.errand
}

// mostSpared is how large the buffers are that errands keep for the next request.
const mostSpared = 4 << 10

// giveBack takes its errand from a socket, if it has one.
func (l *lane) giveBack(s *socket) {
	e := s.errand
	if e == nil {
		return
	}
	s.errand = nil
	e.rest, e.log = e.rest[:0], logLine{}
	e.before, e.after = nil, nil
	if cap(e.rest) > mostSpared || cap(e.kept) > mostSpared {
		return
	}
	if l.spare == nil {
		l.spare = e
	} else {
		errands.Put(e)
	}
}

// answer answers the request in l.plain, or has it wait.
func (l *lane) answer(s *socket, e *errand) {
	p, r := &l.plain, &e.request
	e.begin(l.server.config.Now())
	r.Method = p.method
	r.Path, r.Query = pathOf(p.target), queryOf(p.target)
	r.IfMatch, r.IfNoneMatch, r.AcceptEncoding = p.ifMatch, p.ifNoneMatch, p.acceptEncoding
	if r.Range = p.rng; len(p.rng) > 0 {
		r.IfRange = p.ifRange
	}
	r.Client = s.peer
	if s.trusted {
		r.Client = clientOf(s.peer, l.server.config.TrustedProxies, p.forwarded)
	}
	if l.server.config.AccessLog {
		e.log.note(p.name, r.Path, p.agent)
	}
	e.last = p.last
	l.ask(e)
	if e.answer.wait == nil {
		l.reply(s, e)
		return
	}
	e.keep()
	l.hold(s, e)
}

// ask finds the errand's answer, or what it waits for.
func (l *lane) ask(e *errand) {
	defer l.server.catch(&e.exchange)
	l.server.Answer(&e.request, &e.answer)
}

// reply sends the answer: all of it, or as much as the socket takes now.
func (l *lane) reply(s *socket, e *errand) {
	e.last = e.last || l.server.stopping()
	now := e.began
	if e.held > 0 {
		now = time.Now()
	}
	l.head.write(&e.exchange, now, e.last)
	switch {
	case e.request.Method == MethodHead:
		e.answer.growing = growing{}
		e.before, e.from, e.to, e.after = l.head.bytes, 0, 0, nil
	case e.answer.growing.track != nil:
		e.unsent = append(e.unsent[:0], l.head.bytes...)
		e.from, e.to, e.whole, e.since = 0, 0, false, time.Now()
		l.follow(s, nil)
		return
	default:
		e.before, e.after, e.from, e.to = l.head.bytes, nil, 0, min(e.answer.Len(), pieceBytes)
	}
	l.send(s)
}

// send sends what is left of the answer, piece by piece, for as long as the socket takes them. It leaves the socket idle where
// the answer is out.
func (l *lane) send(s *socket) {
	e := s.errand
	for {
		full, err := l.sendPiece(s, e)
		if err != nil {
			l.breakOff(s, err)
			return
		}
		if full {
			return
		}
		if e.answer.growing.track != nil {
			if e.to == e.answer.Body.Len() { // all that there was
				l.sentCommit(e)
				if !e.whole {
					l.follow(s, nil)
					return
				}
				break
			}
			err = l.nextChunk(e)
		} else {
			if e.request.Method == MethodHead || e.to == e.answer.Len() {
				break
			}
			e.to = min(e.answer.Len(), e.from+pieceBytes)
			if !e.until.IsZero() {
				_, err = l.server.extend(&e.exchange, e.to-e.from)
			}
		}
		if err != nil {
			l.breakOff(s, err)
			return
		}
	}
	l.done(s, e)
}

// sendPiece sends what is left of a piece. It reports whether the socket is full: the rest waits for room then.
func (l *lane) sendPiece(s *socket, e *errand) (full bool, err error) {
	for {
		head, n := int64(len(e.before)), e.to-e.from
		all := head + n + int64(len(e.after))
		written, err := l.write(s, e)
		if err != nil {
			return false, err
		}
		e.before = e.before[min(head, written):]
		body := min(max(written-head, 0), n)
		e.after = e.after[max(written-head-n, 0):]
		if e.arrived != 0 && body > 0 && e.sent == 0 {
			l.server.metrics.latency.first[e.answer.Kind].observe(since(e.arrived))
		}
		e.from, e.sent = e.from+body, e.sent+body
		if written == all {
			return false, nil
		}
		if written > 0 && len(l.vector) > mostVectors {
			continue // the socket may have room
		}
		return true, l.wait(s, e, all-written)
	}
}

// write hands the kernel what is left of a piece, and returns how many bytes it took. It is the one place where bodies meet
// descriptors.
func (l *lane) write(s *socket, e *errand) (written int64, err error) {
	v, n := append(l.vector[:0], e.before), e.to-e.from
	if n > 0 {
		v = e.answer.appendSlices(v, e.from, n)
	}
	l.vector = append(v, e.after)
	defer clear(l.vector)
	if !l.hands(s, e, n, len(v)-1) {
		return l.sheaf.write(s.fd, l.vector)
	}
	e.answer.Body.Range(e.from, n).Lend()
	written, err = l.pipe.write(s.fd, l.vector[0], l.vector[1:])
	if !errors.Is(err, errPipe) {
		return written, err
	}
	l.server.config.Logger.Warn("origin: bodies are copied from now on", "error", err)
	l.closePipe()
	copied, err := l.sheaf.write(s.fd, beyond(l.vector, written))
	return written + copied, err
}

// hands decides whether n bytes of a body, in so many slices, are handed over. A socket keeps the pages until the other side
// has the bytes. So that it keeps no more of them than a body that fills its buffer has, an answer is copied that begins
// before the other side has all of the one before: many small ranges that nobody reads would keep a page each, or a huge page.
func (l *lane) hands(s *socket, e *errand, n int64, slices int) bool {
	fit := l.pipe != nil && e.answer.Bytes == nil && n >= handedBytes && n >= int64(slices)*handedSlice
	if e.from == 0 {
		e.handed = fit && !(s.listener.paced && inPacedBand(e.answer.Len())) && unsent(s.fd) == 0
	}
	return fit && e.handed
}

// inPacedBand tells whether a body of n bytes is cheaper to copy than to hand over where the sender paces itself: for each
// segment that is ready before its time it waits for a timer, which costs more than copying, and a copy takes long enough
// that there is none to wait for. Smaller bodies are out before it comes to that; larger ones wait in any case.
func inPacedBand(n int64) bool { return n > 512<<10 && n < 1792<<10 }

// beyond takes n bytes off the front of slices.
func beyond(slices [][]byte, n int64) [][]byte {
	for len(slices) > 0 && n >= int64(len(slices[0])) {
		n -= int64(len(slices[0]))
		slices = slices[1:]
	}
	if n > 0 {
		slices[0] = slices[0][n:]
	}
	return slices
}

// wait has the rest of a piece wait for room. A piece's time runs from its first byte.
func (l *lane) wait(s *socket, e *errand, left int64) error {
	e.unsent = append(e.unsent[:0], e.before...)
	e.before = e.unsent
	if e.until.IsZero() {
		if _, err := l.server.extend(&e.exchange, left); err != nil {
			return err
		}
	}
	s.state = sending
	l.wheel.set(s, ticksAt(e.deadline.Sub(l.began))) // not by l.now, which is a batch old: it must not come early
	return nil
}

// done ends an answer that is out.
func (l *lane) done(s *socket, e *errand) {
	if e.arrived != 0 && e.answer.growing.track == nil {
		l.server.metrics.latency.last[e.answer.Kind].observe(since(e.arrived))
	}
	l.server.finish(&e.exchange)
	s.state = idle
	if e.last {
		l.drop(s)
	}
}

// breakOff ends an answer that is not, and its connection: the client sees that bytes are missing. What a reader that was too
// slow has not taken is thrown away: the kernel would go on offering it for minutes.
func (l *lane) breakOff(s *socket, err error) {
	if isReaders(err) {
		reset(s.fd)
	}
	_ = l.server.countCut(&s.errand.exchange, err)
	l.drop(s)
}

// follow sends what a growing segment has that was not sent, and has the socket wait for more. before is what it has waited
// for; nil: nothing.
func (l *lane) follow(s *socket, before <-chan struct{}) {
	e := s.errand
	g := &e.answer.growing
	grown := g.track.Grown() // before the look
	seg := g.track.Segment(g.n)
	if seg == nil {
		l.breakOff(s, errBroken)
		return
	}
	b, whole := seg.Grow(e.sent)
	switch {
	case b.Len() > 0 || whole:
		if seg.Gap {
			l.breakOff(s, errBroken)
			return
		}
		e.answer.Body, e.whole, e.from, e.to = b, whole, 0, 0
		if err := l.nextChunk(e); err != nil {
			l.breakOff(s, err)
			return
		}
		s.state = following
		l.send(s)
	case g.broken(seg), grown == before: // closed, and nothing followed: nobody tells of more
		l.breakOff(s, errBroken)
	default:
		s.state = following
		l.due(s, mostStalled-time.Since(e.since))
		l.join(s, grown)
	}
}

// nextChunk makes the next piece of a growing body, which may be empty where it is the last: a chunk of HTTP, with the header
// before it if that is still to be sent.
func (l *lane) nextChunk(e *errand) error {
	e.to = min(e.answer.Body.Len(), e.from+pieceBytes)
	n := e.to - e.from
	if _, err := l.server.extend(&e.exchange, int64(len(e.unsent))+n); err != nil {
		return err
	}
	last := e.whole && e.to == e.answer.Body.Len()
	h := append(l.head.bytes[:0], e.unsent...)
	e.unsent = e.unsent[:0]
	switch {
	case n > 0:
		h = append(strconv.AppendInt(h, n, 16), lineEnd...)
		if e.after = lineEnd; last {
			e.after = lastOfAll
		}
	case last:
		e.after = lastChunk
	}
	l.head.bytes, e.before = h, h
	return nil
}

// sentCommit notes that all is out that a growing segment had.
func (l *lane) sentCommit(e *errand) {
	e.since = e.wrote
	if arrived := e.answer.Body.Arrived(); arrived != 0 {
		l.server.metrics.latency.observeChunk(KindSegment, since(arrived))
	}
}
