package origin

import (
	"bufio"
	"bytes"
	"net"
	"testing"
	"time"
)

var (
	blankLine   = []byte("\r\n\r\n")
	lengthField = []byte("\r\nContent-Length: ")
)

// headerEnd is where the body starts, 0 while the header is not whole.
func headerEnd(b []byte) int {
	if i := bytes.Index(b, blankLine); i >= 0 {
		return i + len(blankLine)
	}
	return 0
}

// contentLength is the length that a header states, 0 where it states none.
func contentLength(header []byte) int {
	_, rest, ok := bytes.Cut(header, lengthField)
	if !ok {
		return 0
	}
	n := 0
	for _, c := range rest {
		if c < '0' || c > '9' {
			break
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// A dialed is a plain connection to a server, with a reader for its answers.
type dialed struct {
	net.Conn
	r *bufio.Reader
}

func dial(t testing.TB, addr string) dialed {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return dialed{c, bufio.NewReader(c)}
}
