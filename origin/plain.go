package origin

import "bytes"

// A plain request is one of HTTP/1.1 as clients of an origin send it, without any of what HTTP has beside: lanes read these,
// and no others. Whatever is odd, wrong, too long or more than a lane needs to know is not judged here: its connection is
// handed over to the library, which does. So what is accepted is a small part of the grammar, each byte of it looked at.
//
// Its slices point into what was read.
//
// Source: RFC 9112, 3 (request line; origin-form alone) and 5 (fields; no folding, no bare LF); RFC 9110, 5.5 (values; no
// obs-text) and 5.6.2 (tokens).
type plain struct {
	method Method
	name   []byte // of the method
	target []byte
	last   bool // Connection: close
	host   bool

	ifMatch, ifNoneMatch, rng, ifRange, acceptEncoding []byte

	agent     []byte
	forwarded [][]byte // X-Forwarded-For
}

// parse reads the request that b begins with. It returns its length; 0: the rest of it has not come; -1: it is not a plain
// one. It allocates for many lines of X-Forwarded-For alone.
func (p *plain) parse(b []byte) int {
	*p = plain{forwarded: p.forwarded[:0]}
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		return 0
	}
	if end < 1 || b[end-1] != '\r' || !p.requestLine(b[:end-1]) {
		return -1
	}
	for at := end + 1; ; at += end + 1 {
		end = bytes.IndexByte(b[at:], '\n')
		switch {
		case end < 0:
			return 0
		case end == 0 || b[at+end-1] != '\r':
			return -1
		case end == 1 && !p.host:
			return -1
		case end == 1:
			return at + 2
		case !p.field(b[at : at+end-1]):
			return -1
		}
	}
}

// requestLine reads method, target and version.
func (p *plain) requestLine(line []byte) bool {
	n := bytes.IndexByte(line, ' ')
	if n < 0 {
		return false
	}
	p.name = line[:n]
	switch string(p.name) {
	case "GET":
		p.method = MethodGet
	case "HEAD":
		p.method = MethodHead
	case "OPTIONS":
		p.method = MethodOptions
	default:
		return false
	}
	target, ok := bytes.CutSuffix(line[n+1:], versionSuffix)
	if !ok || len(target) == 0 || target[0] != '/' {
		return false
	}
	for _, c := range target {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	p.target = target
	return true
}

var versionSuffix = []byte(" HTTP/1.1")

// field reads a field line, without its end.
func (p *plain) field(line []byte) bool {
	n := bytes.IndexByte(line, ':')
	if n <= 0 {
		return false
	}
	name, value := line[:n], line[n+1:]
	for _, c := range name {
		if c >= 0x80 || !token[c] {
			return false
		}
	}
	for _, c := range value {
		if c < ' ' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	for len(value) > 0 && (value[0] == ' ' || value[0] == '\t') {
		value = value[1:]
	}
	for n := len(value); n > 0 && (value[n-1] == ' ' || value[n-1] == '\t'); n-- {
		value = value[:n-1]
	}
	return p.note(name, value)
}

// note keeps the value of a field that an answer depends on: the first, where there are several. It reports false for the
// fields that say what is not plain.
func (p *plain) note(name, value []byte) bool {
	first := func(v *[]byte) {
		if *v == nil {
			*v = value
		}
	}
	switch len(name) {
	case 4:
		if is(name, "host") {
			once := !p.host && len(value) > 0
			p.host = true
			return once
		}
	case 5:
		if is(name, "range") {
			first(&p.rng)
		}
	case 6:
		return !is(name, "expect")
	case 7:
		return !is(name, "upgrade") && !is(name, "trailer")
	case 8:
		switch {
		case is(name, "if-match"):
			first(&p.ifMatch)
		case is(name, "if-range"):
			first(&p.ifRange)
		}
	case 10:
		switch {
		case is(name, "user-agent"):
			p.agent = value
		case !is(name, "connection"):
		case string(value) == "close":
			p.last = true
		default:
			return !p.last && is(value, "keep-alive")
		}
	case 13:
		if is(name, "if-none-match") {
			first(&p.ifNoneMatch)
		}
	case 14:
		return !is(name, "content-length")
	case 15:
		switch {
		case is(name, "accept-encoding"):
			first(&p.acceptEncoding)
		case is(name, "x-forwarded-for"):
			p.forwarded = append(p.forwarded, value)
		}
	case 17:
		return !is(name, "transfer-encoding")
	}
	return true
}

// is compares a name with one of the same length in lower case.
func is(name []byte, lowerCase string) bool {
	if len(name) != len(lowerCase) {
		return false
	}
	for i, c := range name {
		if lower(c) != lowerCase[i] {
			return false
		}
	}
	return true
}

// token tells the bytes of a field's name.
var token = func() (is [0x80]bool) {
	for c := range is {
		is[c] = '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' ||
			bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), byte(c)) >= 0
	}
	return is
}()
