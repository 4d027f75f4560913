//go:build linux

package play

import (
	"slices"
	"strings"
	"testing"
)

// script is a user that notes what it is told.
type script struct {
	conn *conn
	said []string
	body strings.Builder
	more int // how often it asks again
}

func (s *script) status(code int, _ int64) { s.said = append(s.said, string(rune('0'+code/100))) }
func (s *script) data(b []byte, _ int64)   { s.body.Write(b) }
func (s *script) failed(err error)         { s.said = append(s.said, "failed: "+err.Error()) }
func (s *script) ended(int64) {
	s.said = append(s.said, s.body.String())
	s.body.Reset()
	if s.more--; s.more >= 0 {
		s.conn.busy, s.conn.reading = true, reading{}
	}
}

const answers = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\n\r\nhello" +
	"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" +
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\n0A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n" +
	"HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\n\r\n"

// TestReading cuts answers in pieces of every size.
func TestReading(t *testing.T) {
	want := []string{"2", "hello", "4", "", "2", "abc0123456789", "3", ""}
	for size := 1; size <= len(answers); size++ {
		u := &script{more: 3}
		u.conn = &conn{swarm: &swarm{faults: map[string]int{}}, user: u, fd: -1, busy: true}
		for piece := range slices.Chunk([]byte(answers), size) {
			u.conn.take(piece, 1)
		}
		if !slices.Equal(u.said, want) {
			t.Fatalf("in pieces of %d: %q, want %q", size, u.said, want)
		}
	}
}

func FuzzReading(f *testing.F) {
	f.Add([]byte(answers), 7)
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n"), 1)
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), 3)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		if size < 1 {
			return
		}
		u := &script{more: 10}
		u.conn = &conn{swarm: &swarm{faults: map[string]int{}}, user: u, fd: -1, busy: true}
		for piece := range slices.Chunk(b, size) {
			u.conn.take(piece, 1)
			if r := &u.conn.reading; u.conn.busy && r.left < 0 || len(r.head) > maxHead+len(piece) {
				t.Fatalf("%+v", r)
			}
		}
	})
}

func TestReadTail(t *testing.T) {
	for chunks, want := range map[int]tail{
		8:  {msn: 1, parts: 3, part: []byte("p1.2"), hint: []byte("p1.3")},
		10: {msn: 2, parts: 0, part: []byte("p1.4"), hint: []byte("p2.0")},
		0:  {hint: []byte("p0.0")},
	} {
		got, err := readTail([]byte(list(chunks)))
		if err != nil || got.msn != want.msn || got.parts != want.parts || string(got.part) != string(want.part) || string(got.hint) != string(want.hint) {
			t.Errorf("after %d chunks: %+v, %v; want %+v", chunks, got, err, want)
		}
	}
	if _, err := readTail([]byte("#EXTM3U\n#EXTINF:2,\na\n")); err == nil {
		t.Error("no media sequence: no error")
	}
	if got := blocking("/l?a=b", 7, 0); got != "/l?a=b&_HLS_msn=7&_HLS_part=0" {
		t.Error(got)
	}
}

func FuzzReadTail(f *testing.F) {
	f.Add([]byte(list(8)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := readTail(b); err == nil && (got.msn < 0 || got.parts < 0) {
			t.Fatalf("%+v", got)
		}
	})
}
