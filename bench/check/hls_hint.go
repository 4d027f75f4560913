package check

import (
	"context"
	"errors"
	"fmt"
	"time"

	"weir/bench/check/m3u8"
)

// A hinting is a request for a part that is hinted at and not there yet.
type hinting struct {
	hint   m3u8.Hint
	next   m3u8.Position
	url    string
	cancel context.CancelFunc
	done   chan struct{}
	a      *answer
	err    error
}

// askHint asks for the part that the playlist hints at, as players do that want it the moment it is made; nil where there
// is no such hint, or others wait already.
func (l *hlsList) askHint(ctx context.Context, next m3u8.Position) *hinting {
	h := hintOf(l.playlist)
	if h == nil || h.Range.Offset > 0 || h.Range.Length > 0 || !try(l.fetch.hints) {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	w := &hinting{hint: *h, next: next, url: resolve(l.answer.url, h.URI), cancel: cancel, done: make(chan struct{})}
	hold := holds(l.playlist)
	go func() {
		defer leave(l.fetch.hints)
		defer close(w.done)
		w.a, w.err = l.fetch.get(ctx, request{url: w.url, limit: maxPart, timed: true, patience: hold})
	}()
	return w
}

// judgeHint waits for the answer to the hinted part, now that the playlist has been reloaded, and judges it. Nothing may
// outlive the playlist's goroutine: what is held still is given up.
//
// Source: RFC 8216bis, 6.2.2, B.1.
func (l *hlsList) judgeHint(w *hinting) {
	if w == nil {
		return
	}
	p, listed := l.playlist, time.Now()
	grace := max(100*time.Millisecond, p.PartTarget())
	late := time.NewTimer(2 * grace)
	select {
	case <-w.done:
	case <-late.C:
	}
	late.Stop()
	w.cancel()
	<-w.done
	part := p.At(w.next)
	if part == nil || resolve(l.answer.url, part.URI) != w.url || part.Range.Length > 0 || part.Gap || p.Parted(w.next.Number).Gap {
		return // the encoder has changed its mind, or nothing came
	}
	at := l.place(l.subject, w.url, "EXT-X-PRELOAD-HINT")
	if w.err != nil {
		if errors.Is(w.err, context.Canceled) || errors.Is(w.err, errNoAnswer) {
			l.edge.prompt.add(false, at, fmt.Sprintf("nothing %v after the playlist listed it", 2*grace))
		} else {
			l.judge.fail(110, at, w.err.Error(), "an answer")
		}
		return
	}
	if !l.judge.test(21, w.a.status == 200, at, fmt.Sprintf("status %d", w.a.status), "a part that is hinted at is answered when it is there: it has come") {
		return
	}
	came := w.a.sent.Add(w.a.took)
	l.edge.prompt.add(came.Sub(listed) <= grace, at, fmt.Sprintf("%v after the playlist listed it", came.Sub(listed).Round(time.Millisecond)))
	if n := len(w.a.marks); n > 0 {
		lasted := w.a.marks[n-1].at.Sub(w.a.marks[0].at)
		l.edge.burst.add(lasted <= max(50*time.Millisecond, p.PartTarget()/2), at, fmt.Sprintf("%v from the first byte to the last", lasted.Round(time.Millisecond)))
	}
	l.edge.got = w.a
}
