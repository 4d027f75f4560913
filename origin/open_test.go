package origin

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// An openConn is a client of an open segment that looks at every byte itself.
type openConn struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func dialOpen(t *testing.T, addr, request string) *openConn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
	c := &openConn{t, nc, bufio.NewReaderSize(nc, 1<<20)}
	c.send(request)
	return c
}

func (c *openConn) send(request string) {
	c.t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		c.t.Fatal(err)
	}
}

// header reads status line and fields.
func (c *openConn) header() string {
	c.t.Helper()
	var b strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			c.t.Fatalf("header %q: %v", b.String(), err)
		}
		if line == "\r\n" {
			return b.String()
		}
		b.WriteString(line)
	}
}

// chunk reads one chunk of chunked coding; nil: the last.
func (c *openConn) chunk() []byte {
	c.t.Helper()
	line, err := c.r.ReadString('\n')
	if err != nil {
		c.t.Fatalf("size line %q: %v", line, err)
	}
	size := 0
	if _, err := fmt.Sscanf(line, "%x\r\n", &size); err != nil {
		c.t.Fatalf("size line %q: %v", line, err)
	}
	b := make([]byte, size+2)
	if _, err := io.ReadFull(c.r, b); err != nil || string(b[size:]) != "\r\n" {
		c.t.Fatalf("chunk of %d ends with %q: %v", size, b[size:], err)
	}
	if size == 0 {
		return nil
	}
	return b[:size]
}

// until reads chunks up to n bytes.
func (c *openConn) until(n int) []byte {
	c.t.Helper()
	var b []byte
	for len(b) < n {
		b = append(b, c.chunk()...)
	}
	if len(b) != n {
		c.t.Fatalf("chunks of %d bytes, want %d", len(b), n)
	}
	return b
}

const getOpen = "GET %s HTTP/1.1\r\nHost: x\r\n\r\n"

func videoTime(n uint64) string {
	return fmt.Sprintf("%sQualityLevels(3000000)/Fragments(Video=%d).m4s", base, int64(n)*videoSegment)
}

// TestOpenSegment follows a segment byte by byte: each commit is sent while the next one is not there; the whole is what a
// later GET gives; and the connection goes on, with a request that had been sent before the answer ended.
func TestOpenSegment(t *testing.T) {
	s, c := newTestServer(t, Config{}, 900_000, 3)
	addr := serve(t, s)
	for _, path := range []string{videoPath(c.next), videoTime(c.next + 1)} {
		want := segmentBytes("Video", c.next, c.bytes)
		c.grow(0)
		open := dialOpen(t, addr, fmt.Sprintf(getOpen, path))
		header := open.header()
		for _, line := range []string{
			"HTTP/1.1 200 OK\r\n", "Transfer-Encoding: chunked\r\n", "Content-Type: video/mp4\r\n",
			"Cache-Control: " + cacheImmutable + "\r\n", "Access-Control-Allow-Origin: *\r\n",
		} {
			if !strings.Contains(header, line) {
				t.Errorf("GET %s: no %q in\n%s", path, line, header)
			}
		}
		if strings.Contains(header, "\nContent-Length:") || strings.Contains(header, "\nEtag:") {
			t.Errorf("GET %s: header of something that is whole:\n%s", path, header)
		}
		got := open.until(len(want) / 3)
		open.send(fmt.Sprintf(getOpen, "/time"))
		c.grow(1)
		got = append(got, open.until(len(want)/2-len(got))...)
		c.grow(2)
		got = append(got, open.until(len(want)-len(got))...)
		if open.chunk() != nil {
			t.Errorf("GET %s: more than the segment", path)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("GET %s: %d bytes differ from the %d that were committed", path, len(got), len(want))
		}
		if later := ask(s, path); later.Status != 200 || !bytes.Equal(bytes.Join(later.Body.Slices(), nil), want) {
			t.Errorf("GET %s afterwards: %d, or other bytes", path, later.Status)
		}
		if next := open.header(); !strings.HasPrefix(next, "HTTP/1.1 200") || !strings.Contains(next, "Content-Length: 24\r\n") {
			t.Errorf("GET %s: the next answer of the connection is\n%s", path, next)
		}
		c.next++
	}
	got := gather(t, s)
	if n := got["weir_origin_last_byte_latency_seconds kind=segment protocol=dash"]; n < 6 {
		t.Errorf("latency was measured for %v chunks, want 6", n)
	}
}

// TestOpenEnds: what breaks off is no end, in chunks or not; HTTP/1.0 gets bytes and the end of the connection.
func TestOpenEnds(t *testing.T) {
	s, c := newTestServer(t, Config{}, 90_000, 3)
	addr := serve(t, s)
	want := segmentBytes("Video", c.next, c.bytes)
	ask10 := "GET " + videoPath(c.next) + " HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"

	c.grow(0)
	old := dialOpen(t, addr, ask10)
	header := old.header()
	if strings.Contains(header, "Transfer-Encoding") || strings.Contains(header, "\nContent-Length:") || !strings.Contains(header, "Connection: close\r\n") {
		t.Errorf("header for HTTP/1.0:\n%s", header)
	}
	c.grow(1)
	c.grow(2)
	if b, err := io.ReadAll(old.r); err != nil || !bytes.Equal(b, want) {
		t.Errorf("HTTP/1.0 gets %d bytes, %v; want %d", len(b), err, len(want))
	}

	c.next++ // the next one breaks off
	path := videoPath(c.next)
	c.grow(0)
	old = dialOpen(t, addr, strings.Replace(ask10, videoPath(c.next-1), path, 1))
	old.header()
	if _, err := io.ReadFull(old.r, make([]byte, 30_000)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get("http://" + addr + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadFull(resp.Body, make([]byte, 30_000)); err != nil {
		t.Fatal(err)
	}
	c.next--
	c.lose() // late audio: the slot before is a GAP by now
	c.lose()
	if n, err := io.Copy(io.Discard, resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) || n != 0 {
		t.Errorf("what broke off ends after %d bytes more with %v", n, err)
	}
	if _, err := io.ReadAll(old.r); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("HTTP/1.0 sees what broke off end with %v", err)
	}
	if a := ask(s, path); a.Fault != faultGap {
		t.Errorf("what broke off is answered %d afterwards", a.Status)
	}
}

// TestOpenHead: the header of a GET, no wait, and a connection that is of use afterwards.
func TestOpenHead(t *testing.T) {
	s, c := newTestServer(t, Config{}, 90_000, 3)
	addr := serve(t, s)
	c.grow(0)
	head := "HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n"
	open := dialOpen(t, addr, fmt.Sprintf(head, videoPath(c.next))+fmt.Sprintf(head, videoPath(c.next+1))+fmt.Sprintf(getOpen, "/time"))
	for i, want := range []string{"200", "412", "200"} {
		header := open.header()
		if !strings.HasPrefix(header, "HTTP/1.1 "+want) || strings.Contains(header, "Transfer-Encoding: chunked") != (i == 0) ||
			strings.Contains(header, "\nContent-Length:") != (i > 0) {
			t.Errorf("answer %d:\n%s", i, header)
		}
	}
	if b := make([]byte, 24); true {
		if _, err := io.ReadFull(open.r, b); err != nil || b[23] != 'Z' {
			t.Errorf("body of the third answer: %q, %v", b, err)
		}
	}
}

// TestOpenRange: what starts in what is there is answered as far as that goes; all else gets the segment.
func TestOpenRange(t *testing.T) {
	s, c := newTestServer(t, Config{}, 90_000, 3)
	c.grow(0) // 30,000 bytes
	want := segmentBytes("Video", c.next, c.bytes)
	for field, said := range map[string]string{
		"bytes=0-":                     "bytes 0-29999/*",
		"bytes=100-199":                "bytes 100-199/*",
		"bytes=29999-9007199254740991": "bytes 29999-29999/*",
		"bytes=30000-":                 "",
		"bytes=-100":                   "",
		"bytes= -100":                  "",
		"bytes=0-1,3-4":                "",
		"chunks=0-1":                   "",
	} {
		r := Request{Method: MethodGet, Path: []byte(videoPath(c.next)), Range: []byte(field), Now: time.Now()}
		var a Answer
		s.Answer(&r, &a)
		if said == "" {
			if a.Status != 200 || a.growing.track == nil {
				t.Errorf("Range: %s = %d, want the segment as it comes", field, a.Status)
			}
			continue
		}
		got := bytes.Join(a.Body.Slices(), nil)
		if a.Status != 206 || a.growing.track != nil || a.CacheControl != cacheNever ||
			string(a.appendContentRange(nil)) != said || !bytes.Equal(got, want[a.Range.off:a.Range.off+a.Range.n]) {
			t.Errorf("Range: %s = %d, %s, %d bytes; want %s", field, a.Status, a.appendContentRange(nil), len(got), said)
		}
	}
}

// TestHeld holds requests for what is to come, on a clock of its own: until its first bytes are there, its slot is a GAP, or
// patience ends. Everything else is answered at once.
func TestHeld(t *testing.T) {
	for name, c := range map[string]struct {
		ahead  uint64 // segments after the newest listed
		byTime bool
		method string
		then   func(*testChannel)
		want   int
		after  time.Duration // at most
	}{
		"the next":                    {want: 200, then: func(c *testChannel) { c.grow(0) }},
		"the next by time":            {byTime: true, want: 200, then: func(c *testChannel) { c.grow(0) }},
		"the one after":               {ahead: 1, want: 200, then: func(c *testChannel) { c.next++; c.grow(0) }},
		"the one after by time":       {ahead: 1, byTime: true, want: 200, then: func(c *testChannel) { c.next++; c.grow(0) }},
		"a gap":                       {want: 404, then: (*testChannel).lose},
		"a gap by time":               {byTime: true, want: 404, then: (*testChannel).lose},
		"the channel ends":            {want: 404, then: func(c *testChannel) { c.Close() }},
		"another track's media":       {want: 404, then: func(c *testChannel) { c.commit(c.audio, 0, c.next, audioSegment, 100) }, after: 6 * time.Second},
		"nothing":                     {want: 404, then: func(*testChannel) {}, after: 6 * time.Second},
		"too far ahead":               {ahead: 2, want: 412, then: func(*testChannel) {}, after: 1},
		"too far ahead by time":       {ahead: 2, byTime: true, want: 412, then: func(*testChannel) {}, after: 1},
		"HEAD":                        {method: "HEAD", want: 412, then: func(*testChannel) {}, after: 1},
		"the server ends meanwhile":   {want: 404, then: nil},
		"the next, after some others": {want: 200, then: func(c *testChannel) { c.commit(c.audio, 0, c.next, audioSegment, 100); c.grow(0) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, ch := newTestServer(t, Config{}, 9000, 3)
				path := videoPath(ch.next + c.ahead)
				if c.byTime {
					path = videoTime(ch.next + c.ahead)
				}
				if c.method == "" {
					c.method = "GET"
				}
				r := newRig(t, s, c.method, path)
				began, answered := time.Now(), make(chan struct{})
				go func() {
					s.handle(&r.ctx)
					close(answered)
				}()
				synctest.Wait()
				time.Sleep(time.Millisecond)
				if c.then != nil {
					c.then(ch)
				} else if err := s.Shutdown(context.Background()); err != nil {
					t.Error(err)
				}
				<-answered
				took := time.Since(began)
				if got := r.ctx.Response.StatusCode(); got != c.want {
					t.Errorf("%s %s = %d, want %d", c.method, path, got, c.want)
				}
				if most := max(c.after, 2*time.Millisecond); took > most || c.after > time.Second && took < most {
					t.Errorf("%s %s took %v", c.method, path, took)
				}
				_ = r.ctx.Response.CloseBodyStream()
			})
		})
	}
}

// TestStalled: a segment that stops growing, without a GAP in its place, is not followed for ever.
func TestStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newTestServer(t, Config{}, 9000, 3)
		c.grow(0)
		r := newRig(t, s, "GET", videoPath(c.next))
		s.handle(&r.ctx)
		ended := make(chan error)
		go func() { ended <- r.ctx.Response.Write(r.writer) }()
		synctest.Wait()
		time.Sleep(20 * time.Second)
		c.grow(1)
		began := time.Now()
		if err := <-ended; !errors.Is(err, errStalled) || time.Since(began) != mostStalled {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
