package origin

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
)

// A libraryListener hides what its connections are, so that none of them goes to a lane.
type libraryListener struct{ net.Listener }

func (l libraryListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return struct{ net.Conn }{c}, err
}

// serveBoth serves s by lanes and by the library, and returns the addresses.
func serveBoth(t *testing.T, s *Server) (addrs [2]string) {
	t.Helper()
	addrs[0] = serve(t, s)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(libraryListener{ln}) // Shutdown ends it, too
	addrs[1] = ln.Addr().String()
	return addrs
}

var volatile = regexp.MustCompile(`(?m)^(Date: |Cmsd-Static: ht=).*\r$`)

// comparable is what came over a connection with the fields of each answer in alphabetical order, and without what the time
// changes.
func comparable(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		n := headerEnd(b)
		if n == 0 || !bytes.HasPrefix(b, []byte("HTTP/1.1 ")) {
			break
		}
		lines := strings.SplitAfter(volatile.ReplaceAllString(string(b[:n]), "${1}…\r"), "\r\n")
		slices.Sort(lines[1:])
		out.WriteString(strings.Join(lines, ""))
		b = b[n:]
		next := bytes.Index(b, []byte("HTTP/1.1 "))
		if next < 0 {
			next = len(b)
		}
		out.Write(b[:next])
		b = b[next:]
	}
	return out.String() + string(b)
}

// TestLaneSaysTheSame sends requests of all kinds to a lane and to the library: both send the same fields and the same bytes.
func TestLaneSaysTheSame(t *testing.T) {
	files := fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}, "a.js": {Data: bytes.Repeat([]byte("x"), 5000)}}
	s, c := newTestServer(t, Config{Page: files, ListChannels: true, Now: func() time.Time { return time.Unix(1700000000, 0) }}, 2_500_000, 5)
	addrs := serveBoth(t, s)
	c.grow(0)
	etag := ask(s, videoPath(firstN)).ETag
	asked := 0
	for _, path := range []string{
		videoPath(firstN), audioPath(firstN), videoPath(1), videoPath(c.next + 30), videoPath(c.next), base + "manifest", base + "manifest(format=m3u8-cmaf)",
		base + "manifest(format=mpd-time-cmaf)", videoList, videoList + "?_HLS_msn=3", videoList + "?_HLS_msn=x", "/time", "/", "/page/a.js", "/page/channels.json",
		"/page/none", "/none/x.ism/manifest", base + "manifest(format=none)", base + "manifest(encryption=cenc)", keyFramePath(firstN),
	} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST"} {
			for _, fields := range []string{
				"", "Accept-Encoding: gzip\r\n", "Range: bytes=100-199\r\n", "Range: bytes=0-0\r\nIf-Range: " + etag + "\r\n", "Range: bytes=99999999-\r\n",
				"If-None-Match: *\r\n", "If-None-Match: " + etag + "\r\n", "If-Match: \"x\"\r\n", "X-Forwarded-For: 192.0.2.1\r\nUser-Agent: x\r\n",
			} {
				if path == videoPath(c.next) && method == "GET" && !strings.HasPrefix(fields, "Range: bytes=1") {
					continue // it does not end
				}
				request := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n", method, path, fields)
				last := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", method, path, fields)
				got, want := all(t, addrs[0], request+last), all(t, addrs[1], request+last)
				if asked++; got != want {
					t.Fatalf("%s\nis answered by lanes\n%.3000s\nby the library\n%.3000s", request, got, want)
				}
			}
		}
	}
	t.Logf("%d requests", asked)
}

// TestLaneLogsTheSame: who asked, behind proxies too, and what the access log says of it.
func TestLaneLogsTheSame(t *testing.T) {
	var mu sync.Mutex
	var out bytes.Buffer
	handler := slog.NewTextHandler(lockedWriter{&mu, &out}, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == "time" || a.Key == "took" {
			return slog.Attr{}
		}
		return a
	}})
	proxies := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	s, _ := newTestServer(t, Config{AccessLog: true, Logger: slog.New(handler), TrustedProxies: proxies}, 5000, 3)
	s.Routes().Locators[Fold(testLocator)].Allow = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	addrs := serveBoth(t, s)
	for fields, status := range map[string]string{
		"X-Forwarded-For: 192.0.2.7\r\n":                                            "200",
		"X-Forwarded-For: 198.51.100.1, 192.0.2.8\r\nX-Forwarded-For: 10.1.2.3\r\n": "200",
		"X-Forwarded-For: 192.0.2.7, 198.51.100.1\r\nUser-Agent: player\r\n":        "403",
		"User-Agent: one\r\nUser-Agent: two\r\n":                                    "403",
	} {
		var said [2]string
		for i, addr := range addrs {
			mu.Lock()
			out.Reset()
			mu.Unlock()
			got := all(t, addr, "GET "+videoPath(firstN)+"?a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+fields+"\r\n")
			if !strings.HasPrefix(got, "HTTP/1.1 "+status) {
				t.Errorf("%q is answered %.30q, want %s", fields, got, status)
			}
			waitFor(t, func() bool {
				mu.Lock()
				defer mu.Unlock()
				said[i] = out.String()
				return strings.HasSuffix(said[i], "\n")
			})
		}
		if said[0] != said[1] || !strings.Contains(said[0], "status="+status) {
			t.Errorf("%q: of a lane the log says\n%s\nof the library\n%s", fields, said[0], said[1])
		}
	}
}

type lockedWriter struct {
	mu  *sync.Mutex
	out *bytes.Buffer
}

func (w lockedWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(b)
}

// all is what an address answers until it closes the connection, comparable.
func all(t *testing.T, addr, requests string) string {
	t.Helper()
	c := dial(t, addr)
	go io.WriteString(c, requests)
	b, err := io.ReadAll(c.r)
	if err != nil {
		t.Fatalf("%v after %q", err, b)
	}
	c.Close()
	return comparable(b)
}

// TestLaneWaitsTheSame: requests that are held, and segments that grow, over a lane and by the library.
func TestLaneWaitsTheSame(t *testing.T) {
	s, c := newLowServer(t)
	addrs := serveBoth(t, s)
	var conns [2]dialed
	requests := []string{
		fmt.Sprintf("GET %s?_HLS_msn=%d&_HLS_part=%d HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n", videoList, openN, openParts),
		fmt.Sprintf("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", partPath(openN, openParts+1)),
		fmt.Sprintf("GET %s HTTP/1.1\r\nHost: x\r\nRange: bytes=5-9\r\n\r\n", partPath(openN, openParts+2)),
	}
	for i := range conns {
		conns[i] = dial(t, addrs[i])
	}
	for k, request := range requests {
		for i := range conns {
			if _, err := io.WriteString(conns[i], request); err != nil {
				t.Fatal(err)
			}
		}
		waitFor(t, func() bool { return s.metrics.waiting.Load() == 2 })
		time.Sleep(2 * time.Millisecond) // so that both were held for as long as the field can say
		c.part(c.video, openN, openParts+k)
		c.Publish()
		var got [2]string
		for i := range conns {
			got[i] = comparable(conns[i].answer(t))
		}
		if got[0] != got[1] || !strings.Contains(got[0], "Cmsd-Static: ht=…") {
			t.Errorf("%s\nis answered by lanes\n%s\nby the library\n%s", request, got[0], got[1])
		}
	}
	if n := s.metrics.waiting.Load(); n != 0 {
		t.Errorf("%d wait", n)
	}

	s, c = newTestServer(t, Config{}, 3_000_000, 3)
	addrs = serveBoth(t, s)
	c.grow(0)
	for i := range conns {
		conns[i] = dial(t, addrs[i])
		if _, err := fmt.Fprintf(conns[i], "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", videoPath(c.next)); err != nil {
			t.Fatal(err)
		}
	}
	var got [2][]byte
	for k := 1; k <= 3; k++ {
		for i := range conns {
			for len(got[i]) < []int{1_000_000, 1_500_000}[min(k, 2)-1] {
				got[i] = slices.Grow(got[i], 1<<16)
				n, err := conns[i].r.Read(got[i][len(got[i]):cap(got[i])])
				if err != nil {
					t.Fatal(err)
				}
				got[i] = got[i][:len(got[i])+n]
			}
		}
		if k < 3 {
			c.grow(k)
		}
	}
	for i := range conns {
		rest, err := io.ReadAll(conns[i].r)
		if err != nil {
			t.Fatal(err)
		}
		got[i] = append(got[i], rest...)
	}
	if a, b := comparable(got[0]), comparable(got[1]); a != b {
		t.Errorf("a growing segment: by lanes %d bytes, %.600s, by the library %d, %.600s", len(a), a, len(b), b)
	}
}

// answer reads one answer that has a length.
func (c *dialed) answer(t *testing.T) []byte {
	t.Helper()
	var b []byte
	for {
		n := headerEnd(b)
		if n > 0 && len(b) >= n+contentLength(b[:n]) {
			return b
		}
		chunk := make([]byte, 4096)
		m, err := c.r.Read(chunk)
		if err != nil {
			t.Fatalf("%v after %q", err, b)
		}
		b = append(b, chunk[:m]...)
	}
}

// TestGoneWhileHeld: who has gone is not held any longer.
func TestGoneWhileHeld(t *testing.T) {
	for name, leave := range map[string]func(dialed){
		"closed": func(c dialed) { c.Close() },
		"half":   func(c dialed) { _ = c.Conn.(*net.TCPConn).CloseWrite() },
		"reset":  func(c dialed) { _ = c.Conn.(*net.TCPConn).SetLinger(0); c.Close() },
	} {
		s, c := newLowServer(t)
		addr := serve(t, s)
		conns := []dialed{dial(t, addr), dial(t, addr), dial(t, addr)}
		for _, conn := range conns {
			if _, err := fmt.Fprintf(conn, "GET %s?_HLS_msn=%d&_HLS_part=%d HTTP/1.1\r\nHost: x\r\n\r\n", videoList, openN, openParts); err != nil {
				t.Fatal(err)
			}
		}
		waitFor(t, func() bool { return s.metrics.waiting.Load() == 3 })
		leave(conns[1])
		waitFor(t, func() bool { return s.metrics.waiting.Load() == 2 && s.conns() == 2 })
		c.part(c.video, openN, openParts)
		c.Publish()
		for _, i := range []int{0, 2} {
			if resp, err := http.ReadResponse(conns[i].r, nil); err != nil || resp.StatusCode != 200 {
				t.Errorf("%s: who stayed gets %v, %v", name, resp, err)
			}
		}
	}
}

// TestPartsGoFirst: of those who wait for the same version, who has asked for the part itself is answered before who has asked
// for the playlist that lists it.
func TestPartsGoFirst(t *testing.T) {
	s, c := newLowServer(t)
	addr := serve(t, s)
	lists := fmt.Sprintf("GET %s?_HLS_msn=%d&_HLS_part=%d HTTP/1.1\r\nHost: x\r\n\r\n", videoList, openN, openParts)
	parts := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", partPath(openN, openParts))
	var conns []dialed
	for i, request := range slices.Repeat([]string{lists, lists, lists, parts, parts, parts}, 6) { // on each lane, also where there are several
		conns = append(conns, dial(t, addr))
		if _, err := io.WriteString(conns[i], request); err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool { return s.metrics.waiting.Load() == int64(i+1) })
	}
	seen := 0
	for _, l := range s.lanes.all {
		l.mu.Lock()
		for _, crowd := range l.crowds {
			inLists, before := false, (*socket)(nil)
			for s := crowd.first; s != nil; before, s = s, s.errand.next {
				isPart := s.errand.answer.Kind == KindPart
				if s.errand.prev != before || inLists && isPart || s.errand.next == nil && crowd.last != s {
					t.Errorf("a part behind a playlist: %t; or a list that is none", isPart)
				}
				inLists = !isPart
				seen++
			}
		}
		l.mu.Unlock()
	}
	if seen != len(conns) {
		t.Errorf("%d wait, want %d", seen, len(conns))
	}
	c.part(c.video, openN, openParts)
	c.Publish()
	for i := range conns {
		if b := conns[i].answer(t); !bytes.HasPrefix(b, []byte("HTTP/1.1 200")) {
			t.Errorf("%d: %.30q", i, b)
		}
	}
}

// TestAllGoneWhileHeld: a crowd that all have left leaves nothing behind.
func TestAllGoneWhileHeld(t *testing.T) {
	s, _ := newLowServer(t)
	conn := dial(t, serve(t, s))
	if _, err := fmt.Fprintf(conn, "GET %s?_HLS_msn=%d&_HLS_part=%d HTTP/1.1\r\nHost: x\r\n\r\n", videoList, openN, openParts); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return s.metrics.waiting.Load() == 1 })
	conn.Close()
	waitFor(t, func() bool { return s.conns() == 0 })
	for _, l := range s.lanes.all {
		l.mu.Lock()
		if len(l.crowds) != 0 || l.open != 0 || len(l.free) != len(l.places) {
			t.Errorf("%d crowds, %d sockets, %d of %d places free", len(l.crowds), l.open, len(l.free), len(l.places))
		}
		l.mu.Unlock()
	}
}

// TestShutdownEndsWaiting: who is held when the server ends gets an answer, and the end of the connection.
func TestShutdownEndsWaiting(t *testing.T) {
	s, _ := newLowServer(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(ln)
	conn := dial(t, ln.Addr().String())
	if _, err := fmt.Fprintf(conn, "GET %s?_HLS_msn=%d&_HLS_part=%d HTTP/1.1\r\nHost: x\r\n\r\n", videoList, openN, openParts); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return s.metrics.waiting.Load() == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	resp, err := http.ReadResponse(conn.r, nil)
	if err != nil || resp.StatusCode != 503 || !resp.Close {
		t.Fatalf("%v, %v", resp, err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
	if _, err := conn.r.ReadByte(); err != io.EOF {
		t.Errorf("afterwards %v, want its end", err)
	}
}

// TestEndlessPipeline: who sends requests without end and reads nothing is not read any more when its answers find no room;
// others are served meanwhile.
func TestEndlessPipeline(t *testing.T) {
	s, _ := newTestServer(t, Config{}, 5000, 3)
	addr := serve(t, s)
	flood := dial(t, addr)
	_ = flood.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
	requests, sent := strings.Repeat("GET /time HTTP/1.1\r\nHost: x\r\n\r\n", 1000), 0
	for {
		n, err := io.WriteString(flood, requests)
		if sent += n; err != nil {
			break
		}
		if sent > 1<<28 {
			t.Fatal("all that is sent is read")
		}
	}
	for range 10 {
		if got := roundTripStatus(t, dial(t, addr)); got != 200 {
			t.Errorf("beside it: %d", got)
		}
	}
	t.Logf("%d bytes were taken", sent)
	for range 5000 { // and it goes on where it stood
		resp, err := http.ReadResponse(flood.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 || n != 24 {
			t.Fatalf("%s, %d bytes, %v", resp.Status, n, err)
		}
	}
}

// TestCrowdOfSlowHeads: connections in the middle of a request, each of which may have sent all but its end.
func TestCrowdOfSlowHeads(t *testing.T) {
	s, _ := newTestServer(t, Config{}, 5000, 3)
	addr := serve(t, s)
	head := "GET /time HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 8000) + "\r\n"
	conns := make([]dialed, 200)
	for i := range conns {
		conns[i] = dial(t, addr)
		if _, err := io.WriteString(conns[i], head); err != nil {
			t.Fatal(err)
		}
	}
	for i := range conns {
		if _, err := io.WriteString(conns[i], "\r\n"); err != nil {
			t.Fatal(err)
		}
		if resp, err := http.ReadResponse(conns[i].r, nil); err != nil || resp.StatusCode != 200 {
			t.Fatalf("%v, %v", resp, err)
		}
	}
}
