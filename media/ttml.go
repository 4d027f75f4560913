package media

import (
	"bytes"
	"fmt"
)

// A TextTime says where a sample of TTML lies, in microseconds. The times within a document are media times: when the
// sample is laid on another clock, they have to move with it.
type TextTime struct {
	Start    int64 // of the sample, on the encoder's clock
	Duration int64
	Zero     int64 // where the encoder's time 0 is laid
	At       int64 // where the sample's start is laid
}

// AppendTTML appends a TTML document with its times moved to the published clock. Documents whose times count from their
// sample's start instead, as in Smooth Streaming, are told by cues that would all be over before the sample begins. What
// is not understood (no media times, a DTD, no well-formed XML) is appended as it is, and so is what need not move. Nothing
// but times changes, and those in the outermost elements only, to which the others count.
//
// Source: TTML2, 12.3 (time expressions), 12.2 (time containment); ISO/IEC 14496-30, 5.2 (times are media times).
func AppendTTML(dst, doc []byte, at TextTime) []byte {
	d := ttml{doc: doc, rate: ttmlRate{frames: 30, ticks: 1}}
	if !d.read() || len(d.times) == 0 {
		return append(dst, doc...)
	}
	offset := at.Zero
	if at.Start > 0 && d.last < at.Start && d.first >= 0 && d.last <= at.Duration+ttmlSlack {
		offset = at.At
	}
	if offset == 0 {
		return append(dst, doc...)
	}
	from := 0
	for _, t := range d.times {
		dst = append(dst, doc[from:t.at]...)
		from = t.at + t.n
		if t.missing {
			dst = append(dst, ` begin="`...)
		}
		dst = appendTTMLTime(dst, t.micros+offset)
		if t.missing {
			dst = append(dst, '"')
		}
	}
	return append(dst, doc[from:]...)
}

const (
	ttmlSlack = 1_000_000      // that a cue may last longer than its sample
	maxTTMLs  = 1 << 12        // times of a document
	maxTTML   = 10_000_000_000 // seconds: no time beyond
)

// ttml is a document as it is read: where its outermost times stand.
type ttml struct {
	doc         []byte
	rate        ttmlRate
	times       []ttmlTime
	first, last int64 // of all times
	depth       int
	body        int // depth of body; 0: outside
	timed       int // depth of the element whose times those below count from; 0: none
}

// A ttmlTime is the value of an attribute, bytes [at,at+n), or the place where a begin is missing.
type ttmlTime struct {
	at, n   int
	micros  int64
	missing bool
}

// A ttmlRate is what frames and ticks are worth: frames are frames*num/den a second.
type ttmlRate struct{ frames, num, den, ticks int64 }

// read walks the tags of the document. It reports false for one that is not understood.
func (d *ttml) read() bool {
	b := d.doc
	for i := 0; i < len(b); {
		if b[i] != '<' {
			i++
			continue
		}
		rest := b[i:]
		skip := func(start, end string) (int, bool) {
			if !bytes.HasPrefix(rest, []byte(start)) {
				return 0, false
			}
			n := bytes.Index(rest, []byte(end))
			if n < 0 {
				return len(rest), true
			}
			return n + len(end), true
		}
		if n, ok := skip("<!--", "-->"); ok {
			i += n
			continue
		}
		if n, ok := skip("<![CDATA[", "]]>"); ok {
			i += n
			continue
		}
		if n, ok := skip("<?", "?>"); ok {
			i += n
			continue
		}
		if bytes.HasPrefix(rest, []byte("<!")) {
			return false // a DTD
		}
		n := tagEnd(rest)
		if n < 0 || !d.tag(i, rest[1:n]) {
			return false
		}
		i += n + 1
	}
	return d.depth == 0
}

// tagEnd is where the > of a tag stands, outside of quotes; -1 where there is none.
func tagEnd(b []byte) int {
	quote := byte(0)
	for i, c := range b {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i
		}
	}
	return -1
}

// tag takes a start or end tag, what stands between < and >, which begins at byte at+1 of the document.
func (d *ttml) tag(at int, b []byte) bool {
	if len(b) > 0 && b[0] == '/' {
		if d.timed == d.depth {
			d.timed = 0
		}
		if d.body == d.depth {
			d.body = 0
		}
		d.depth--
		return d.depth >= 0
	}
	b, empty := bytes.CutSuffix(b, []byte("/"))
	n := bytes.IndexAny(b, " \t\r\n")
	if n < 0 {
		n = len(b)
	}
	d.depth++
	switch name := local(b[:n]); {
	case d.depth == 1 && name != "tt":
		return false
	case d.depth == 1:
		if !d.root(b[n:]) {
			return false
		}
	case d.depth == 2 && name == "body":
		d.body = d.depth
	}
	if d.body > 0 && d.timed == 0 && !d.element(at+1+n, b[n:]) {
		return false
	}
	if empty {
		return d.tag(at, []byte("/"))
	}
	return true
}

// local is a name without its prefix.
func local(name []byte) string {
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	return string(name)
}

// root reads the parameters of the document: how its times count.
func (d *ttml) root(b []byte) bool {
	ok, ticked, framed := true, false, false
	good := eachAttribute(b, func(name string, at int, value []byte) {
		switch name {
		case "timeBase":
			ok = string(value) == "media"
		case "frameRate":
			framed = true
			ok = ok && parseInts(value, &d.rate.frames)
		case "frameRateMultiplier":
			ok = ok && (parseInts(value, &d.rate.num, &d.rate.den) || parseInts(bytes.Replace(value, []byte(":"), []byte(" "), 1), &d.rate.num, &d.rate.den))
		case "tickRate":
			ticked = true
			ok = ok && parseInts(value, &d.rate.ticks)
		}
	})
	if d.rate.num == 0 {
		d.rate.num, d.rate.den = 1, 1
	}
	if framed && !ticked {
		d.rate.ticks = d.rate.frames
	}
	r := &d.rate
	return ok && good && r.frames <= 1e4 && r.num <= 1e5 && r.den <= 1e5
}

// element takes note of the times of an element that begins at byte at, with attributes b.
func (d *ttml) element(at int, b []byte) bool {
	var begin, end, dur ttmlTime
	ok, sequence := true, false
	good := eachAttribute(b, func(name string, i int, value []byte) {
		t := ttmlTime{at: at + i, n: len(value)}
		switch name {
		case "begin", "end", "dur":
			if t.micros = d.rate.parse(value); t.micros < 0 {
				ok = false
			}
		case "timeContainer":
			sequence = string(value) == "seq"
		}
		switch name {
		case "begin":
			begin = t
		case "end":
			end = t
		case "dur":
			dur = t
		}
	})
	if !ok || !good {
		return false
	}
	if begin.n == 0 && end.n == 0 && dur.n == 0 && !sequence {
		return true
	}
	d.timed = d.depth
	if begin.n == 0 {
		begin = ttmlTime{at: at, missing: true}
	}
	last := max(begin.micros, end.micros, begin.micros+dur.micros)
	if sequence && end.n+dur.n == 0 {
		last = maxTTML * 1e6 // when its last child is over
	}
	if len(d.times) == 0 || begin.micros < d.first {
		d.first = begin.micros
	}
	d.last = max(d.last, last)
	switch {
	case end.n == 0:
		d.times = append(d.times, begin)
	case end.at < begin.at:
		d.times = append(d.times, end, begin)
	default:
		d.times = append(d.times, begin, end)
	}
	return len(d.times) <= maxTTMLs
}

// eachAttribute calls f with the local name, the place and the value of each attribute of a tag. Attributes with a prefix
// count only in the root (parameters), where no others have these names.
func eachAttribute(b []byte, f func(name string, at int, value []byte)) bool {
	for i := 0; ; {
		for i < len(b) && bytes.IndexByte([]byte(" \t\r\n"), b[i]) >= 0 {
			i++
		}
		if i == len(b) {
			return true
		}
		eq := bytes.IndexByte(b[i:], '=')
		if eq < 1 {
			return false
		}
		name := bytes.TrimRight(b[i:i+eq], " \t\r\n")
		for i += eq + 1; i < len(b) && bytes.IndexByte([]byte(" \t\r\n"), b[i]) >= 0; {
			i++
		}
		if i == len(b) || b[i] != '"' && b[i] != '\'' {
			return false
		}
		n := bytes.IndexByte(b[i+1:], b[i])
		if n < 0 {
			return false
		}
		f(local(name), i+1, b[i+1:i+1+n])
		i += n + 2
	}
}

// parseInts reads positive integers, separated by spaces.
func parseInts(b []byte, into ...*int64) bool {
	fields := bytes.Fields(b)
	if len(fields) != len(into) {
		return false
	}
	for i, f := range fields {
		v, ok := digits(f)
		if !ok || v < 1 || v > 1e9 {
			return false
		}
		*into[i] = v
	}
	return true
}

// digits reads a decimal integer of at most 12 digits.
func digits(b []byte) (v int64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = 10*v + int64(c-'0')
	}
	return v, len(b) > 0 && len(b) <= 12
}

// fraction reads digits after a point as microseconds.
func fraction(b []byte) (micros int64, ok bool) {
	if len(b) == 0 {
		return 0, false
	}
	for i := range 6 {
		micros *= 10
		if i < len(b) {
			micros += int64(b[i]) - '0'
		}
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	return micros, true
}

// parse reads a time expression in microseconds; -1 where it is none.
func (r ttmlRate) parse(b []byte) int64 {
	if parts := bytes.Split(b, []byte(":")); len(parts) > 1 {
		return r.clock(parts)
	}
	unit := len(b)
	for unit > 0 && (b[unit-1] < '0' || b[unit-1] > '9') {
		unit--
	}
	whole, frac, pointed := bytes.Cut(b[:unit], []byte("."))
	n, ok := digits(whole)
	micros := int64(0)
	if pointed && ok {
		micros, ok = fraction(frac)
	}
	if !ok {
		return -1
	}
	per, div := int64(1), int64(1) // seconds a unit
	switch string(b[unit:]) {
	case "h":
		per = 3600
	case "m":
		per = 60
	case "s":
	case "ms":
		div = 1000
	case "f":
		per, div = r.den, r.frames*r.num
	case "t":
		div = r.ticks
	default:
		return -1
	}
	return scaled(n, micros, per, div)
}

// scaled is (n + micros/1e6) * per/div seconds in microseconds, -1 where that is no time. n has 12 digits, per 5, div 9.
func scaled(n, micros, per, div int64) int64 {
	n *= per
	if n/div > maxTTML {
		return -1
	}
	return n/div*1e6 + n%div*1e6/div + micros*per/div
}

// clock reads hours, minutes, seconds, and frames perhaps.
func (r ttmlRate) clock(parts [][]byte) int64 {
	if len(parts) < 3 || len(parts) > 4 {
		return -1
	}
	seconds, frac, pointed := bytes.Cut(parts[2], []byte("."))
	h, ok1 := digits(parts[0])
	m, ok2 := digits(parts[1])
	s, ok3 := digits(seconds)
	if !ok1 || !ok2 || !ok3 || m > 59 || s > 60 || h > maxTTML/3600 {
		return -1
	}
	micros := ((h*60+m)*60 + s) * 1e6
	switch {
	case pointed && len(parts) == 3:
		f, ok := fraction(frac)
		if !ok {
			return -1
		}
		micros += f
	case pointed:
		return -1
	case len(parts) == 4:
		whole, _, _ := bytes.Cut(parts[3], []byte(".")) // sub-frames are not worth it
		f, ok := digits(whole)
		if !ok {
			return -1
		}
		frames := scaled(f, 0, r.den, r.frames*r.num)
		if frames < 0 {
			return -1
		}
		micros += frames
	}
	return micros
}

// appendTTMLTime appends microseconds as a clock time, in milliseconds where these do.
func appendTTMLTime(dst []byte, micros int64) []byte {
	micros = max(micros, 0)
	seconds, micros := micros/1e6, micros%1e6
	dst = fmt.Appendf(dst, "%02d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	if micros%1000 == 0 {
		return fmt.Appendf(dst, ".%03d", micros/1000)
	}
	return fmt.Appendf(dst, ".%06d", micros)
}
