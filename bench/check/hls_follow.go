package check

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"weir/bench/check/m3u8"
)

// A liveEdge is the end of a low-latency playlist while it is followed. The goroutine of the playlist owns it, but for
// what siblings leave in it, which hls.mu guards.
type liveEdge struct {
	begun bool
	next  m3u8.Position // the part to read next
	open  map[uint64]pieces
	last  time.Time // when the newest part came
	got   *answer   // to a hint, until it is read as a part

	sightings []sighting // of the newest versions, oldest first
	pending   []promise  // what siblings said of this one, to be compared with its next version

	hinted, prompt, burst, pace, reports, together, lengths *tally
}

// pieces are the parts of a segment that have been read, one behind the other.
type pieces struct {
	bytes []byte
	count int
}

const heldLeast = 30 * time.Millisecond // an answer that took as long has been held

const maxPieces = 3 // segments whose parts are kept, to be compared with the whole

func newLiveEdge(l *hlsList) *liveEdge {
	s := l.session
	return &liveEdge{
		open:     map[uint64]pieces{},
		hinted:   s.tally(21, "the part that comes is the one that was hinted at"),
		prompt:   s.tally(50, "the request for a hinted part is answered when the part is listed"),
		burst:    s.tally(50, "the bytes of a part come in one go, once all are there"),
		pace:     s.tally(33, "a new part within 1.1 times the PART-TARGET of the one before"),
		reports:  s.tally(22, "LAST-MSN and LAST-PART are where that playlist ends, to a part"),
		lengths:  s.tally(117, "DURATION is how long the samples of the part last, to a frame"),
		together: s.tally(34, "playlists end within a part of each other"),
	}
}

// follows reports whether the playlist is to be followed part by part.
func (l *hlsList) follows() bool {
	p := l.playlist
	return p != nil && !p.Ended && !l.iframes && p.PartTarget() >= 20*time.Millisecond && p.Control.Get("CAN-BLOCK-RELOAD") == "YES"
}

// follow watches a low-latency playlist as a player at its end does: it asks for the next part, which the origin holds
// until it is there, and reads what has come. It ends with its turn, or where an answer is not as it should be: then run
// polls, and comes back.
func (l *hlsList) follow(ctx context.Context) {
	if !l.follows() || !l.watching(ctx) || !try(l.fetch.turns) {
		return
	}
	defer leave(l.fetch.turns)
	ctx, cancel := context.WithDeadline(ctx, l.until)
	defer cancel()
	l.edge.last = time.Time{} // what came while nobody looked says nothing
	for turn := time.Now(); l.follows() && ctx.Err() == nil; {
		if now := time.Now(); !now.Before(turn) {
			if len(l.fetch.turns) == cap(l.fetch.turns) && now != turn {
				return // others wait
			}
			turn = now.Add(max(2*time.Second, 2*target(l.playlist)))
			l.readParts(ctx)
			l.readAgain(ctx)
			if !l.delta(ctx) || !l.follows() {
				return
			}
		}
		next, began := l.playlist.Next(), time.Now()
		hint := l.askHint(ctx, next)
		ok := l.reload(ctx, next)
		l.judgeHint(hint)
		if !ok {
			return
		}
		l.readParts(ctx)
		if l.playlist.End() > l.read {
			l.readNew(ctx)
		}
		// What comes at once was there: it need not be asked for faster than it can be made.
		if least := max(10*time.Millisecond, l.playlist.PartTarget()/4); time.Since(began) < least && !l.pause(ctx, least-time.Since(began)) {
			return
		}
	}
}

// holds is how long an answer may be held.
func holds(p *m3u8.Playlist) time.Duration {
	return min(3*target(p)+5*time.Second, time.Minute)
}

// directed is the URL of a playlist with delivery directives.
func directed(url, directives string) string {
	if strings.Contains(url, "?") {
		return url + "&" + directives
	}
	return url + "?" + directives
}

func directives(at m3u8.Position) string {
	return fmt.Sprintf("_HLS_msn=%d&_HLS_part=%d", at.Number, at.Part)
}

// reload asks for the version that has the next part, and takes it. It reports whether that has come.
//
// Source: RFC 8216bis, 6.2.5.2.
func (l *hlsList) reload(ctx context.Context, next m3u8.Position) bool {
	a, at := l.askHeld(ctx, directives(next))
	if a == nil {
		return false
	}
	p := l.parse(a, at)
	if p == nil || !l.judge.test(42, has(p, next), at, fmt.Sprintf("after %v a playlist that ends before part %d.%d", a.took.Round(time.Millisecond), next.Number, next.Part),
		"a playlist that has what was asked for") {
		return false
	}
	if p.Ended {
		l.judge.test(46, true, at, "", "")
	} else {
		l.keepsPace(a, p, at)
	}
	l.take(a, p, at, 6*target(p))
	return !p.HasSkip
}

// has reports whether a playlist lists a part, or something later, or has ended.
func has(p *m3u8.Playlist, at m3u8.Position) bool {
	return p.Ended || p.End() > at.Number || at.Before(p.Next())
}

// askHeld asks for the playlist with directives; nil where it does not answer 200, which is judged.
func (l *hlsList) askHeld(ctx context.Context, directives string) (*answer, place) {
	at := l.place(l.subject, directed(l.url, directives), directives)
	a, err := l.fetch.get(ctx, request{url: at.url, header: acceptGzip, patience: holds(l.playlist)})
	switch {
	case ctx.Err() != nil:
		return nil, at
	case errors.Is(err, errNoAnswer):
		l.judge.fail(45, at, err.Error(), "503 after three times the TARGETDURATION at the latest")
		l.ended46(ctx, at)
	case err != nil:
		l.judge.fail(110, at, err.Error(), "an answer")
	case a.status == 503:
		l.judge503(a, at)
		l.ended46(ctx, at)
	case a.status == 404 || a.status == 410: // it is gone: the next poll says so
	case a.status != 200:
		l.judge.fail(42, at, fmt.Sprintf("status %d", a.status), "200: the part that follows the last one is asked for")
	default:
		return a, at
	}
	return nil, at
}

// judge503: an origin gives up after a while, and says so in a way that no cache keeps.
func (l *hlsList) judge503(a *answer, at place) {
	least := min(2*target(l.playlist), 5*time.Second)
	l.judge.test(45, a.took >= least, at, fmt.Sprintf("503 after %v", a.took.Round(time.Millisecond)), fmt.Sprintf("held for %v at least: the part may come", least))
	if age, ok := maxAge(a.header.Get("Cache-Control")); ok {
		l.judge.test(53, time.Duration(age)*time.Second <= target(l.playlist), at, a.header.Get("Cache-Control"), "a 503 is kept no longer than the TARGETDURATION")
	}
}

// ended46: a request that is held when the presentation ends is answered then.
func (l *hlsList) ended46(ctx context.Context, at place) {
	was := l.playlist.Ended
	l.load(ctx)
	if ctx.Err() == nil && !was {
		l.judge.test(46, !l.playlist.Ended, at, "held, though the playlist has ended", "who waits gets the playlist with EXT-X-ENDLIST")
	}
}

// keepsPace: parts come as fast as they last. Only what was waited for tells. An encoder that sends in bursts is allowed
// what PART-HOLD-BACK, behind which players stay, is above three parts.
func (l *hlsList) keepsPace(a *answer, p *m3u8.Playlist, at place) {
	came := a.sent.Add(a.took)
	// Who asked late does not know when the part before came.
	if was, part := l.edge.last, p.PartTarget(); !was.IsZero() && a.took >= heldLeast && a.sent.Sub(was) <= part/2 {
		allowed := part*11/10 + max(0, p.Seconds("PART-HOLD-BACK")-3*part) + 50*time.Millisecond
		stood := came.Sub(was)
		l.edge.pace.add(stood <= allowed, at, fmt.Sprintf("none for %v", stood.Round(time.Millisecond)))
	}
	l.edge.last = came
}

// readParts reads the parts that have not been read: from the start of the open segment at first.
func (l *hlsList) readParts(ctx context.Context) {
	p, e := l.playlist, l.edge
	if !e.begun {
		e.begun, e.next = true, m3u8.Position{Number: p.End()}
	}
	first := p.End() - uint64(len(p.Segments))
	if e.next.Number < first {
		e.next, l.lastPart.known = m3u8.Position{Number: first}, false
	}
	for n := e.next.Number; n <= p.End() && ctx.Err() == nil; n++ {
		s := p.Parted(n)
		if s == nil {
			break
		}
		if n > e.next.Number {
			e.next = m3u8.Position{Number: n}
		}
		if len(s.Parts) < e.next.Part || len(s.Parts) == 0 && n < p.End() { // they have left the list
			l.lastPart.known = false
			l.drop(n)
			continue
		}
		for e.next.Part < len(s.Parts) && ctx.Err() == nil {
			l.readPart(ctx, s, e.next.Part)
			e.next.Part++
		}
		if s.Gap {
			l.lastPart.known = false
		}
	}
}

func (l *hlsList) readPart(ctx context.Context, s *m3u8.Segment, k int) {
	part, e := &s.Parts[k], l.edge
	if part.Gap || s.Map == nil || s.Key.Get("METHOD") == "AES-128" {
		l.lastPart.known = false
		l.drop(s.Number)
		return
	}
	base := l.answer.url
	in := l.readInit(ctx, resolve(base, s.Map.URI), s.Map.Range.Offset, s.Map.Range.Length, fmt.Sprintf("line %d", s.Map.Line))
	if in == nil {
		return
	}
	c := partClaim{independent: part.Independent, index: k, lengths: e.lengths}
	c.url, c.from, c.len, c.at = resolve(base, part.URI), part.Range.Offset, part.Range.Length, fmt.Sprintf("line %d", part.Line)
	c.number, c.breaks, c.length = int64(s.Number), s.Breaks, part.Duration
	if got := e.got; got != nil && got.url == c.url && c.len == 0 {
		c.got = got
	}
	e.got = nil
	b := l.track.readPart(ctx, in, c)
	had, known := e.open[s.Number]
	if b == nil || k > 0 && (!known || had.count != k) || len(had.bytes)+len(b) > maxMedia || l.kept.Load() > maxKept {
		l.drop(s.Number)
		return
	}
	if k == 0 {
		for n := range e.open {
			if n+maxPieces <= s.Number || n >= s.Number {
				l.drop(n)
			}
		}
		had = pieces{}
	}
	e.open[s.Number] = pieces{append(had.bytes, b...), k + 1}
	l.kept.Add(int64(len(b)))
}

// drop forgets the parts of a segment.
func (l *hlsList) drop(number uint64) {
	l.kept.Add(-int64(len(l.edge.open[number].bytes)))
	delete(l.edge.open, number)
}

// readAgain asks for the oldest part that is listed: it is there still, and the same.
func (l *hlsList) readAgain(ctx context.Context) {
	p := l.playlist
	for i := range p.Segments {
		s := &p.Segments[i]
		if len(s.Parts) == 0 || s.Parts[0].Gap || s.Parts[0].Range.Length > 0 {
			continue
		}
		part := &s.Parts[0]
		l.object(ctx, l.place(l.subject+" parts", resolve(l.answer.url, part.URI), fmt.Sprintf("line %d", part.Line)), resolve(l.answer.url, part.URI), 0, 0, nil)
		return
	}
}

// pieces are the bytes of a segment's parts, once all have been read; nil where they are not known.
func (l *hlsList) pieces(s *m3u8.Segment) []byte {
	had, ok := l.edge.open[s.Number]
	if !ok || had.count != len(s.Parts) || s.Gap {
		return nil
	}
	l.drop(s.Number)
	return had.bytes
}
