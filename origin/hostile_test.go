package origin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestHostileRequests sends what no client should, on a real socket, and compares the statuses of all answers.
func TestHostileRequests(t *testing.T) {
	s, _ := newTestServer(t, Config{}, 5000, 3)
	addr := serve(t, s)
	const smuggled = "GET /time HTTP/1.1\r\nHost: smuggled\r\n\r\n"
	for name, c := range map[string]struct {
		request string
		want    string
	}{
		"two in a row":                  {"GET /time HTTP/1.1\r\nHost: x\r\n\r\n" + smuggled, "200 200"},
		"last one":                      {"GET /time HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + smuggled, "200 closed"},
		"HTTP/1.0":                      {"GET /time HTTP/1.0\r\n\r\n", "200 closed"},
		"unknown method":                {"BREW /time HTTP/1.1\r\nHost: x\r\n\r\n", "405"},
		"CONNECT":                       {"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", "405"},
		"nonsense":                      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400 closed"},
		"HTTP/2 preface":                {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "405 closed"},
		"path of 5000 bytes":            {"GET /" + strings.Repeat("a", 5000) + " HTTP/1.1\r\nHost: x\r\n\r\n", "414"},
		"path of 100 KB":                {"GET /" + strings.Repeat("a", 100_000) + " HTTP/1.1\r\nHost: x\r\n\r\n", "414 closed"},
		"header of 100 KB":              {"GET /time HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 100_000) + "\r\n\r\n", "431 closed"},
		"10,000 headers":                {"GET /time HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", 10_000) + "\r\n", "431 closed"},
		"header without end":            {"GET /time HTTP/1.1\r\nHost: x\r\nX: y", "400 closed"},
		"body":                          {"POST /time HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" + strings.Repeat("a", 5000), "413 closed"},
		"body of a GET":                 {"GET /time HTTP/1.1\r\nHost: x\r\nContent-Length: 38\r\n\r\n" + smuggled, "413 closed"},
		"body of a petabyte":            {"PUT /time HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999999\r\n\r\n", "413 closed"},
		"length too large for a number": {"PUT /time HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", "400 closed"},
		"negative length":               {"GET /time HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400 closed"},
		"length with a sign":            {"GET /time HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\n", "400 closed"},
		"two lengths":                   {"GET /time HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\n" + smuggled, "400 closed"},
		"length and chunked":            {"GET /time HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, "200 closed"},
		"chunked twice":                 {"GET /time HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled, "400 closed"},
		"odd transfer coding":           {"GET /time HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n" + smuggled, "400 closed"},
		"space before the colon":        {"GET /time HTTP/1.1\r\nHost: x\r\nContent-Length : 40\r\n\r\n" + smuggled, "400 closed"},
		"folded header":                 {"GET /time HTTP/1.1\r\nHost: x\r\nX: y\r\n Content-Length: 40\r\n\r\n" + smuggled, "200 200"}, // X is "y Content-Length: 40"
		"NUL in a header":               {"GET /time HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n", "400 closed"},
		"chunked body that is large":    {"POST /time HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" + strings.Repeat("a", 0xffff) + "\r\n0\r\n\r\n", "413 closed"},
		"chunk size that is not one":    {"POST /time HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400 closed"},
		"expectation":                   {"POST /time HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n", "413 closed"},
		"upgrade":                       {"GET /time HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n", "200"},
		"dots":                          {"GET /page/../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "404"},
		"encoded dots":                  {"GET /page/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "404"},
		"absolute form":                 {"GET http://other/time HTTP/1.1\r\nHost: x\r\n\r\n", "200"},
		"asterisk":                      {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "204"},
		"line feeds alone":              {"GET /time HTTP/1.1\nHost: x\n\n", "400 closed"},
	} {
		if got := converse(t, addr, c.request); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

// TestUglyURLs bends good URLs in every way that a URL can be bent, over real sockets: no answer is a fault of ours.
//
// Source: assertion 108 of the reference on delivery.
func TestUglyURLs(t *testing.T) {
	s, _ := newTestServer(t, Config{}, 5000, 3)
	addr := serve(t, s)
	good := []string{
		base + "manifest(format=m3u8-cmaf)", base + "manifest(format=mpd-time-cmaf)", base + "manifest", base + "manifest(format=fmp4-v20)",
		base + "QualityLevels(3000000)/Manifest(Video,format=m3u8-cmaf).m3u8",
		base + "QualityLevels(3000000)/Manifest(Video,format=m3u8-cmaf,type=keyframes).m3u8",
		base + "QualityLevels(3000000)/Fragments(Video=0)", base + "QualityLevels(3000000)/KeyFrames(Video=0)",
		base + "QualityLevels(3000000)/FragmentInfo(Video=0)", videoPath(firstN), "/time", "/", "/page/",
	}
	long := strings.Repeat("a", 8000)
	requests := 0
	for _, path := range good {
		last := len(path) - 1
		ugly := []string{
			path, path + "?" + long, path + "?a=b&a=c&=&&&a", path + "?%00=%00", path + "%00", path + "%00.m3u8", path + "/..", path + "/../../..",
			path + "/%2e%2e/%2e%2e/", "/.." + path, "/%2e%2e%2f" + path, "/" + path, "//" + path + "//", path + ")", path + "((((", "(" + path,
			path + long, long + path, path[:last] + long + path[last:], path[:last], path[1:], path + "%", path + "%z", path + "%c0%af", path + "\xff\xfe",
			path + ";a=b", path + "#x", path + "\\..\\..", strings.ToUpper(path), strings.ReplaceAll(path, "(", "%28"),
			strings.ReplaceAll(path, "=", "=="), strings.ReplaceAll(path, "=", "=-"), strings.ReplaceAll(path, "=", "=99999999999999999999999"),
			strings.ReplaceAll(path, ",", ",,,,"), strings.ReplaceAll(path, "/", "//"), strings.ReplaceAll(path, "(", "("+long[:3000]),
			strings.ReplaceAll(path, "format=", "format=m3u8-cmaf,format="), strings.ReplaceAll(path, "3000000", "-1"),
			strings.ReplaceAll(path, "3000000", "0x10"), strings.ReplaceAll(path, "Video", "%56ideo,Video=Video"),
			strings.ReplaceAll(path, "=n", "=i"), strings.ReplaceAll(path, "=n", "=n-"), path + ",part=99999999999)", path + "(filter=" + strings.Repeat("x;", 1000) + ")",
		}
		for _, u := range ugly {
			requests++
			for _, header := range []string{"", "Range: bytes=-99999999999999999999,5-3,--\r\nIf-None-Match: " + long[:5000] + "\r\nAccept-Encoding: gzip;q=9e999,,;\r\n"} {
				if got := converse(t, addr, "GET "+u+" HTTP/1.1\r\nHost: x\r\n"+header+"\r\n"); got == "" || strings.HasPrefix(got, "5") {
					t.Errorf("GET %.200s: %q", u, got)
				}
			}
		}
	}
	if n := s.metrics.panics.Load(); n != 0 {
		t.Errorf("%d panics", n)
	}
	t.Logf("%d URLs", requests)
}

// converse sends a request as it is, with nothing behind it, and returns the statuses of what comes back; "closed" where
// the server says or shows that it takes no more.
func converse(t *testing.T, addr, request string) string {
	t.Helper()
	c := dial(t, addr)
	go func() {
		_, _ = io.WriteString(c, request) // the server may close before all is sent
		_ = c.Conn.(*net.TCPConn).CloseWrite()
	}()
	var got []string
	for {
		resp, err := http.ReadResponse(c.r, nil)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			got = append(got, resp.Status[:3])
		}
		if err != nil {
			return strings.Join(got, " ")
		}
		if resp.Close {
			got = append(got, "closed")
		}
	}
}

// TestSlowSender is cut although it sends a byte now and then: a request has one deadline.
func TestSlowSender(t *testing.T) {
	s, _ := newTestServer(t, Config{ReadTimeout: 200 * time.Millisecond}, 5000, 3)
	c := dial(t, serve(t, s))
	for i := range 100 {
		if _, err := io.WriteString(c, "GET /time HTTP/1.1\r\n"[i%20:i%20+1]); err != nil {
			return // reset: the server has gone
		}
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if resp, err := http.ReadResponse(c.r, nil); err == nil {
			if resp.StatusCode != 408 {
				t.Errorf("got %s, want 408", resp.Status)
			}
			return
		}
	}
	t.Error("a sender that takes two seconds for a request was not cut")
}

// large is more than the kernel buffers between the two ends of a connection.
const large = 12 << 20

// slowly starts a GET and leaves the reading to the caller.
func slowly(t *testing.T, addr, path string) dialed {
	t.Helper()
	c := dial(t, addr)
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSlowReader is cut when it takes nothing any more, long before its answer would have been due as a whole.
func TestSlowReader(t *testing.T) {
	const size = large
	s, _ := newTestServer(t, Config{WriteGrace: 200 * time.Millisecond, MinRate: 1 << 20}, size, 1)
	addr := serve(t, s)
	slowly(t, addr, videoPath(firstN))
	start := time.Now()
	for s.metrics.kinds[KindSegment].requests[statusIndex[200]].Load() == 0 {
		if time.Since(start) > 5*time.Second { // at the least rate the whole would take 24 s
			t.Fatal("a reader that takes nothing holds its connection")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if n := s.metrics.kinds[KindSegment].bytes.Load(); n == 0 || n >= size {
		t.Errorf("%d bytes counted, want those that the kernel took", n)
	}
}

// TestSteadyReader is served to the end although the whole takes longer than the deadline of any piece.
func TestSteadyReader(t *testing.T) {
	const size = large
	s, _ := newTestServer(t, Config{WriteGrace: 200 * time.Millisecond, MinRate: pieceBytes}, size, 1)
	c := slowly(t, serve(t, s), videoPath(firstN))
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, buf := 0, make([]byte, 1<<20)
	for { // a piece has 1.1 to 1.4 s, the whole takes about 2 s
		n, err := io.ReadFull(resp.Body, buf)
		got += n
		if err != nil {
			break
		}
		time.Sleep(160 * time.Millisecond)
	}
	if got != size {
		t.Errorf("got %d bytes, want %d", got, size)
	}
}

// TestBodyOutlivesItsSegment has the segment leave the window, and the collector run, while a reader is in the middle.
func TestBodyOutlivesItsSegment(t *testing.T) {
	const size = large
	s, c := newTestServer(t, Config{}, size, 1)
	r := slowly(t, serve(t, s), videoPath(firstN))
	resp, err := http.ReadResponse(r.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, size/4, size)
	if _, err := io.ReadFull(resp.Body, got); err != nil {
		t.Fatal(err)
	}
	c.bytes = 1000
	c.list(0, 60, false)
	if ask(s, videoPath(firstN)).Status != 404 {
		t.Fatal("the segment is still in the window")
	}
	for range 5 {
		runtime.GC()
	}
	rest, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got = append(got, rest...); !bytes.Equal(got, segmentBytes("Video", firstN, size)) {
		t.Errorf("%d bytes that differ from the segment's %d", len(got), size)
	}
}

// TestPanicStaysInItsRequest: a request that panics is answered 500, and the connection goes on.
func TestPanicStaysInItsRequest(t *testing.T) {
	s, _ := newTestServer(t, Config{}, 5000, 3)
	s.SetRoutes(&Routes{Locators: map[string]*Locator{
		"l": {ID: "l", Presentations: map[string]*Presentation{"broken": {}}}, // not made by NewPresentation
	}})
	c := dial(t, serve(t, s))
	for _, q := range []struct {
		path string
		want int
	}{{"/l/broken.ism/manifest(format=m3u8-cmaf)", 500}, {"/time", 200}} {
		if _, err := io.WriteString(c, "GET "+q.path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != q.want {
			t.Errorf("GET %s = %s, %v; want %d", q.path, resp.Status, err, q.want)
		}
	}
	if n := s.metrics.panics.Load(); n != 1 {
		t.Errorf("%d panics counted, want 1", n)
	}
}

// TestCaps refuses the connection beyond a cap at once, and takes the next when one has gone.
func TestCaps(t *testing.T) {
	for name, config := range map[string]Config{"all": {MaxConns: 2}, "one peer": {MaxConnsPerIP: 2}} {
		t.Run(name, func(t *testing.T) {
			s := New(config)
			addr := serve(t, s)
			first, second := dial(t, addr), dial(t, addr)
			for _, c := range []dialed{first, second} {
				if got := roundTripStatus(t, c); got != 200 {
					t.Fatalf("within the cap: %d", got)
				}
			}
			if got := converse(t, addr, ""); got != "503 closed" {
				t.Errorf("beyond the cap: %s, want 503 closed", got)
			}
			if s.metrics.refused.Load() != 1 {
				t.Errorf("%d refused connections counted, want 1", s.metrics.refused.Load())
			}
			first.Close()
			for s.conns() > 1 {
				time.Sleep(time.Millisecond)
			}
			if got := roundTripStatus(t, dial(t, addr)); got != 200 {
				t.Errorf("after one has gone: %d", got)
			}
		})
	}
}

func roundTripStatus(t *testing.T, c dialed) int {
	t.Helper()
	if _, err := io.WriteString(c, "GET /time HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// TestShutdown lets a running answer end, closes idle connections, and takes no more.
func TestShutdown(t *testing.T) {
	const size = large
	s, _ := newTestServer(t, Config{}, size, 1)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	addr := ln.Addr().String()
	idle := dial(t, addr)
	roundTripStatus(t, idle)
	busy := slowly(t, addr, videoPath(firstN))
	resp, err := http.ReadResponse(busy.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	down := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		down <- s.Shutdown(ctx)
	}()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := idle.r.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("idle connection: %v, want EOF", err)
	}
	if c, err := net.Dial("tcp", addr); err == nil {
		c.Close()
		t.Error("a new connection is taken during shutdown")
	}
	if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
		t.Errorf("the running answer gave %d bytes, %v; want %d", n, err, size)
	}
	if err := <-down; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// TestShutdownCutsWhatDoesNotEnd: a reader that takes nothing does not hold the process.
func TestShutdownCutsWhatDoesNotEnd(t *testing.T) {
	s, _ := newTestServer(t, Config{}, large, 1)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(ln)
	c := slowly(t, ln.Addr().String(), videoPath(firstN))
	if _, err := c.r.ReadByte(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v, want the context's error", err)
	}
	for start := time.Now(); s.conns() > 0; time.Sleep(time.Millisecond) {
		if time.Since(start) > 2*time.Second {
			t.Fatal("the connection was not cut")
		}
	}
}
