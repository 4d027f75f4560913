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
	Gate           *ingest.Gate   // shared with other listeners of encoders; nil: one of its own
	Log            *slog.Logger
}

// A Server is the encoder HTTP listener.
type Server struct {
	cfg     Config
	doors   *ingest.DoorTable
	gate    *ingest.Gate
	http    *fasthttp.Server
	metrics *metrics
	logs    ingest.Throttle // one line per stream and kind

	draining  atomic.Bool
	mu        sync.Mutex
	listeners []*listener
	conns     map[*ingest.Conn]struct{} // bodies being read: not used after Detach
	books     map[string]*book          // by channel
}

// New makes a server; Serve starts it. Doors may change at any time.
func New(cfg Config, doors *ingest.DoorTable) *Server {
	s := &Server{
		cfg: cfg, doors: doors, gate: cfg.Gate,
		conns: map[*ingest.Conn]struct{}{}, books: map[string]*book{},
	}
	if s.gate == nil {
		s.gate = ingest.NewGate(cfg.Limits, cfg.TrustedProxies)
	}
	s.metrics = newMetrics(func() float64 { return float64(s.connections()) })
	s.http = &fasthttp.Server{
		Handler:                      s.handle,
		ExpectHandler:                s.expect,
		ErrorHandler:                 s.broken,
		Name:                         "weir",
		StreamRequestBody:            true,
		MaxRequestBodySize:           16 << 10, // what fasthttp reads ahead; the rest streams
		ReadBufferSize:               16 << 10,
		ReadTimeout:                  cfg.Limits.HeadTimeout, // bodies roll their own deadline
		WriteTimeout:                 10 * time.Second,
		IdleTimeout:                  cfg.Limits.KeepAlive,
		Concurrency:                  cfg.Limits.Connections + 1, // the listener's cap comes first
		ReduceMemoryUsage:            true,                       // a connection that has sent nothing holds no buffer
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
func (s *Server) Serve(ln net.Listener) error {
	l := newListener(ln, s)
	s.mu.Lock()
	s.listeners = append(s.listeners, l)
	s.mu.Unlock()
	return s.http.Serve(l)
}

// connections is the number of open connections.
func (s *Server) connections() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.listeners {
		n += int(l.open.Load())
	}
	return n
}

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
	if ctx.Request.Header.ContentLength() == -1 && hasLength(ctx.Request.Header.RawHeaders()) {
		return nil, t, 400, "Content-Length beside Transfer-Encoding: chunked says two ends of one body\n"
	}
	t, ok := parsePath(string(ctx.URI().PathOriginal()))
	if !ok {
		return nil, t, 403, "no such path: push to /{accessToken}/ingest.isml/Streams({name}.cmfv)\n"
	}
	client, now := s.client(ctx), time.Now()
	if !s.gate.Heard(client, now) {
		return nil, t, 429, "too many wrong access tokens from this address (ingest.limits.wrongTokens): wait a minute\n"
	}
	if src := ctx.QueryArgs().Peek("src"); len(src) > 0 {
		if t.source = string(src); !ingest.ValidName(t.source) {
			return nil, t, 403, "src= is no name of a source: letters, digits and . _ ~ -\n"
		}
	}
	door = s.doors.Load().Find(t.token)
	s.gate.Showed(client, door != nil, now)
	if door == nil {
		return nil, t, 404, "no live event with this access token is running here\n"
	}
	if !door.Admits(client) {
		return nil, t, 403, "this address may not push to the live event (input.accessControl)\n"
	}
	if s.draining.Load() {
		return nil, t, 503, "shutting down: reconnect\n"
	}
	return door, t, 0, ""
}

// hasLength finds a Content-Length among headers as they came. fasthttp drops it where the body is chunked.
//
// Source: RFC 9112, 6.1 (a server may reject a message that has both).
func hasLength(headers []byte) bool {
	const name = "content-length"
	for line := range bytes.Lines(headers) {
		if len(line) > len(name) && line[len(name)] == ':' && bytes.EqualFold(line[:len(name)], []byte(name)) {
			return true
		}
	}
	return false
}

// client is the encoder's address: the peer's, or what a trusted proxy says.
func (s *Server) client(ctx *fasthttp.RequestCtx) netip.Addr {
	return ingest.ClientAddr(ingest.PeerOf(ctx.Conn()), string(ctx.Request.Header.Peek("X-Forwarded-For")), s.cfg.TrustedProxies)
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
	switch status {
	case 429:
		ctx.Response.Header.Set("Retry-After", "10")
	case 503:
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
		return s.discard(ctx)
	case "DELETE":
		return s.discard(ctx) // what is published stays: the window decides, not the encoder
	case "GET", "HEAD":
		return 404, "what is pushed is not kept under its name: play it from the streaming endpoint\n"
	default:
		return 405, "push with POST or PUT\n"
	}
	if t.kind == manifest {
		return s.manifest(ctx, door, t)
	}
	if t.kind == point {
		t.stream = pointStream
	}
	return s.push(ctx, door, t)
}

// pointStream is the stream of bodies that are pushed to the publishing point itself.
const pointStream = "ingest"

// discard reads a body that is accepted and not used: the manifests that encoders send along.
func (s *Server) discard(ctx *fasthttp.RequestCtx) (int, string) {
	const limit = 1 << 20
	r := s.bodyOf(ctx, loose{time.Now().Add(s.cfg.Limits.Idle), s.cfg.Limits.Idle})
	n, err := io.Copy(io.Discard, io.LimitReader(r, limit+1))
	if err != nil {
		status, kind := statusOf(err)
		s.metrics.failure(kind)
		return status, err.Error() + "\n"
	}
	if n > limit {
		return 413, "larger than 1 MiB\n"
	}
	return 200, ""
}

// push feeds a body to its stream.
func (s *Server) push(ctx *fasthttp.RequestCtx, door *ingest.Door, t target) (int, string) {
	if ctx.Request.Header.ContentLength() == 0 {
		return 200, "" // a probe: address and lock are right, and no track is made of it
	}
	where := s.placeOf(door, t)
	t.stream = where.stream
	if !ingest.ValidName(t.stream) {
		return 403, "folders and file name are too long for the name of a stream\n"
	}
	stream, err := door.Channel.SourceStream(t.stream, t.source)
	if err != nil {
		return s.refuse(ctx, door, t, err)
	}
	if where.header {
		s.book(door.Channel).hint(stream, t.stream)
	}
	conn, err := stream.Attach(where.exclusive, interrupt(ctx.Conn()))
	if err != nil {
		return s.refuse(ctx, door, t, err)
	}
	conn.Follow(where.route)
	conn.ReadManifests(&smoothManifest)
	if t.source == "" {
		conn.From(s.client(ctx).String())
	}
	s.metrics.bodies.Add(1)
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
		s.metrics.bodies.Add(-1)
		conn.Detach()
	}()
	if err := conn.ReadBody(s.bodyOf(ctx, conn)); err != nil {
		return s.refuse(ctx, door, t, err)
	}
	return 200, ""
}

// refuse logs why a stream ended, once per stream, kind and ten seconds, and chooses the answer.
func (s *Server) refuse(ctx *fasthttp.RequestCtx, door *ingest.Door, t target, err error) (int, string) {
	status, kind := statusOf(err)
	s.metrics.failure(kind)
	if s.logs.May(door.Channel.Name() + "/" + t.stream + "/" + kind) {
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
