package origin

import (
	"bufio"
	"net"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// The library's clock is a goroutine that begins with its first header: outside of any test's bubble.
func init() { (&fasthttp.ResponseHeader{}).AppendBytes(nil) }

// A sink is a connection that takes everything at once.
type sink struct{ net.Conn }

func (sink) Write(p []byte) (int, error)      { return len(p), nil }
func (sink) SetWriteDeadline(time.Time) error { return nil }
func (sink) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
func (sink) Close() error                     { return nil }

// handle is a request as serveRequest has it, without the reading and sending.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	c := connOf(ctx)
	if s.read(ctx, c); s.ask(ctx, c) {
		s.hold(c)
	}
	s.write(ctx, c)
}

// A rig runs requests through the handler and fasthttp's writer, without a socket.
type rig struct {
	server *Server
	conn   *conn
	ctx    fasthttp.RequestCtx
	writer *bufio.Writer
}

func newRig(t testing.TB, s *Server, method, path string, fields ...string) *rig {
	t.Helper()
	l := newListener(nil, s)
	r := &rig{server: s, conn: &conn{Conn: sink{}, server: s, listener: l, peer: peerOf(sink{})}}
	r.ctx.Init2(r.conn, nil, false)
	r.ctx.Request.Header.SetMethod(method)
	r.ctx.Request.SetRequestURI(path)
	for i := 0; i < len(fields); i += 2 {
		r.ctx.Request.Header.Set(fields[i], fields[i+1])
	}
	r.ctx.Response.Header.SetNoDefaultContentType(true)
	r.writer = bufio.NewWriter(r.conn)
	return r
}

// run answers the request once and returns the status.
func (r *rig) run(t testing.TB) int {
	r.server.handle(&r.ctx)
	status := r.ctx.Response.StatusCode()
	if err := r.ctx.Response.Write(r.writer); err != nil {
		t.Fatal(err)
	}
	if err := r.writer.Flush(); err != nil {
		t.Fatal(err)
	}
	r.ctx.Response.Reset()
	return status
}

// hotRequests are what players and CDNs ask all day.
var hotRequests = map[string]struct {
	path   string
	fields []string
	status int
}{
	"segment by number":     {path: videoPath(firstN + 2), status: 200},
	"segment by time":       {path: base + "QualityLevels(3000000)/Fragments(Video=20480000025600).m4s", status: 200},
	"segment, encoded path": {path: "/" + testLocator + "/Live.ism/QualityLevels%28%33000000%29/Fragments%28Video=n800000002%29.m4s", status: 200},
	"range":                 {path: videoPath(firstN + 2), fields: []string{"Range", "bytes=100-9999"}, status: 206},
	"not modified":          {path: videoPath(firstN + 2), fields: []string{"If-None-Match", "*"}, status: 304},
	"multivariant":          {path: base + "manifest(format=m3u8-cmaf)", status: 200},
	"playlist":              {path: base + "QualityLevels(3000000)/Manifest(Video,format=m3u8-cmaf).m3u8", status: 200},
	"playlist, gzip":        {path: base + "QualityLevels(3000000)/Manifest(Video,format=m3u8-cmaf).m3u8", fields: []string{"Accept-Encoding", "gzip, br"}, status: 200},
	"MPD":                   {path: base + "manifest(format=mpd-time-cmaf)", status: 200},
	"not yet":               {path: videoPath(firstN + 12), status: 412},
	"gone":                  {path: videoPath(firstN - 100), status: 404},
	"no such locator":       {path: "/none/Live.ism/manifest", status: 404},
	"time":                  {path: "/time", status: 200},
}

func BenchmarkHandle(b *testing.B) {
	s, _ := newTestServer(b, Config{}, 1_000_000, 10)
	for name, q := range hotRequests {
		b.Run(name, func(b *testing.B) {
			r := newRig(b, s, "GET", q.path, q.fields...)
			b.ReportAllocs()
			for b.Loop() {
				if got := r.run(b); got != q.status {
					b.Fatalf("GET %s = %d, want %d", q.path, got, q.status)
				}
			}
		})
	}
}

// BenchmarkSocket is a whole request over loopback, client included.
func BenchmarkSocket(b *testing.B) {
	s, _ := newTestServer(b, Config{}, 1_000_000, 10)
	addr := serve(b, s)
	for _, name := range []string{"playlist", "segment by number"} {
		b.Run(name, func(b *testing.B) {
			c := dialRaw(b, addr)
			request := []byte("GET " + hotRequests[name].path + " HTTP/1.1\r\nHost: x\r\n\r\n")
			b.SetBytes(int64(c.roundTrip(b, request)))
			b.ReportAllocs()
			for b.Loop() {
				c.roundTrip(b, request)
			}
		})
	}
}

// A rawClient speaks HTTP/1.1 without allocating: it finds the length of an answer with its own eyes.
type rawClient struct {
	net.Conn
	buf []byte
	got []byte // the last answer, header and body
}

func dialRaw(t testing.TB, addr string) *rawClient {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &rawClient{Conn: c, buf: make([]byte, 4<<20)}
}

// roundTrip sends a request and reads its answer; it returns the body's length.
func (c *rawClient) roundTrip(t testing.TB, request []byte) int {
	if _, err := c.Write(request); err != nil {
		t.Fatal(err)
	}
	n, body, length := 0, 0, 0
	for body == 0 || n < body+length {
		m, err := c.Read(c.buf[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += m
		if body == 0 {
			if body = headerEnd(c.buf[:n]); body > 0 {
				length = contentLength(c.buf[:body])
			}
		}
	}
	c.got = c.buf[:n]
	return length
}

// BenchmarkChunk sends a chunk of 50 KB to one viewer of an open segment, with its latency measured and without: the
// difference is what the histograms cost.
func BenchmarkChunk(b *testing.B) {
	for _, measured := range []bool{true, false} {
		name := "measured"
		if !measured {
			name = "not measured"
		}
		b.Run(name, func(b *testing.B) {
			s, c := newTestServer(b, Config{}, 150_000, 3)
			c.arrival = measured
			c.grow(0)
			r := newRig(b, s, "GET", videoPath(c.next))
			s.handle(&r.ctx)
			body, _ := c.video.Segment(c.next).Grow(0)
			b.ReportAllocs()
			for b.Loop() {
				if err := r.conn.sendCommit(body, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
