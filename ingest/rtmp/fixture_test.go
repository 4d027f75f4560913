package rtmp

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"weir/ingest"
	"weir/ingest/rtmp/amf"
	"weir/ingest/rtmp/chunk"
	"weir/ingest/timeline"
	"weir/segcache"
)

// A tape is a publication that keeps what it gets, and holds the server to its promises.
type tape struct {
	b *bench

	publish
	under map[chunk.Kind]*message

	mu       sync.Mutex
	messages []message
	said     [][]amf.Value
	aborts   int
	stop     error // what err returns
	refusal  error // what begin returns
	closed   bool
	with     error // what close was called with
}

// A message is one that has come whole.
type message struct {
	Header  chunk.Header
	Payload string
}

func (p *tape) begin(h chunk.Header) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refusal != nil {
		return p.refusal
	}
	if p.closed || p.under[h.Kind] != nil {
		p.b.fault("begin of %+v out of place", h)
	}
	p.under[h.Kind] = &message{Header: h}
	return nil
}

func (p *tape) piece(kind chunk.Kind, b []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.under[kind]
	if p.closed || m == nil || len(m.Payload)+len(b) > m.Header.Length || len(b) == 0 {
		p.b.fault("piece of kind %d out of place", kind)
		return nil
	}
	m.Payload += string(b)
	return nil
}

func (p *tape) end(kind chunk.Kind) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.under[kind]
	delete(p.under, kind)
	if p.closed || m == nil || len(m.Payload) != m.Header.Length {
		p.b.fault("end of kind %d out of place", kind)
		return nil
	}
	p.messages = append(p.messages, *m)
	return nil
}

// busy tells whether a message of a kind is under way.
func (p *tape) busy(kind chunk.Kind) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.under[kind] != nil
}

func (p *tape) abort(kind chunk.Kind) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.under[kind] == nil {
		p.b.fault("abort of kind %d out of place", kind)
	}
	delete(p.under, kind)
	p.aborts++
}

func (p *tape) data(_ uint32, values []amf.Value) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = append(p.said, values)
	return nil
}

func (p *tape) err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stop
}

func (p *tape) close(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.under) > 0 {
		p.b.fault("close out of place, with %d messages under way", len(p.under))
	}
	p.closed, p.with = true, err
}

// interrupt ends the publication from outside, as a channel does.
func (p *tape) interrupt(err error) {
	p.mu.Lock()
	p.stop = err
	p.mu.Unlock()
	p.kick()
}

func (p *tape) count() (messages, said int, closed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.messages), len(p.said), p.closed
}

// A bench is an RTMP listener, primary and plain, with one channel behind the token "good".
type bench struct {
	t      testing.TB
	server *Server
	port   *Port
	addr   string
	secure *tls.Config // of clients

	mu     sync.Mutex
	tapes  []*tape
	refuse error // what opening answers
	broken []string
}

func (b *bench) fault(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.broken = append(b.broken, fmt.Sprintf(format, args...))
}

// open implements opener.
func (b *bench) open(p *publish) (publication, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse != nil {
		return nil, b.refuse
	}
	t := &tape{b: b, publish: *p, under: map[chunk.Kind]*message{}}
	b.tapes = append(b.tapes, t)
	return t, nil
}

// tape waits for the nth publication.
func (b *bench) tape(n int) *tape {
	b.t.Helper()
	var t *tape
	eventually(b.t, "a publication", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.tapes) > n {
			t = b.tapes[n]
		}
		return t != nil
	})
	return t
}

func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited 10 s for %s", what)
		}
	}
}

func newBench(t testing.TB, limits ingest.Limits) *bench { return newBenchOf(t, limits, nil, nil) }

// newBenchOf is newBench with an opener and with TLS, where they are given.
func newBenchOf(t testing.TB, limits ingest.Limits, open opener, secure *tls.Config) *bench {
	t.Helper()
	cache := segcache.New(segcache.Config{Memory: 64 << 20})
	out := t.Output()
	if _, fuzzing := t.(*testing.F); fuzzing {
		out = io.Discard
	}
	log := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	channel, err := ingest.NewChannel(t.Context(), ingest.Config{
		Name: "live", Limits: limits,
		Timeline: timeline.Config{Segment: int64(time.Second), Part: int64(200 * time.Millisecond), Window: int64(10 * time.Second)},
	}, ingest.Deps{Cache: cache, Records: &memory{}, Log: log, Now: func() int64 { return time.Now().UnixNano() }})
	if err != nil {
		t.Fatal(err)
	}
	doors := new(ingest.DoorTable)
	doors.Store(ingest.NewDoors(map[string]*ingest.Door{
		"good": {Channel: channel}, "closed": {Channel: channel, Allow: []netip.Prefix{}},
	}))
	b := &bench{t: t}
	if open == nil {
		open = b.open
	}
	b.server = newServer(Config{Limits: limits, Gate: ingest.NewGate(limits, nil), Log: log}, doors, open)
	b.port = b.server.Port(0, secure)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- b.port.Serve(ln) }()
	t.Cleanup(func() {
		b.shutdown()
		if err := <-served; err != nil {
			t.Error(err)
		}
		cache.Close()
		for _, broken := range b.broken {
			t.Error("broken promise: " + broken)
		}
	})
	return b
}

func (b *bench) shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	_ = b.port.Shutdown(ctx)
}

// metric is the sum of a metric of the server over its labels, or over those given.
func (b *bench) metric(name string, labels ...string) (sum float64) {
	b.t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(b.server)
	families, err := registry.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && (len(labels) == 0 || slices.Contains(labels, m.GetLabel()[0].GetValue())) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// A client is an encoder made of raw bytes.
type client struct {
	net.Conn
	t       testing.TB
	chunks  *chunk.Reader
	pending map[int][]byte
	size    int // of chunks that it sends
}

func (b *bench) dial() *client {
	b.t.Helper()
	nc, err := net.Dial("tcp", b.addr)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = nc.Close() })
	if b.secure != nil {
		nc = tls.Client(nc, b.secure)
	}
	return &client{Conn: nc, t: b.t, chunks: chunk.NewReader(nc, 8<<10), pending: map[int][]byte{}, size: 128}
}

// greet shakes hands.
func (c *client) greet() *client {
	c.t.Helper()
	hello := make([]byte, helloSize)
	hello[0] = 3
	c.raw(hello)
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.chunks.Take(1 + 1536); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.chunks.Take(1536); err != nil {
		c.t.Fatal(err)
	}
	c.raw(make([]byte, echoSize))
	return c
}

func (c *client) raw(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// send sends a message; what the server closes meanwhile is no fault.
func (c *client) send(id uint8, h chunk.Header, payload []byte) {
	_, _ = c.Write(chunk.Append(nil, id, h, payload, c.size))
}

func (c *client) command(stream uint32, values ...amf.Value) {
	c.send(3, chunk.Header{Kind: chunk.Command, Stream: stream}, amf.Append(nil, values...))
}

func (c *client) chunkSize(n uint32) {
	c.send(2, chunk.Header{Kind: chunk.SetChunkSize}, binary.BigEndian.AppendUint32(nil, n))
	c.size = int(n)
}

var null = amf.Value{Kind: amf.Null}

func (c *client) connect(app string, more ...amf.Field) {
	c.command(0, amf.OfText("connect"), amf.OfNumber(1), amf.OfObject(append([]amf.Field{{Name: "app", Value: amf.OfText(app)}}, more...)...))
}

func (c *client) publish(stream uint32, name string) {
	c.command(stream, amf.OfText("publish"), amf.OfNumber(5), null, amf.OfText(name), amf.OfText("live"))
}

// answer is the next message of the server's, of one kind, within five seconds. ok is false where the connection ends
// first.
func (c *client) answer(kind chunk.Kind) (payload []byte, ok bool) {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	for {
		p, err := c.chunks.Next()
		var netErr net.Error
		if errors.As(err, &netErr) && netErr.Timeout() {
			c.t.Fatal("no answer within 5 s")
		}
		if err != nil {
			return nil, false
		}
		b := append(c.pending[p.Slot], p.Bytes...)
		if c.pending[p.Slot] = b; !p.Last {
			continue
		}
		delete(c.pending, p.Slot)
		if p.Kind == kind {
			return b, true
		}
	}
}

// reply is the next command of that name, or the end.
func (c *client) reply(name string) (values []amf.Value, ok bool) {
	c.t.Helper()
	for {
		b, ok := c.answer(chunk.Command)
		if !ok {
			return nil, false
		}
		values, err := amf.Read(b)
		if err != nil {
			c.t.Fatal(err)
		}
		if values[0].Text == name {
			return values, true
		}
	}
}

// status is code and description of the next onStatus or _error; "" where the connection ends first.
func (c *client) status() (code, text string) {
	c.t.Helper()
	for {
		b, ok := c.answer(chunk.Command)
		if !ok {
			return "", ""
		}
		values, err := amf.Read(b)
		if err != nil {
			c.t.Fatal(err)
		}
		if name := values[0].Text; (name == "onStatus" || name == "_error") && len(values) == 4 {
			return values[3].Get("code").Text, values[3].Get("description").Text
		}
	}
}

// publishing is a client that publishes cam1 on stream 1.
func (b *bench) publishing() *client {
	b.t.Helper()
	c := b.dial().greet()
	c.connect("live/good")
	c.command(0, amf.OfText("createStream"), amf.OfNumber(4), null)
	c.publish(1, "cam1")
	if code, text := c.status(); code != "NetStream.Publish.Start" {
		b.t.Fatal(code, text)
	}
	return c
}

// ended waits for the server to close.
func (c *client) ended() {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Error("the connection is still open")
	}
}
