package check

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"weir/bench/check/m3u8"
)

// printed is by how much times may be off because playlists print them with five decimals or so.
const printed = 20 * time.Microsecond

// lowLatency reports whether a playlist has parts, or says that it will.
func lowLatency(p *m3u8.Playlist) bool { return p.Parts > 0 || p.PartInf != nil }

// judgeParts judges what a low-latency playlist says, in one version alone.
func (l *hlsList) judgeParts(p *m3u8.Playlist, at place) {
	if !lowLatency(p) {
		return
	}
	l.judgePartControl(p, at)
	l.judgeHints(p, at)
	l.judgeReports(p, at)
	left := time.Duration(0) // from the end of the segment to the end of the list
	if p.Open != nil {
		l.judgeDurations(p, p.Open, at)
		left = partsOf(p.Open)
	}
	for i := len(p.Segments) - 1; i >= 0; i-- {
		s := &p.Segments[i]
		if len(s.Parts) > 0 {
			l.judgeDurations(p, s, at)
			l.judgeParent(s, at)
			at.at = fmt.Sprintf("line %d", s.Parts[0].Line)
			l.judge.test(19, left <= 4*target(p), at, fmt.Sprintf("EXT-X-PART in a segment that ends %v before the end", left.Round(time.Millisecond)),
				fmt.Sprintf("parts go from the list three times the TARGETDURATION %d from its end", p.Target))
		}
		left += s.Duration
	}
}

func partsOf(s *m3u8.Segment) (sum time.Duration) {
	for i := range s.Parts {
		sum += s.Parts[i].Duration
	}
	return sum
}

// judgePartControl: parts come with their target, and with the means to follow them.
//
// Source: RFC 8216bis, 4.4.3.7, 4.4.3.8, B.1.
func (l *hlsList) judgePartControl(p *m3u8.Playlist, at place) {
	at.at = "EXT-X-PART-INF"
	part := p.PartTarget()
	if !l.judge.test(15, part > 0, at, fmt.Sprint(p.PartInf), "where there are parts, PART-TARGET says how long they are at most") {
		return
	}
	at.at = "EXT-X-SERVER-CONTROL"
	back, ok := p.Control.Find("PART-HOLD-BACK")
	if l.judge.test(15, ok, at, fmt.Sprint(p.Control), "where there are parts, there is PART-HOLD-BACK") {
		l.judge.test(18, p.Seconds("PART-HOLD-BACK") >= 3*part-printed, at, "PART-HOLD-BACK="+back, fmt.Sprintf("three times the PART-TARGET at least: %v", 3*part))
	}
	l.judge.test(15, p.Control.Get("CAN-BLOCK-RELOAD") == "YES" || p.Ended, at, fmt.Sprint(p.Control), "a playlist with parts can be reloaded blocking: CAN-BLOCK-RELOAD=YES")
}

// judgeDurations: parts last about as long as their target, where nothing excuses them.
func (l *hlsList) judgeDurations(p *m3u8.Playlist, s *m3u8.Segment, at place) {
	most := p.PartTarget()
	for i := range s.Parts {
		part := &s.Parts[i]
		at.at = fmt.Sprintf("line %d", part.Line)
		l.judge.test(16, part.Duration <= most+printed, at, part.Raw, fmt.Sprintf("PART-TARGET at most: %v", most))
		last := i+1 == len(s.Parts)
		if last || part.Independent || part.Gap || s.Parts[i+1].Gap {
			continue // of an open segment, the last may be the last of all
		}
		l.judge.test(16, part.Duration >= most*85/100-printed, at, part.Raw, fmt.Sprintf("0.85 of PART-TARGET at least: %v", most*85/100))
	}
}

// judgeParent: the parts of a whole segment are the segment.
func (l *hlsList) judgeParent(s *m3u8.Segment, at place) {
	gap := false
	for i := range s.Parts {
		gap = gap || s.Parts[i].Gap
	}
	at.at = fmt.Sprintf("line %d", s.Line)
	l.judge.test(27, !gap || s.Gap, at, s.URI, "a segment with a part that is GAP=YES is EXT-X-GAP itself")
	if gap || s.Gap {
		return
	}
	sum := partsOf(s)
	l.judge.test(17, (sum-s.Duration).Abs() <= time.Millisecond, at, "EXTINF:"+s.Text, fmt.Sprintf("its parts last %v", sum))
}

// judgeHints: while it grows, a list says which part comes next, and nothing once it has ended.
//
// Source: RFC 8216bis, 4.4.5.3.
func (l *hlsList) judgeHints(p *m3u8.Playlist, at place) {
	kinds := map[string]int{}
	for i := range p.Hints {
		h := &p.Hints[i]
		at.at = fmt.Sprintf("line %d", h.Line)
		kinds[h.Type]++
		l.judge.test(20, h.Type == "PART" || h.Type == "MAP", at, "TYPE="+h.Type, "PART or MAP")
		l.judge.test(20, kinds[h.Type] == 1, at, "a second EXT-X-PRELOAD-HINT of TYPE="+h.Type, "one of each TYPE")
	}
	at.at = "EXT-X-PRELOAD-HINT"
	if p.Ended {
		l.judge.test(20, len(p.Hints) == 0, at, fmt.Sprintf("%d hints", len(p.Hints)), "none in a playlist that has ended")
	} else if p.Parts > 0 {
		l.judge.test(20, kinds["PART"] > 0, at, "none of TYPE=PART", "a live playlist with parts hints at the next one")
	}
}

// judgeReports: each other rendition is reported once, by a relative URI.
//
// Source: RFC 8216bis, 4.4.5.4, B.1.
func (l *hlsList) judgeReports(p *m3u8.Playlist, at place) {
	if l.h.multivariant == nil || l.iframes {
		return
	}
	reported := map[*hlsList]bool{}
	for i := range p.Reports {
		r := &p.Reports[i]
		at.at = fmt.Sprintf("line %d", r.Line)
		uri := r.Attributes.Get("URI")
		u, err := url.Parse(uri)
		if !l.judge.test(22, uri != "" && err == nil && u.Scheme == "" && u.Host == "", at, "URI="+uri, "a URI relative to that of the playlist") {
			continue
		}
		o := l.h.at(resolve(at.url, uri))
		if !l.judge.test(22, o != nil, at, "URI="+uri, "the URI of a playlist that the multivariant playlist names") {
			continue
		}
		l.judge.test(22, o != l && !reported[o], at, "URI="+uri, "each other playlist is reported once")
		reported[o] = true
		_, msn := r.Attributes.Find("LAST-MSN")
		l.judge.test(22, msn, at, p.Lines[r.Line-1], "it says LAST-MSN")
		if q := o.list(); q != nil && q.Parts > 0 {
			l.judge.test(22, r.HasPart, at, p.Lines[r.Line-1], "it says LAST-PART: the playlist has parts")
		}
	}
	if p.Ended {
		return
	}
	at.at = "EXT-X-RENDITION-REPORT"
	for _, o := range l.h.lists {
		if q := o.list(); o != l && q != nil && lowLatency(q) && !q.Ended && !o.iframes {
			l.judge.test(22, reported[o], at, "none for "+o.subject, "each other playlist is reported once")
		}
	}
}

// at is the playlist of a URL; nil where there is none.
func (h *hls) at(url string) *hlsList {
	for _, l := range h.lists {
		if l.url == url {
			return l
		}
	}
	return nil
}

// judgePartSuccessor judges the parts of a version against those of the version before.
func (l *hlsList) judgePartSuccessor(was, is *m3u8.Playlist, at place) {
	if !lowLatency(was) || !lowLatency(is) {
		return
	}
	at.at = "EXT-X-PART-INF"
	l.judge.test(29, is.PartInf.Get("PART-TARGET") == was.PartInf.Get("PART-TARGET"), at, "PART-TARGET="+is.PartInf.Get("PART-TARGET"),
		fmt.Sprintf("it was %s: it never changes", was.PartInf.Get("PART-TARGET")))
	from := was.Next()
	for n := is.Sequence + is.Skipped; n <= is.End(); n++ {
		s, o := is.Parted(n), was.Parted(n)
		if s == nil || o == nil || len(s.Parts) == 0 || len(o.Parts) == 0 {
			continue
		}
		at.at = fmt.Sprintf("line %d", s.Parts[0].Line)
		if !l.judge.test(32, len(s.Parts) >= len(o.Parts) && (n >= from.Number || len(s.Parts) == len(o.Parts)), at, fmt.Sprintf("number %d has %d parts", n, len(s.Parts)),
			fmt.Sprintf("it had %d: parts come at the end of the list", len(o.Parts))) {
			continue
		}
		for i := range o.Parts {
			at.at = fmt.Sprintf("line %d", s.Parts[i].Line)
			l.judge.test(32, s.Parts[i].Raw == o.Parts[i].Raw, at, s.Parts[i].Raw, "it was "+o.Parts[i].Raw)
		}
	}
	if is.End() > was.End()+1 || is.Ended {
		return
	}
	if o := was.Open; o != nil && is.End() == was.End()+1 && len(o.Parts) > 0 { // parts may go from the list only with age
		s := is.Parted(was.End())
		at.at = fmt.Sprintf("line %d", s.Line)
		l.judge.test(32, len(s.Parts) > 0, at, fmt.Sprintf("number %d has no parts", s.Number), fmt.Sprintf("it had %d a moment ago", len(o.Parts)))
	}
	l.judgeHinted(was, is, at)
}

// hintOf is the hint of a playlist's next part; nil where there is none.
func hintOf(p *m3u8.Playlist) *m3u8.Hint {
	for i := range p.Hints {
		if p.Hints[i].Type == "PART" {
			return &p.Hints[i]
		}
	}
	return nil
}

// judgeHinted: the part that came is the one that was hinted at. An encoder can break a promise, by a segment that ends
// early or becomes a gap: that is no fault, as long as it does not happen again and again.
func (l *hlsList) judgeHinted(was, is *m3u8.Playlist, at place) {
	hint, part := hintOf(was), is.At(was.Next())
	if hint == nil || part == nil || part.Gap {
		return
	}
	if s := is.Parted(was.Next().Number); s.Gap {
		return
	}
	at.at = fmt.Sprintf("line %d", part.Line)
	ok := hint.URI == part.URI && (part.Range.Length == 0 || hint.Range.Offset == part.Range.Offset)
	l.edge.hinted.add(ok, at, part.URI+", where "+strconv.Quote(hint.URI)+" had been hinted at")
}

// describeControl is what a playlist says that must be the same in all of them.
func describeControl(p *m3u8.Playlist) string {
	var b strings.Builder
	fmt.Fprintf(&b, "TARGETDURATION:%d", p.Target)
	for _, a := range p.Control {
		fmt.Fprintf(&b, ",%s=%s", a.Name, a.Value)
	}
	if p.PartInf != nil {
		fmt.Fprintf(&b, ",PART-TARGET=%s", p.PartInf.Get("PART-TARGET"))
	}
	return b.String()
}

// judgeAlike: all low-latency playlists of a presentation say the same of their server.
//
// Source: RFC 8216bis, 6.2.4.
func (h *hls) judgeAlike() {
	var first *hlsList
	var was *m3u8.Playlist
	for _, l := range h.lists {
		p := l.list()
		if p == nil || l.iframes || p.Ended || !lowLatency(p) && p.Control == nil {
			continue
		}
		if first == nil {
			first, was = l, p
			continue
		}
		at := h.place(l.subject, l.url, "EXT-X-SERVER-CONTROL")
		h.judge.test(29, describeControl(p) == describeControl(was), at, describeControl(p), fmt.Sprintf("%s says %s", first.subject, describeControl(was)))
	}
}
