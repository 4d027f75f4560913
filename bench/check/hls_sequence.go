package check

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"weir/bench/check/m3u8"
)

func number(s string) float64 {
	f, _ := strconv.ParseFloat(s, 64)
	return f
}

// judgeSuccessor judges a version of a playlist against the one before.
func (l *hlsList) judgeSuccessor(was, is *m3u8.Playlist, at place) {
	at.at = "EXT-X-TARGETDURATION"
	l.judge.test(29, is.Target == was.Target, at, strconv.Itoa(is.Target), fmt.Sprintf("it was %d: it never changes", was.Target))
	at.at = "EXT-X-SERVER-CONTROL"
	l.judge.test(29, slices.Equal(is.Control, was.Control), at, fmt.Sprint(is.Control), fmt.Sprintf("it was %v", was.Control))
	at.at = "EXT-X-MEDIA-SEQUENCE"
	if !l.judge.test(30, is.Sequence >= was.Sequence, at, fmt.Sprint(is.Sequence), fmt.Sprintf("it was %d: it never goes back", was.Sequence)) {
		return
	}
	if was.Type == "EVENT" {
		l.judge.test(25, is.Sequence == was.Sequence, at, fmt.Sprint(is.Sequence), fmt.Sprintf("%d: an EVENT playlist removes nothing", was.Sequence))
	}
	l.judge.test(30, is.End() >= was.End(), at, fmt.Sprintf("the list ends with number %d", is.End()), fmt.Sprintf("it ended with %d", was.End()))
	l.judgeSurvivors(was, is, at)
	l.judgeDiscontinuity(was, is, at)
	l.judgePace(was, is, at)
	at.at = "EXT-X-ENDLIST"
	if was.Ended {
		l.judge.test(35, is.Ended && string(l.answer.body) == l.ended, at, "the playlist has changed", "after EXT-X-ENDLIST nothing changes")
	}
	l.noteDropped(was, is)
}

// judgeSurvivors: what both versions list is the same, line by line.
func (l *hlsList) judgeSurvivors(was, is *m3u8.Playlist, at place) {
	for i := range is.Segments {
		s := &is.Segments[i]
		if s.Number < was.Sequence || s.Number >= was.End() {
			continue
		}
		o := &was.Segments[s.Number-was.Sequence]
		at.at = fmt.Sprintf("line %d", s.Line)
		same := s.URI == o.URI && s.Text == o.Text && s.Gap == o.Gap && s.Start.Equal(o.Start) || !s.Dated && s.URI == o.URI && s.Text == o.Text
		l.judge.test(32, same, at, describe(s), fmt.Sprintf("number %d was %s", s.Number, describe(o)))
		l.judge.test(31, s.Discontinuity == o.Discontinuity, at, fmt.Sprintf("discontinuity sequence number %d", s.Discontinuity), fmt.Sprintf("number %d had %d", s.Number, o.Discontinuity))
	}
}

func describe(s *m3u8.Segment) string {
	text := "EXTINF:" + s.Text + " " + s.URI
	if s.Gap {
		text = "EXT-X-GAP " + text
	}
	if s.Dated {
		text += " at " + s.Start.UTC().Format("15:04:05.000")
	}
	return text
}

// judgeDiscontinuity: the sequence number grows by the tags that were removed.
func (l *hlsList) judgeDiscontinuity(was, is *m3u8.Playlist, at place) {
	removed := uint64(0)
	for i := range was.Segments {
		s := &was.Segments[i]
		if s.Number < is.Sequence && s.Breaks {
			removed++
		}
	}
	at.at = "EXT-X-DISCONTINUITY-SEQUENCE"
	want := was.DiscontinuitySequence + removed
	// The tag before the first segment that is left may go with the segment before it, or stay.
	ok := is.DiscontinuitySequence == want || removed == 0 && len(is.Segments) > 0 && is.DiscontinuitySequence == want+1 && !is.Segments[0].Breaks
	l.judge.test(31, ok, at, fmt.Sprint(is.DiscontinuitySequence), fmt.Sprintf("%d: %d discontinuities were removed", want, removed))
}

// judgePace: a live playlist has a new segment within 1.5 times the TARGETDURATION. What lies between two looks is not
// known: the time of the last look counts, and a second is granted for the way.
func (l *hlsList) judgePace(was, is *m3u8.Playlist, at place) {
	if is.Ended || l.iframes {
		return
	}
	at.at = "EXT-X-MEDIA-SEQUENCE"
	due := 3*time.Duration(is.Target)*time.Second/2 + time.Second
	stood := l.fetched.Sub(l.grown)
	if is.End() > was.End() {
		l.judge.test(33, true, at, "", "")
		return
	}
	l.judge.test(33, stood <= due, at, fmt.Sprintf("no new segment for %v", stood.Round(100*time.Millisecond)), fmt.Sprintf("one within %v", due-time.Second))
}

// noteDropped remembers the segments that have left the list: they stay for its length and their own.
func (l *hlsList) noteDropped(was, is *m3u8.Playlist) {
	for i := range was.Segments {
		s := &was.Segments[i]
		if s.Number < is.Sequence && !s.Gap && s.Range.Length == 0 && len(l.dropped) < 256 {
			l.dropped = append(l.dropped, drop{resolve(l.answer.url, s.URI), l.before.Add(length(was) + s.Duration - time.Second)})
		}
	}
}

// probeHLS asks what players and caches ask now and then.
func (h *hls) probeHLS(ctx context.Context) {
	h.probeFirst(ctx)
	for _, l := range h.lists {
		if p := l.list(); p != nil && !l.iframes && lowLatency(p) {
			l.probeBlocking(ctx)
			return
		}
	}
}

func (h *hls) probeFirst(ctx context.Context) {
	for _, l := range h.lists {
		p := l.list()
		if p == nil || l.iframes {
			continue
		}
		e := example{manifest: l.url, places: h.place(l.subject, l.url, ""), types: playlistTypes}
		for i := len(p.Segments) - 1; i >= 0; i-- {
			if s := &p.Segments[i]; !s.Gap && s.Range.Length == 0 {
				e.segment = resolve(l.url, s.URI)
				break
			}
		}
		h.probe(ctx, e)
		return
	}
}
