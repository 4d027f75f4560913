//go:build linux

package play

import (
	"bytes"
	"errors"
	"fmt"
)

// A reading is where in an answer its reader is.
type reading struct {
	mode mode
	code int
	left int64  // of the body, or of the running piece of it
	last bool   // the connection is closed behind this answer
	head []byte // of a header or line that has not come whole
}

type mode uint8

const (
	header   mode = iota
	counted       // a body with Content-Length
	toClose       // a body that ends with the connection
	size          // a chunked body: the line with a piece's size
	piece         // its bytes
	pieceEnd      // the line end behind it
	trailer       // a line behind the last piece
	whole         // the answer has ended
)

// maxHead is the longest header that is taken.
const maxHead = 16 << 10

var errHead = errors.New("a header without end")

// collect returns what comes up to and with end, and the rest. It is nil while the end has not come; the pieces are then
// kept in r.head. What it returns is valid until the next call, or until b is.
func (r *reading) collect(b []byte, end string) (whole, rest []byte, err error) {
	if len(r.head) == 0 {
		if i := bytes.Index(b, []byte(end)); i >= 0 {
			return b[:i+len(end)], b[i+len(end):], nil
		}
	}
	was := len(r.head)
	r.head = append(r.head, b...)
	i := bytes.Index(r.head[max(0, was-len(end)+1):], []byte(end))
	if i < 0 {
		if len(r.head) > maxHead {
			return nil, nil, errHead
		}
		return nil, nil, nil
	}
	n := max(0, was-len(end)+1) + i + len(end)
	return r.head[:n], b[n-was:], nil
}

// begin reads a header.
func (r *reading) begin(head []byte) error {
	if len(head) < 12 || string(head[:7]) != "HTTP/1." {
		return fmt.Errorf("not HTTP/1: %.20q", head)
	}
	code, err := atoi(head[9:12], 10)
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	r.code, r.mode, r.left = int(code), toClose, 0
	if code < 200 { // a word in between; the answer follows
		r.mode = header
		return nil
	}
	for line := range bytes.Lines(head) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		value = bytes.TrimSpace(value)
		switch {
		case fold(name, "content-length") && r.mode != size:
			r.mode = counted
			if r.left, err = atoi(value, 10); err != nil {
				return fmt.Errorf("content-length: %w", err)
			}
		case fold(name, "transfer-encoding") && fold(value, "chunked"):
			r.mode = size
		case fold(name, "connection") && fold(value, "close"):
			r.last = true
		}
	}
	if r.code == 204 || r.code == 304 {
		r.mode, r.left = counted, 0
	}
	r.last = r.last || r.mode == toClose
	return nil
}

func fold(b []byte, s string) bool { return len(b) == len(s) && bytes.EqualFold(b, []byte(s)) }

// line reads a line between the pieces of a chunked body.
func (r *reading) line(line []byte) error {
	line = bytes.TrimRight(line, "\r\n")
	switch r.mode {
	case size:
		digits, _, _ := bytes.Cut(line, []byte(";"))
		n, err := atoi(bytes.TrimSpace(digits), 16)
		if err != nil {
			return fmt.Errorf("chunk size: %w", err)
		}
		if r.left, r.mode = n, piece; n == 0 {
			r.mode = trailer
		}
	case pieceEnd:
		if len(line) > 0 {
			return fmt.Errorf("%.20q behind a piece", line)
		}
		r.mode = size
	case trailer:
		if len(line) == 0 {
			r.mode = whole
		}
	}
	return nil
}
