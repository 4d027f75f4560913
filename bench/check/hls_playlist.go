package check

import (
	"fmt"
	"math"
	"strings"
	"time"

	"weir/bench/check/m3u8"
)

// judgePlaylist judges one version of a media playlist alone.
func (l *hlsList) judgePlaylist(p *m3u8.Playlist, at place) {
	l.syntax(p, at, 1, 11, 12)
	if l.h.multivariant != nil {
		at.at = "EXT-X-I-FRAMES-ONLY"
		l.judge.test(10, p.IFramesOnly == l.iframes, at, fmt.Sprint(p.IFramesOnly), fmt.Sprintf("%v: the multivariant playlist names it as such", l.iframes))
	}
	l.judgeSegments(p, at)
	l.judgeDates(p, at)
	l.judgeWindow(p, at)
	l.judgeControl(p, at)
	l.h.judgeDateRanges(l, p, at)
	l.h.judgeNumbers(l, p, at)
}

func (l *hlsList) judgeSegments(p *m3u8.Playlist, at place) {
	fragmented := false
	for i := range p.Segments {
		fragmented = fragmented || p.Segments[i].Map != nil
	}
	for i := range p.Segments {
		s := &p.Segments[i]
		at.at = fmt.Sprintf("line %d", s.Line)
		rounded := int(math.Round(s.Duration.Seconds()))
		l.judge.test(13, rounded <= p.Target, at, "EXTINF:"+s.Text, fmt.Sprintf("at most the TARGETDURATION %d, rounded", p.Target))
		l.judge.test(13, s.Duration > 0, at, "EXTINF:"+s.Text, "longer than nothing")
		if fragmented || looksFragmented(s.URI) {
			l.judge.test(14, s.Map != nil, at, s.URI, "an EXT-X-MAP stands above every fMP4 segment")
		}
		if i > 0 && s.Map != nil && p.Segments[i-1].Map != nil && s.Map.URI != p.Segments[i-1].Map.URI {
			l.judge.test(14, s.Breaks, at, "another EXT-X-MAP", "an EXT-X-DISCONTINUITY stands before it")
		}
	}
}

func looksFragmented(uri string) bool {
	uri, _, _ = strings.Cut(uri, "?")
	for _, end := range []string{".m4s", ".mp4", ".m4v", ".m4a", ".cmfv", ".cmfa"} {
		if strings.HasSuffix(uri, end) {
			return true
		}
	}
	return false
}

// judgeDates: dates follow from durations, and the sum never drifts.
func (l *hlsList) judgeDates(p *m3u8.Playlist, at place) {
	dated := false
	var date, anchor time.Time // where the segment must start; the first date of the run
	var sum time.Duration      // since anchor
	for i := range p.Segments {
		s := &p.Segments[i]
		dated = dated || s.Dated
		if s.Breaks {
			date, anchor = time.Time{}, time.Time{}
		}
		if s.Dated {
			at.at = fmt.Sprintf("line %d", s.First)
			if !date.IsZero() {
				off := s.Start.Sub(date)
				l.judge.test(23, off.Abs() <= 1100*time.Microsecond, at, s.Start.UTC().Format("2006-01-02T15:04:05.000Z"),
					fmt.Sprintf("the segment before ends at %s", date.UTC().Format("2006-01-02T15:04:05.000Z")))
				off = s.Start.Sub(anchor.Add(sum))
				l.judge.test(23, off.Abs() <= 40*time.Millisecond, at, s.Start.UTC().Format("2006-01-02T15:04:05.000Z"), "the sum of EXTINF since the first date agrees to a frame")
			}
			if date = s.Start; anchor.IsZero() {
				anchor, sum = s.Start, 0
			}
		}
		if !date.IsZero() {
			date = date.Add(s.Duration)
			sum += s.Duration
		}
	}
	if !p.Ended {
		at.at = "EXT-X-PROGRAM-DATE-TIME"
		l.judge.test(23, dated || len(p.Segments) == 0, at, "none", "a live playlist has dates")
	}
}

func length(p *m3u8.Playlist) time.Duration {
	var sum time.Duration
	for i := range p.Segments {
		sum += p.Segments[i].Duration
	}
	return sum
}

func (l *hlsList) judgeWindow(p *m3u8.Playlist, at place) {
	at.at = "EXT-X-PLAYLIST-TYPE"
	if !p.Ended && p.Type == "VOD" {
		l.judge.fail(25, at, "VOD", "a playlist that grows has none, or EVENT")
	} else {
		l.judge.test(25, true, at, "", "")
	}
	if p.Ended || p.Sequence == 0 && p.Type == "" || p.Type == "EVENT" {
		return
	}
	at.at = "EXT-X-ENDLIST" // the window slides: nothing may be removed from a short one
	if was := l.playlist; was != nil && p.Sequence > was.Sequence {
		at.at = "EXT-X-MEDIA-SEQUENCE"
		l.judge.test(24, length(p) >= 3*time.Duration(p.Target)*time.Second, at, fmt.Sprintf("%v left after a segment was removed", length(p)), fmt.Sprintf("three times the TARGETDURATION %d at least", p.Target))
	}
}

func (l *hlsList) judgeControl(p *m3u8.Playlist, at place) {
	if p.Control == nil {
		return
	}
	at.at = "EXT-X-SERVER-CONTROL"
	target := float64(p.Target)
	for name, least := range map[string]float64{"HOLD-BACK": 3 * target, "CAN-SKIP-UNTIL": 6 * target} {
		if v, ok := p.Control.Find(name); ok {
			l.judge.test(18, number(v) >= least, at, name+"="+v, fmt.Sprintf("at least %g", least))
		}
	}
}

// judgeDateRanges: an id means one range in all playlists, and its attributes only grow.
func (h *hls) judgeDateRanges(l *hlsList, p *m3u8.Playlist, at place) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range p.DateRanges {
		d := &p.DateRanges[i]
		at.at = fmt.Sprintf("line %d", d.Line)
		id := d.Attributes.Get("ID")
		h.judge.test(36, id != "", at, "no ID", "EXT-X-DATERANGE has one")
		h.judge.test(36, d.Attributes.Get("START-DATE") != "", at, "no START-DATE", "EXT-X-DATERANGE has one")
		if d.Attributes.Get("END-ON-NEXT") == "YES" {
			_, long := d.Attributes.Find("DURATION")
			h.judge.test(36, d.Attributes.Get("CLASS") != "" && !long, at, "END-ON-NEXT=YES", "with CLASS and without DURATION")
		}
		for _, a := range d.Attributes {
			key := id + "\x00" + a.Name
			was, ok := h.dates[key]
			h.judge.test(36, !ok || was == a.Value, at, a.Name+"="+a.Value, "the same id said "+a.Name+"="+was)
			if !ok && len(h.dates) < maxNames {
				h.dates[key] = a.Value
			}
		}
	}
}

// judgeNumbers: a number is one instant in all renditions, to a frame of audio.
func (h *hls) judgeNumbers(l *hlsList, p *m3u8.Playlist, at place) {
	if l.iframes {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range p.Segments {
		s := &p.Segments[i]
		if !s.Dated {
			continue
		}
		was, ok := h.starts[s.Number]
		if !ok {
			if len(h.starts) < maxNames {
				h.starts[s.Number] = started{s.Start, l.subject}
			}
			continue
		}
		at.at = fmt.Sprintf("line %d", s.Line)
		off := s.Start.Sub(was.at)
		h.judge.test(34, off.Abs() <= 65*time.Millisecond, at, fmt.Sprintf("number %d starts at %s", s.Number, s.Start.UTC().Format("15:04:05.000")),
			fmt.Sprintf("it starts at %s in %s", was.at.UTC().Format("15:04:05.000"), was.list))
	}
}
