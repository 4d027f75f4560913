package origin

import (
	"bytes"

	"weir/media"
	"weir/segcache"
)

// Blocking playlist reload: a player asks for the version of a media playlist that has a certain segment or part, and is
// answered when it is there.
//
// Source: RFC 8216bis, 6.2.5.

// directives are what the query of a playlist says.
type directives struct {
	asked bool   // _HLS_msn
	msn   uint64 // wait for this segment,
	part  int64  // and where it is not -1 only for this part of it
	skip  bool   // _HLS_skip: what the player has may be left out
}

// maxNumber is the largest number that players can count to: 2^53.
const maxNumber = 1 << 53

var (
	ampersand = []byte("&")
	keyMSN    = []byte("_HLS_msn")
	keyPart   = []byte("_HLS_part")
	keySkip   = []byte("_HLS_skip")
)

// parse reads the query of a request, percent-encoded or not; other keys than the three are of no concern. It reports false
// for what is no decimal number of 2^53 at most, a key given twice, and a part without its segment. It does not allocate.
func (d *directives) parse(query []byte) bool {
	*d = directives{part: -1}
	var keyRoom, valueRoom [maxDirective]byte
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = bytes.Cut(query, ampersand)
		key, value, _ := bytes.Cut(pair, equals)
		key, value = unescaped(&keyRoom, key), unescaped(&valueRoom, value)
		switch {
		case bytes.Equal(key, keyMSN):
			n, ok := parseTicks(value)
			if !ok || n > maxNumber || d.asked {
				return false
			}
			d.asked, d.msn = true, uint64(n)
		case bytes.Equal(key, keyPart):
			n, ok := parseTicks(value)
			if !ok || n > maxNumber || d.part >= 0 {
				return false
			}
			d.part = n
		case bytes.Equal(key, keySkip):
			d.skip = d.skip || string(value) == "YES" || string(value) == "v2"
		}
	}
	return d.asked || d.part < 0
}

// maxDirective is more than a key or a value of a directive has.
const maxDirective = 32

// unescaped is b with its percent-encoded bytes decoded, in room where there are any; as it is where an escape is broken, or
// b is too long for any directive.
func unescaped(room *[maxDirective]byte, b []byte) []byte {
	if len(b) > 3*maxDirective || bytes.IndexByte(b, '%') < 0 {
		return b
	}
	n := 0
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == '%' {
			if i+2 >= len(b) || hexDigit(b[i+1]) > 15 || hexDigit(b[i+2]) > 15 {
				return b
			}
			c = hexDigit(b[i+1])<<4 | hexDigit(b[i+2])
			i += 2
		}
		if n == maxDirective {
			return b
		}
		room[n] = c
		n++
	}
	return room[:n]
}

// A verdict says what to do with a request for a version.
type verdict uint8

const (
	answerNow verdict = iota
	keepWaiting
	tooFar // ahead of what may be waited for
)

// judge compares what is asked for with what a view lists. partTarget is in nanoseconds; 0: the playlist has no parts. A
// segment whose parts are listed counts as the last one.
func (d *directives) judge(view *segcache.View, partTarget int64) verdict {
	last := view.End // one past it
	if view.Parts > 0 {
		last++
	}
	switch {
	case !d.asked:
		return answerNow
	case d.msn > last+1: // the last one's number and two
		return tooFar
	case d.part >= 0 && partTarget > 0:
		return d.judgePart(view, partTarget)
	case d.msn >= view.End:
		return keepWaiting
	}
	return answerNow
}

// judgePart is judge where a part is asked for.
func (d *directives) judgePart(view *segcache.View, partTarget int64) verdict {
	switch {
	case d.msn > view.End:
		return keepWaiting
	case d.msn == view.End && d.part < int64(view.Parts):
		return answerNow
	case d.msn == view.End && d.part >= int64(view.Parts)+advanceLimit(partTarget):
		return tooFar
	case d.msn == view.End:
		return keepWaiting
	case d.msn+1 < view.End || view.Parts > 0:
		return answerNow
	}
	// The last segment is whole. A part that it does not have is the first of the next one; where the slot is a GAP, that is
	// what there is to say.
	s := view.Segment(d.msn)
	if s == nil || s.Gap || d.part < int64(len(s.Parts())) || len(s.Parts()) == 0 {
		return answerNow
	}
	return keepWaiting
}

// advanceLimit is how many parts ahead of the last one may be asked for: the Advance Part Limit.
func advanceLimit(partTarget int64) int64 {
	const second = 1_000_000_000
	if partTarget >= second {
		return 3
	}
	return (3*second + partTarget - 1) / partTarget
}

// answerPlaylist answers for a media playlist, which of the snapshot's documents: at once, or when it has what the query
// asks for.
func (s *snapshot) answerPlaylist(which int, r *Request, a *Answer, m *metrics) {
	var d directives
	target := s.presentation.TargetDuration
	if !d.parse(r.Query) {
		a.fail(faultDirectives, target)
		return
	}
	view := s.view(which)
	if s.presentation.Live {
		if d.skip && s.presentation.PartTarget > 0 && !s.keyFrames(which) {
			which = s.delta(which)
		}
		partTarget := s.presentation.PartTarget
		if s.keyFrames(which) || !hasParts(view) {
			partTarget = 0
		}
		switch d.judge(view, partTarget) {
		case tooFar:
			a.fail(faultAhead, target)
			return
		case keepWaiting:
			if r.mayWait() {
				s.documents[which].want(acceptsGzip(r.AcceptEncoding), m)
				a.fail(faultStalled, target)
				a.hold(view.Changed(), patienceOf(target))
				return
			}
			if r.over {
				a.fail(faultStalled, target)
				return
			}
		case answerNow:
		}
	}
	cache := cacheManifest(s.presentation.Live, target)
	if d.asked && s.presentation.Live {
		cache = cacheVersion(target)
	}
	s.answerDocument(which, typePlaylist, cache, r, a, m)
	if d.asked {
		a.arrived = arrivedLast(view)
	}
}

// hasParts tells whether the list of a track has parts: text has none.
func hasParts(view *segcache.View) bool { return view.Kind == media.Video || view.Kind == media.Audio }

// arrivedLast is when the last byte came of what a view lists last; 0 where that is not known.
func arrivedLast(view *segcache.View) int64 {
	if view.Open != nil {
		if b, ok := view.Open.Part(view.Parts - 1); ok {
			return b.Arrived()
		}
		return 0
	}
	if s := view.Segment(view.End - 1); s != nil && !s.Gap {
		if b, ok := s.Body(); ok {
			return b.Arrived()
		}
	}
	return 0
}

// cacheVersion is the Cache-Control field of a playlist that was asked for by its version: it lasts, for nobody else asks
// for it.
//
// Source: RFC 8216bis, appendix B (six target durations).
func cacheVersion(targetDuration int) string { return maxAge(6 * targetDuration) }
