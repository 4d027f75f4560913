package origin

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"os"
	"regexp"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/sys/unix"
)

var theTime = regexp.MustCompile(`\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ`)

// FuzzLane sends bytes to a lane in pieces: whatever they are, the lane answers as it does where they come at once, and closes
// the connection when its client has.
func FuzzLane(f *testing.F) {
	const get = "GET /time HTTP/1.1\r\nHost: x\r\n\r\n"
	f.Add([]byte(get+get+get), uint16(5), uint16(40))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\nHEAD /page/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"+get), uint16(1), uint16(30))
	f.Add([]byte("GET /page/a HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"+get), uint16(70), uint16(90))
	f.Add([]byte("GET /page/a HTTP/1.1\r\nHost: x\r\n\r\nGET /page/a HTTP/1.0\r\n\r\n"), uint16(33), uint16(34))
	f.Add([]byte("GET /page/a HTTP/1.1\r\nHost: x\r\n y\r\n\r\nGET /page/a HTTP/1.1\nHost: x\n\n"), uint16(33), uint16(2))
	files := fstest.MapFS{"index.html": {Data: []byte("x")}, "a": {Data: bytes.Repeat([]byte("0123456789"), 50_000)}}
	s := New(Config{Page: files, Now: func() time.Time { return time.Unix(1_700_000_000, 0) }})
	from := s.listen(nil)
	lane := s.lanes.pick()
	f.Fuzz(func(t *testing.T, b []byte, first, second uint16) {
		if len(b) > 4096 {
			return
		}
		at := min(int(first), len(b))
		pieces := [][]byte{b[:at], b[at:][:min(int(second), len(b)-at)], b[at:][min(int(second), len(b)-at):]}
		want, got := converseWith(t, lane, from, b), converseWith(t, lane, from, pieces...)
		if !bytes.Equal(got, want) {
			t.Fatalf("%q is answered %.1000q, and in pieces of %d and %d bytes %.1000q", b, want, at, len(pieces[1]), got)
		}
		if n := s.metrics.panics.Load(); n != 0 {
			t.Fatal("a panic")
		}
	})
}

// converseWith sends pieces to a lane over a pair of sockets and returns all that comes back.
func converseWith(t *testing.T, l *lane, from *listener, pieces ...[]byte) []byte {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(pair[1]), "")
	nc, err := net.FileConn(file)
	_ = file.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	peer := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if !from.book(peer) || !l.add(from, pair[0], peer) {
		t.Fatal("not taken")
	}
	_ = nc.SetDeadline(time.Now().Add(5 * time.Second))
	go func() {
		for _, p := range pieces {
			_, _ = nc.Write(p) // the lane may have closed it
		}
		_ = nc.(*net.UnixConn).CloseWrite()
	}()
	b, err := io.ReadAll(nc)
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		t.Fatalf("no end after %q", b)
	}
	return theTime.ReplaceAll(volatile.ReplaceAll(b, []byte("${1}…\r")), nil)
}
