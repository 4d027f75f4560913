package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"weir/ingest"
)

// Config is what the encoder listener is told. Limits are those of package ingest.
type Config struct {
	Limits         ingest.Limits
	TrustedProxies []netip.Prefix // peers whose X-Forwarded-For names the client
	Log            *slog.Logger
}

// A Server is the encoder HTTP listener.
type Server struct {
	cfg     Config
	doors   *ingest.DoorTable
	http    *fasthttp.Server
	metrics *metrics

	draining atomic.Bool
	mu       sync.Mutex
	conns    map[*ingest.Conn]struct{} // bodies being read: not used after Detach
	lastLog  map[string]time.Time      // throttle: one line per stream and kind
}

// New makes a server; Serve starts it. Doors may change at any time.
func New(cfg Config, doors *ingest.DoorTable) *Server {
	s := &Server{
		cfg: cfg, doors: doors, metrics: newMetrics(),
		conns: map[*ingest.Conn]struct{}{}, lastLog: map[string]time.Time{},
	}
	s.http = &fasthttp.Server{
		Handler:                      s.handle,
		ExpectHandler:                s.expect,
		Name:                         "weir",
		StreamRequestBody:            true,
		MaxRequestBodySize:           16 << 10, // what fasthttp reads ahead; the rest streams
		ReadBufferSize:               16 << 10,
		ReadTimeout:                  10 * time.Second, // of a request's head; bodies roll their own deadline
		WriteTimeout:                 10 * time.Second,
		IdleTimeout:                  75 * time.Second,
		Concurrency:                  cfg.Limits.Connections,
		TCPKeepalive:                 true,
		NoDefaultContentType:         true,
		SecureErrorLogMessage:        true,
		CloseOnShutdown:              true,
		DisablePreParseMultipartForm: true,
		Logger:                       quiet{cfg.Log},
	}
	return s
}

// quiet sends fasthttp's own messages (broken requests of strangers, mostly) to the debug level.
type quiet struct{ log *slog.Logger }

func (q quiet) Printf(format string, args ...any) { q.log.Debug(fmt.Sprintf(format, args...)) }

// Serve answers on ln until Shutdown.
func (s *Server) Serve(ln net.Listener) error { return s.http.Serve(ln) }

// Shutdown tells every encoder to reconnect (503, connection closed) and waits for the answers to be written, or for ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	s.mu.Lock()
	for conn := range s.conns {
		conn.Interrupt(ingest.ErrDraining)
	}
	s.mu.Unlock()
	return s.http.ShutdownWithContext(ctx)
}

// expect decides on Expect: 100-continue before the body is sent.
func (s *Server) expect(ctx *fasthttp.RequestCtx) int {
	_, _, status, text := s.admit(ctx)
	if status != 0 {
		s.metrics.request(status)
		ctx.SetBodyString(text)
		return status
	}
	return fasthttp.StatusContinue
}

// admit checks method, path, token and address. status 0: come in.
func (s *Server) admit(ctx *fasthttp.RequestCtx) (door *ingest.Door, t target, status int, text string) {
	t, ok := parsePath(string(ctx.URI().PathOriginal()))
	if !ok {
		return nil, t, 403, "no such path: push to /{accessToken}/ingest.isml/Streams({name}.cmfv)\n"
	}
	door = s.doors.Load().Find(t.token)
	if door == nil {
		return nil, t, 404, "no live event with this access token is running here\n"
	}
	if !door.Admits(s.client(ctx)) {
		return nil, t, 403, "this address may not push to the live event (input.accessControl)\n"
	}
	if s.draining.Load() {
		return nil, t, 503, "shutting down: reconnect\n"
	}
	return door, t, 0, ""
}

// client is the encoder's address: the peer's, or what a trusted proxy says.
func (s *Server) client(ctx *fasthttp.RequestCtx) netip.Addr {
	peer, _ := netip.ParseAddrPort(ctx.RemoteAddr().String())
	return ingest.ClientAddr(peer.Addr(), string(ctx.Request.Header.Peek("X-Forwarded-For")), s.cfg.TrustedProxies)
}

// handle answers one request of an encoder.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	status, text := s.serve(ctx)
	s.metrics.request(status)
	if status == 0 { // most likely nobody is there to answer; a half-closed sender learns that its body was cut
		status = 400
	}
	ctx.SetStatusCode(status)
	if text != "" {
		ctx.SetContentType("text/plain; charset=utf-8")
		ctx.SetBodyString(text)
	}
	if status == 405 {
		ctx.Response.Header.Set("Allow", "POST, PUT, DELETE, OPTIONS")
	}
	if status == 503 {
		ctx.Response.Header.Set("Retry-After", "1")
	}
	if status >= 400 {
		// The rest of the body is not wanted. Closing with unread bytes resets the connection, the only thing that
		// stops an encoder that reads no answers while it sends.
		ctx.SetConnectionClose()
	}
}

func (s *Server) serve(ctx *fasthttp.RequestCtx) (status int, text string) {
	defer func() { // a fault of weir's, not of the encoder's: it ends this body alone
		if fault := recover(); fault != nil {
			s.cfg.Log.Error("panic while reading an encoder's body: please report it", "fault", fault, "stack", string(debug.Stack()))
			s.metrics.failure("panic")
			status, text = 500, "internal error: see the log\n"
		}
	}()
	door, t, status, text := s.admit(ctx)
	if status != 0 {
		return status, text
	}
	switch string(ctx.Method()) {
	case "POST", "PUT":
	case "OPTIONS":
		ctx.Response.Header.Set("Allow", "POST, PUT, DELETE, OPTIONS")
		return 200, ""
	case "DELETE":
		return 200, "" // what is published stays: the window decides, not the encoder
	default:
		return 405, "push with POST or PUT\n"
	}
	stream := ctx.RequestBodyStream()
	if stream == nil {
		stream = bytes.NewReader(nil)
	}
	if t.kind == manifest || t.kind == point {
		return s.discard(stream)
	}
	return s.push(ctx, door, t, stream)
}

// discard reads a body that is accepted and not used: probes, and the manifests that encoders send along.
func (s *Server) discard(r io.Reader) (int, string) {
	const limit = 1 << 20
	n, err := io.Copy(io.Discard, io.LimitReader(r, limit+1))
	if err != nil {
		return 0, ""
	}
	if n > limit {
		return 413, "manifest larger than 1 MiB\n"
	}
	return 200, ""
}

// push feeds a body to its stream.
func (s *Server) push(ctx *fasthttp.RequestCtx, door *ingest.Door, t target, r io.Reader) (int, string) {
	nc := ctx.Conn()
	stream, err := door.Channel.Stream(t.stream)
	if err != nil {
		return s.refuse(ctx, door, t, err)
	}
	if ctx.Request.Header.ContentLength() == 0 {
		return 200, "" // a probe: address and lock are right, and no track is made of it
	}
	conn, err := stream.Attach(t.kind == whole, interrupt(nc))
	if err != nil {
		return s.refuse(ctx, door, t, err)
	}
	s.metrics.connections.Add(1)
	s.mu.Lock()
	s.conns[conn] = struct{}{}
	s.mu.Unlock()
	if s.draining.Load() { // between admit and here
		conn.Interrupt(ingest.ErrDraining)
	}
	defer func() {
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
		s.metrics.connections.Add(-1)
		conn.Detach()
	}()
	if err := conn.ReadBody(&body{r: r, nc: nc, idle: s.cfg.Limits.Idle, conn: conn}); err != nil {
		return s.refuse(ctx, door, t, err)
	}
	return 200, ""
}

// refuse logs why a stream ended, once per stream, kind and ten seconds, and chooses the answer.
func (s *Server) refuse(ctx *fasthttp.RequestCtx, door *ingest.Door, t target, err error) (int, string) {
	status, kind := statusOf(err)
	s.metrics.failure(kind)
	if s.mayLog(door.Channel.Name() + "/" + t.stream + "/" + kind) {
		level := slog.LevelWarn
		if errors.Is(err, ingest.ErrDraining) || errors.Is(err, ingest.ErrReplaced) {
			level = slog.LevelInfo
		}
		s.cfg.Log.Log(context.Background(), level, "encoder connection ended",
			"channel", door.Channel.Name(), "stream", t.stream, "remote", ctx.RemoteAddr().String(), "status", status, "kind", kind, "err", err)
	}
	if status == 0 {
		return 0, ""
	}
	return status, err.Error() + "\n"
}

func (s *Server) mayLog(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Sub(s.lastLog[key]) < 10*time.Second {
		return false
	}
	if len(s.lastLog) > 4096 {
		clear(s.lastLog)
	}
	s.lastLog[key] = now
	return true
}
