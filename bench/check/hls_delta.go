package check

import (
	"context"
	"fmt"
	"time"

	"weir/bench/check/m3u8"
)

// delta asks for the next part by a delta update and for the whole playlist behind it, and judges the two against each
// other. It reports whether the playlist is to be followed further.
//
// Source: RFC 8216bis, 4.4.5.2, 6.2.5.1.
func (l *hlsList) delta(ctx context.Context) bool {
	until := l.playlist.Seconds("CAN-SKIP-UNTIL")
	if until == 0 || len(l.playlist.Segments) == 0 {
		return true
	}
	next, was := l.playlist.Next(), l.playlist
	a, at := l.askHeld(ctx, directives(next)+"&_HLS_skip=YES")
	if a == nil {
		return false
	}
	d := l.parse(a, at)
	if d == nil {
		return false
	}
	l.judge.test(42, has(d, next), at, fmt.Sprintf("a playlist that ends before part %d.%d", next.Number, next.Part), "a playlist that has what was asked for")
	if !d.HasSkip { // nothing is old enough, or it has ended
		l.judge.test(47, length(d) <= until+2*target(d) || d.Ended, at, fmt.Sprintf("%v, and no EXT-X-SKIP", length(d)), fmt.Sprintf("what is older than CAN-SKIP-UNTIL, %v, is skipped", until))
		l.take(a, d, at, 6*target(d))
		return true
	}
	l.syntax(d, at, 1, 11, 12)
	l.judge.test(48, !d.Ended, at, "EXT-X-SKIP in a playlist that has ended", "the whole playlist")
	l.load(ctx)
	if full := l.playlist; ctx.Err() == nil && full != was {
		l.judgeDelta(d, was, full, at)
	}
	return true
}

// judgeDelta: what a player has, with what the delta update brings, is the whole playlist. full may be a version or two
// newer than the delta, was is the one before.
func (l *hlsList) judgeDelta(d, was, full *m3u8.Playlist, at place) {
	at.at = "EXT-X-SKIP"
	l.judge.test(47, d.Version >= 9, at, fmt.Sprintf("EXT-X-VERSION:%d", d.Version), "9 at least")
	l.judge.test(47, d.Sequence >= was.Sequence && d.Sequence <= full.Sequence, at, fmt.Sprintf("EXT-X-MEDIA-SEQUENCE:%d", d.Sequence), fmt.Sprintf("that of the whole playlist: %d", full.Sequence))
	first := d.Sequence + d.Skipped
	if !l.judge.test(47, first <= was.End() && d.End() >= was.End() && d.End() <= full.End(), at, fmt.Sprintf("it ends with number %d", d.End()),
		fmt.Sprintf("as the whole playlist: with a number from %d to %d", was.End(), full.End())) {
		return
	}
	left := time.Duration(0)
	for i := range d.Segments {
		left += d.Segments[i].Duration
	}
	l.judge.test(47, left >= d.Seconds("CAN-SKIP-UNTIL")-printed, at, fmt.Sprintf("%v are left", left), fmt.Sprintf("only what is older than CAN-SKIP-UNTIL, %v, is skipped", d.Seconds("CAN-SKIP-UNTIL")))
	for i := range d.Segments {
		s := &d.Segments[i]
		o := full.Parted(s.Number)
		if o == nil || s.Number >= full.End() {
			continue
		}
		at.at = fmt.Sprintf("line %d", s.Line)
		same := s.URI == o.URI && s.Text == o.Text && s.Gap == o.Gap && (!s.Dated || s.Start.Equal(o.Start)) && len(s.Parts) >= len(o.Parts)
		for k := range o.Parts {
			same = same && s.Parts[k].Raw == o.Parts[k].Raw
		}
		l.judge.test(47, same, at, describe(s), fmt.Sprintf("the whole playlist says of number %d: %s", s.Number, describe(o)))
		l.judge.test(47, s.Map == nil || o.Map == nil || s.Map.URI == o.Map.URI, at, "another EXT-X-MAP", "the one of the whole playlist")
	}
	at.at = "EXT-X-SERVER-CONTROL"
	l.judge.test(47, describeControl(d) == describeControl(full), at, describeControl(d), "the whole playlist says "+describeControl(full))
}
