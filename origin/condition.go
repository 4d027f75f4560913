package origin

import (
	"bytes"
	"math"
)

// matchesETag reports whether an If-Match or If-None-Match field names etag (a quoted strong tag) or any (*). Tags that
// the field calls weak match only where weak is set, as If-None-Match asks. What stands behind a fault in the list is
// not looked at.
//
// Source: RFC 9110, 13.1.1, 13.1.2 and 8.8.3.2.
func matchesETag(field []byte, etag string, weak bool) bool {
	for len(field) > 0 {
		field = bytes.TrimLeft(field, " \t,")
		if len(field) > 0 && field[0] == '*' {
			return true
		}
		tag, isWeak := bytes.CutPrefix(field, []byte("W/"))
		end := tagEnd(tag)
		if end == 0 {
			return false
		}
		if (weak || !isWeak) && string(tag[:end]) == etag {
			return true
		}
		field = tag[end:]
	}
	return false
}

// tagEnd is the length of the quoted tag that b starts with, 0 where there is none.
func tagEnd(b []byte) int {
	if len(b) == 0 || b[0] != '"' {
		return 0
	}
	for i, c := range b[1:] {
		switch {
		case c == '"':
			return i + 2
		case c <= ' ' || c == 0x7f:
			return 0
		}
	}
	return 0
}

// A span is a part of a body: n bytes from off on.
type span struct{ off, n int64 }

// A rangeVerdict says what to do with a Range field.
type rangeVerdict uint8

const (
	rangeIgnored       rangeVerdict = iota // answer 200 with all of it
	rangeSatisfiable                       // answer 206
	rangeUnsatisfiable                     // answer 416
)

// parseRange reads a Range field for a body of size bytes. One range of bytes is served; several, other units and
// what is not a range at all are ignored, as the standard allows.
//
// Source: RFC 9110, 14.1.2 and 14.2.
func parseRange(field []byte, size int64) (span, rangeVerdict) {
	unit, set, ok := bytes.Cut(field, equals)
	if !ok || !bytes.EqualFold(unit, []byte(rangesBytes)) {
		return span{}, rangeIgnored
	}
	first, last, ok := bytes.Cut(bytes.Trim(set, " \t"), []byte("-"))
	if !ok {
		return span{}, rangeIgnored
	}
	if len(first) == 0 { // the last so many
		n, ok := parsePosition(last)
		if !ok {
			return span{}, rangeIgnored
		}
		n = min(n, size)
		if n == 0 {
			return span{}, rangeUnsatisfiable
		}
		return span{size - n, n}, rangeSatisfiable
	}
	from, ok := parsePosition(first)
	if !ok {
		return span{}, rangeIgnored
	}
	to := size - 1
	if len(last) > 0 {
		if to, ok = parsePosition(last); !ok || to < from {
			return span{}, rangeIgnored
		}
		to = min(to, size-1)
	}
	if from >= size {
		return span{}, rangeUnsatisfiable
	}
	return span{from, to - from + 1}, rangeSatisfiable
}

// parsePosition reads a decimal of any length; what is beyond 2^63-1 is as far as that.
func parsePosition(b []byte) (int64, bool) {
	if n, ok := parseTicks(b); ok {
		return n, true
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	return math.MaxInt64, len(b) > 0
}

// acceptsGzip reports whether an Accept-Encoding field allows gzip: by name, or by * where the name is not there.
//
// Source: RFC 9110, 12.5.3.
func acceptsGzip(field []byte) bool {
	star := false
	for len(field) > 0 {
		var coding []byte
		coding, field, _ = bytes.Cut(field, comma)
		coding, weight, _ := bytes.Cut(coding, []byte(";"))
		coding = bytes.TrimSpace(coding)
		switch {
		case bytes.EqualFold(coding, []byte("gzip")), bytes.EqualFold(coding, []byte("x-gzip")):
			return !isZeroWeight(weight)
		case string(coding) == "*":
			star = !isZeroWeight(weight)
		}
	}
	return star
}

// isZeroWeight reports whether a weight such as q=0 or q=0.000 refuses.
func isZeroWeight(weight []byte) bool {
	weight = bytes.TrimSpace(weight)
	if len(weight) < 3 || lower(weight[0]) != 'q' || weight[1] != '=' {
		return false
	}
	for _, c := range weight[2:] {
		if c != '0' && c != '.' {
			return false
		}
	}
	return true
}
