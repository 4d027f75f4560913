package check

import (
	"context"
	"fmt"
	"time"

	"weir/bench/check/m3u8"
)

// probeBlocking asks a low-latency playlist for what it must refuse, what it has had long ago, and what comes next.
//
// Source: RFC 8216bis, 6.2.5, 6.2.5.2.
func (l *hlsList) probeBlocking(ctx context.Context) {
	p := l.list()
	if p == nil || !lowLatency(p) || p.Control.Get("CAN-BLOCK-RELOAD") != "YES" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, max(probeTime, time.Until(l.until)))
	defer cancel()
	if p.Ended {
		l.probeEnded(ctx, p)
		return
	}
	l.refused(ctx, 37, "_HLS_part=0", "400: a part of which segment?")
	for _, msn := range []string{"abc", "-1", "1e3", "1180591620717411303424"} {
		l.refused(ctx, 38, "_HLS_msn="+msn, "400: no media sequence number")
	}
	if now := l.current(ctx); now != nil {
		l.refused(ctx, 39, fmt.Sprintf("_HLS_msn=%d", now.End()+4), "400: more than two segments ahead")
	}
	l.probeAhead(ctx)
	l.probePast(ctx)
	select { // what follows is held
	case l.fetch.turns <- struct{}{}:
		defer leave(l.fetch.turns)
	case <-ctx.Done():
		return
	}
	ctx, watched := context.WithDeadline(ctx, l.until)
	defer watched()
	l.probeNear(ctx)
	l.probeBehind(ctx)
	l.probeWhole(ctx)
}

// current is the playlist as it is now: what is watched may be a while old, where the checker has much to do. nil: it has
// ended, or cannot be had.
func (l *hlsList) current(ctx context.Context) *m3u8.Playlist {
	a, err := l.fetch.get(ctx, request{url: l.url, header: acceptGzip})
	if err != nil || a.status != 200 || a.broken != nil {
		return nil
	}
	p, err := m3u8.Parse(a.body)
	if err != nil || p.Multivariant || p.Ended || p.HasSkip {
		return nil
	}
	return p
}

// refused: a request that makes no sense is answered 400, at once.
func (l *hlsList) refused(ctx context.Context, assertion int, directives, truth string) bool {
	at := l.place(l.subject, directed(l.url, directives), directives)
	a := l.ask(ctx, assertion, at, request{url: at.url, header: acceptGzip})
	if a == nil {
		return true
	}
	l.judge.test(assertion, a.status == 400, at, fmt.Sprintf("status %d after %v", a.status, a.took.Round(time.Millisecond)), truth)
	l.judge.test(assertion, a.took <= time.Second, at, fmt.Sprintf("an answer after %v", a.took.Round(time.Millisecond)), "it is refused at once")
	if age, ok := maxAge(a.header.Get("Cache-Control")); ok && a.status >= 400 {
		l.judge.test(53, age <= 60, at, a.header.Get("Cache-Control"), "an error is kept for a minute at most")
	}
	return a.status == 400
}

// probeAhead asks for a part of the open segment that is further ahead than players may ask. Where the segment has ended
// meanwhile, the answer says nothing.
func (l *hlsList) probeAhead(ctx context.Context) {
	for range 3 {
		p := l.current(ctx)
		if p == nil {
			return
		}
		next, limit := p.Next(), 3
		if part := max(p.PartTarget(), time.Millisecond); part < time.Second {
			limit = int((3*time.Second + part - 1) / part) // the advance part limit
		}
		next.Part += limit + 3
		at := l.place(l.subject, directed(l.url, directives(next)), directives(next))
		a := l.ask(ctx, 40, at, request{url: at.url, header: acceptGzip})
		if a == nil {
			return
		}
		if a.status == 400 {
			l.judge.test(40, true, at, "", "")
			return
		}
		if got, err := m3u8.Parse(a.body); a.status == 200 && err == nil && got.End() > p.End() {
			continue // the segment had ended, or it was held until then
		}
		l.judge.fail(40, at, fmt.Sprintf("status %d after %v", a.status, a.took.Round(time.Millisecond)), fmt.Sprintf("400: more than %d parts ahead", limit))
		return
	}
}

// probePast: who asks for what has been gets what is.
func (l *hlsList) probePast(ctx context.Context) {
	p := l.current(ctx)
	if p == nil {
		return
	}
	old := p.Sequence - min(p.Sequence, 100)
	at := l.place(l.subject, directed(l.url, directives(m3u8.Position{Number: old})), fmt.Sprintf("_HLS_msn=%d", old))
	a := l.ask(ctx, 41, at, request{url: at.url, header: acceptGzip})
	if a == nil {
		return
	}
	if !l.judge.test(41, a.status == 200 && a.took <= time.Second, at, fmt.Sprintf("status %d after %v", a.status, a.took.Round(time.Millisecond)), "200 at once") {
		return
	}
	if got, err := m3u8.Parse(a.body); err == nil {
		l.judge.test(41, !got.Next().Before(p.Next()), at, fmt.Sprintf("a playlist that ends with number %d", got.End()), fmt.Sprintf("the current one: with number %d at least", p.End()))
	}
}

// probeNear: two segments ahead is waited for.
func (l *hlsList) probeNear(ctx context.Context) {
	now := l.current(ctx)
	if now == nil {
		return
	}
	msn := now.End() + 1
	at := l.place(l.subject, directed(l.url, fmt.Sprintf("_HLS_msn=%d", msn)), fmt.Sprintf("_HLS_msn=%d", msn))
	short, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	a, err := l.fetch.get(short, request{url: at.url, header: acceptGzip, patience: time.Second})
	if ctx.Err() != nil {
		return
	}
	ok := err != nil || a.status == 503 // held
	said := ""
	if err == nil {
		said = fmt.Sprintf("status %d after %v", a.status, a.took.Round(time.Millisecond))
		if got, e := m3u8.Parse(a.body); e == nil {
			ok = a.status == 200 && (got.End() > msn || got.Ended)
		}
	}
	l.judge.test(39, ok, at, said, "a segment that is two ahead is waited for")
}

// asked fetches the playlist by directives; nil where it does not come.
func (l *hlsList) asked(ctx context.Context, assertion int, directives string) (*m3u8.Playlist, place) {
	at := l.place(l.subject, directed(l.url, directives), directives)
	a, err := l.fetch.get(ctx, request{url: at.url, header: acceptGzip, patience: holds(l.list())})
	if ctx.Err() != nil || err == nil && a.status == 503 {
		return nil, at
	}
	if err != nil {
		l.judge.fail(assertion, at, err.Error(), "an answer")
		return nil, at
	}
	p, err := m3u8.Parse(a.body)
	if !l.judge.test(assertion, a.status == 200 && err == nil, at, fmt.Sprintf("status %d", a.status), "200 with a playlist") {
		return nil, at
	}
	return p, at
}

// probeBehind: what is behind the last part of a whole segment is the first of the next.
func (l *hlsList) probeBehind(ctx context.Context) {
	p := l.current(ctx)
	if p == nil {
		return
	}
	s := p.Parted(p.End() - 1)
	if s == nil || len(s.Parts) == 0 || s.Gap {
		return
	}
	if got, at := l.asked(ctx, 43, directives(m3u8.Position{Number: s.Number, Part: len(s.Parts)})); got != nil {
		next := m3u8.Position{Number: s.Number + 1}
		l.judge.test(43, has(got, next), at, fmt.Sprintf("a playlist without part %d.0", next.Number), "a part behind the last is the first of the next segment")
	}
}

// probeWhole: who asks for a segment gets it whole.
func (l *hlsList) probeWhole(ctx context.Context) {
	now := l.current(ctx)
	if now == nil {
		return
	}
	msn := now.End()
	if got, at := l.asked(ctx, 44, fmt.Sprintf("_HLS_msn=%d", msn)); got != nil {
		l.judge.test(44, got.End() > msn || got.Ended, at, fmt.Sprintf("a playlist whose last whole segment is %d", got.End()-1), "the segment that was asked for, whole")
	}
}

// probeEnded: directives mean nothing once a playlist has ended.
func (l *hlsList) probeEnded(ctx context.Context, p *m3u8.Playlist) {
	for _, d := range []string{"_HLS_skip=YES", fmt.Sprintf("_HLS_msn=%d&_HLS_part=0", p.End()+1)} {
		at := l.place(l.subject, directed(l.url, d), d)
		a := l.ask(ctx, 48, at, request{url: at.url, header: acceptGzip})
		if a == nil {
			return
		}
		got, err := m3u8.Parse(a.body)
		l.judge.test(48, a.status == 200 && err == nil && !got.HasSkip && a.took <= 2*time.Second, at,
			fmt.Sprintf("status %d after %v", a.status, a.took.Round(time.Millisecond)), "the whole playlist at once: it has ended")
	}
}
