package floor

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"sync"

	"github.com/valyala/fasthttp"
)

// A bare is a fasthttp server with the least that answers: bytes that were PUT under a name, and, under /hold, requests
// that wait until somebody says POST /release.
type bare struct {
	mu       sync.Mutex
	stored   map[string][]byte
	released chan struct{}
}

// Bare serves on ln until ctx ends, and returns nil then. Large bodies leave together with their header in one system
// call, as weir's do: what an origin costs beyond that is its own.
func Bare(ctx context.Context, ln net.Listener) error {
	b := &bare{stored: map[string][]byte{}, released: make(chan struct{})}
	s := &fasthttp.Server{
		Handler: b.handle, Concurrency: 1 << 17, ReadBufferSize: 8 << 10, MaxRequestBodySize: 1 << 30,
		NoDefaultServerHeader: true, NoDefaultContentType: true, DisablePreParseMultipartForm: true,
	}
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer stop()
	if err := s.Serve(joiningListener{ln}); ctx.Err() == nil {
		return err
	}
	return nil
}

func (b *bare) handle(ctx *fasthttp.RequestCtx) {
	path := string(ctx.Path())
	switch {
	case ctx.IsPut():
		b.mu.Lock()
		b.stored[path] = bytes.Clone(ctx.Request.Body())
		b.mu.Unlock()
		return
	case path == "/release":
		b.release()
		return
	case path == "/hold":
		b.mu.Lock()
		released := b.released
		b.mu.Unlock()
		<-released
	}
	b.mu.Lock()
	body, ok := b.stored[path]
	b.mu.Unlock()
	if !ok {
		ctx.SetStatusCode(fasthttp.StatusNotFound)
		return
	}
	ctx.Response.Header.SetContentType("video/mp4")
	if c, ok := ctx.Conn().(*joining); ok && len(body) > 3<<10 { // what is smaller fits behind the header in any case
		c.body = body
		ctx.Response.SetBodyStream(joiningBody{c}, len(body))
		return
	}
	ctx.Response.SetBodyRaw(body)
}

func (b *bare) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.released)
	b.released = make(chan struct{})
}

// joiningListener wraps connections in joining.
type joiningListener struct{ net.Listener }

// Accept is net.Listener's.
func (l joiningListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &joining{Conn: c}, nil
}

// A joining is a connection that sends header and body in one writev.
type joining struct {
	net.Conn
	body    []byte
	with    bool // the next Write brings the body along
	vector  [2][]byte
	buffers net.Buffers
}

// Write sends p, and the body if joiningBody asks for it.
func (c *joining) Write(p []byte) (int, error) {
	if !c.with {
		return c.Conn.Write(p)
	}
	c.vector = [2][]byte{p, c.body}
	c.buffers = c.vector[:]
	n, err := c.buffers.WriteTo(c.Conn)
	return min(int(n), len(p)), err
}

// joiningBody is the running answer's body.
type joiningBody struct{ c *joining }

// SupportsBodyWriteTo makes fasthttp call WriteTo.
func (b joiningBody) SupportsBodyWriteTo() bool { return true }

// WriteTo flushes the header, and the body with it.
func (b joiningBody) WriteTo(w io.Writer) (int64, error) {
	bw, ok := w.(*bufio.Writer)
	if !ok {
		n, err := w.Write(b.c.body)
		return int64(n), err
	}
	b.c.with = true
	err := bw.Flush()
	b.c.with = false
	return int64(len(b.c.body)), err
}

// Read is not called: see SupportsBodyWriteTo.
func (b joiningBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Close lets go of the body.
func (b joiningBody) Close() error {
	b.c.body = nil
	return nil
}
