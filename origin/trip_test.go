package origin

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestHeldKeepsItsRequest: what a request said still holds when it has waited, though the library has it no more; also
// where the next one came with it, or half of it.
func TestHeldKeepsItsRequest(t *testing.T) {
	for name, behind := range map[string]string{
		"alone": "", "another behind it": "GET /time HTTP/1.1\r\nHost: x\r\n\r\n", "half of another behind it": "GET /time HT",
	} {
		t.Run(name, func(t *testing.T) {
			s, c := newLowServer(t)
			conn := dial(t, serve(t, s))
			request := fmt.Sprintf("GET %s?_HLS_msn=%d&_HLS_part=%d&_HLS_skip=YES HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nIf-None-Match: \"other\"\r\n\r\n",
				strings.ReplaceAll(videoList, "Video", "%56ideo"), openN, openParts)
			if _, err := io.WriteString(conn, request+behind); err != nil {
				t.Fatal(err)
			}
			waitFor(t, func() bool { return s.metrics.waiting.Load() == 1 })
			other := dial(t, conn.RemoteAddr().String()) // what is given back while it waits is used for others
			for range 20 {
				roundTripStatus(t, other)
			}
			c.part(c.video, openN, openParts)
			c.Publish()
			resp, err := http.ReadResponse(conn.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if held := resp.Header.Get("CMSD-Static"); !strings.HasPrefix(held, "ht=") {
				t.Errorf("it says %q of how long it was held", held)
			}
			z, err := gzip.NewReader(resp.Body)
			if err != nil || resp.Header.Get("Content-Encoding") != "gzip" {
				t.Fatalf("%s, %v: %v", resp.Status, resp.Header, err)
			}
			b, err := io.ReadAll(z)
			if want := fmt.Sprintf("=n%d,part=%d)", openN, openParts); err != nil || resp.StatusCode != 200 || !bytes.Contains(b, []byte(want)) {
				t.Errorf("%s, %v, without %s:\n%s", resp.Status, err, want, b)
			}
			_, _ = io.Copy(io.Discard, resp.Body) // the end of its last chunk
			if rest := "GET /time HTTP/1.1\r\nHost: x\r\n\r\n"[len(behind):]; len(behind) > 0 && rest != "" {
				if _, err := io.WriteString(conn, rest); err != nil {
					t.Fatal(err)
				}
			}
			if len(behind) == 0 {
				if got := roundTripStatus(t, conn); got != 200 {
					t.Errorf("the next request = %d", got)
				}
			} else if resp, err := http.ReadResponse(conn.r, nil); err != nil || resp.StatusCode != 200 {
				t.Errorf("the next request = %v, %v", resp, err)
			}
		})
	}
}

func waitFor(t *testing.T, what func() bool) {
	t.Helper()
	for began := time.Now(); !what(); time.Sleep(time.Millisecond) {
		if time.Since(began) > 5*time.Second {
			t.Fatal("it does not come")
		}
	}
}

// TestRequestInPieces: a request may come as its sender likes, and be longer than what is read ahead.
func TestRequestInPieces(t *testing.T) {
	s, _ := newTestServer(t, Config{}, 5000, 3)
	conn := dial(t, serve(t, s))
	long := "GET /time HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("x", 3*aheadBytes) + "\r\n\r\n"
	for _, size := range []int{1, 100, aheadBytes - 1, aheadBytes, aheadBytes + 1, len(long)} {
		from := 0
		if size == 1 {
			from = len(long) - 40 // not 6000 segments of TCP
			if _, err := io.WriteString(conn, long[:from]); err != nil {
				t.Fatal(err)
			}
		}
		for ; from < len(long); from += size {
			if _, err := io.WriteString(conn, long[from:min(from+size, len(long))]); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Microsecond) // pieces of TCP, mostly
		}
		resp, err := http.ReadResponse(conn.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
			t.Fatalf("in pieces of %d: %s, %v", size, resp.Status, err)
		}
	}
}

// TestKeepAliveOfHTTP10: who asks for it gets it, and is told so.
func TestKeepAliveOfHTTP10(t *testing.T) {
	s, _ := newTestServer(t, Config{}, 5000, 3)
	conn := dial(t, serve(t, s))
	for range 2 {
		if _, err := io.WriteString(conn, "GET /time HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(conn.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 || resp.Header.Get("Connection") != "keep-alive" {
			t.Errorf("%s, %v, %v", resp.Status, resp.Header, err)
		}
	}
}

// TestIdleEnds: a connection without requests is closed in time, without a word.
func TestIdleEnds(t *testing.T) {
	s, _ := newTestServer(t, Config{ReadTimeout: 100 * time.Millisecond, IdleTimeout: 100 * time.Millisecond}, 5000, 3)
	addr := serve(t, s)
	unused, used := dial(t, addr), dial(t, addr)
	roundTripStatus(t, used)
	for name, c := range map[string]dialed{"unused": unused, "used": used} {
		if b, err := io.ReadAll(c.r); err != nil || len(b) > 0 {
			t.Errorf("%s: %q, %v; want its end", name, b, err)
		}
	}
}
