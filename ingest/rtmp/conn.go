package rtmp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"weir/ingest"
	"weir/ingest/rtmp/chunk"
)

// What one connection may hold and do, beyond ingest.Limits. docs/limits.md has the sum.
const (
	strangerBuffer = 4 << 10  // for reading, until a stream is published
	publishBuffer  = 32 << 10 // from then on
	strangerBytes  = 64 << 10 // that it may send until then
	maxStreams     = 8        // message streams
	maxMessage     = 64 << 10 // bytes of a command or of data
	maxGathered    = 2 * maxMessage
	keepGathered   = 4 << 10 // memory that a chunk stream keeps for its next command
	maxAnswers     = 16 << 10
	writeTimeout   = 10 * time.Second

	readCost    = 512 // what a read, or a message, counts for beside its bytes: who sends tiny ones pays for the work
	commandCost = 4 << 10
)

// errKicked makes the loop look at what has changed; nothing is lost.
var errKicked = errors.New("kicked")

var (
	errStranger = errors.New("more than 64 KiB without a stream that is published")
	errLate     = errors.New("no stream published within ingest.limits.headTimeout")
)

// A conn is one encoder's connection. One goroutine runs it; others may only kick.
type conn struct {
	port   *Port
	s      *Server
	nc     net.Conn
	tcp    net.Conn // under what nc puts on it
	peer   netip.Addr
	chunks *chunk.Reader
	kicked atomic.Bool
	log    *slog.Logger

	// time and rate
	now     time.Time // of the last read
	next    time.Time // when the deadline is to be moved again
	until   time.Time // the deadline in force
	publish time.Time // when a stream has to be published; zero while one is
	allowed uint64    // bytes received by then
	rate    ingest.Bucket
	owing   int // bytes, and the price of reads and messages, not yet accounted for

	// answers
	out     []byte
	payload []byte // scratch of answer
	window  uint64 // bytes between two acknowledgements
	acked   uint64

	// what comes
	slots    []slot // by chunk stream
	gathered int    // bytes in them
	app      *app   // nil before connect
	streams  [maxStreams]stream
	said     bool // why the connection ends has been said
}

func newConn(p *Port, nc net.Conn, peer netip.Addr) *conn {
	c := &conn{
		port: p, s: p.s, nc: ingest.Socket(nc), tcp: nc, peer: peer, log: p.s.cfg.Log.With("remote", nc.RemoteAddr().String()),
		rate: ingest.Bucket{Rate: p.s.cfg.Limits.ConnectionRate}, window: ackWindow,
	}
	if p.secure != nil {
		c.nc = tls.Server(c.nc, p.secure)
	}
	c.chunks = chunk.NewReader(c, strangerBuffer)
	return c
}

// run serves the connection until it ends, and says why.
func (c *conn) run() {
	defer func() {
		if fault := recover(); fault != nil { // a fault of weir's, not of the encoder's: it ends this connection alone
			c.log.Error("panic while reading an RTMP connection: please report it", "fault", fault, "stack", string(debug.Stack()))
			c.s.metrics.failures.WithLabelValues("panic").Inc()
			c.closeStreams(errors.New("internal error"))
			_ = c.nc.Close()
		}
	}()
	c.now = time.Now()
	c.await()
	err := c.greet()
	for err == nil {
		var p chunk.Piece
		if p, err = c.chunks.Next(); err == nil {
			err = c.take(p)
		} else if errors.Is(err, errKicked) {
			err = c.attend()
		}
	}
	c.end(err)
}

// await gives the encoder time and bytes to publish a stream.
func (c *conn) await() {
	c.publish, c.next = time.Now().Add(c.s.cfg.Limits.HeadTimeout), time.Time{}
	c.allowed = c.chunks.Received() + strangerBytes
}

// greet shakes hands: TLS first, where the port has it.
func (c *conn) greet() error {
	if t, ok := c.nc.(*tls.Conn); ok {
		_ = t.SetDeadline(c.publish)
		if err := t.HandshakeContext(context.Background()); err != nil {
			return fmt.Errorf("%w: TLS: %w", errHello, err)
		}
		_ = t.SetWriteDeadline(time.Time{})
	}
	hello, err := c.bytes(helloSize)
	if err != nil {
		if c.chunks.Received() > 0 {
			return fmt.Errorf("%w: %w", errHello, err)
		}
		return err
	}
	if c.out, err = answerHello(c.out, hello); err != nil {
		return err
	}
	_, err = c.bytes(echoSize)
	c.acked = c.chunks.Received()
	return err
}

// bytes are the next n bytes of the handshake.
func (c *conn) bytes(n int) ([]byte, error) {
	for {
		b, err := c.chunks.Take(n)
		if !errors.Is(err, errKicked) {
			return b, err
		}
		if err := c.attend(); err != nil {
			return nil, err
		}
	}
}

// Read implements io.Reader for the chunk stream: under a rolling deadline, within the connection's rate, and with what
// there is to answer sent before it waits.
func (c *conn) Read(p []byte) (int, error) {
	if !c.publish.IsZero() && c.chunks.Received() > c.allowed {
		return 0, errStranger
	}
	c.acknowledge()
	if err := c.flush(); err != nil {
		return 0, err
	}
	c.now = time.Now()
	if c.now.After(c.next) {
		if err := c.roll(); err != nil {
			return 0, err
		}
	}
	n, err := c.nc.Read(p)
	if n > 0 {
		c.s.metrics.bytes.Add(float64(n))
		c.account(n + readCost)
		return n, nil // an error will come again
	}
	return n, c.reason(err)
}

// roll moves the deadline, or finds that it has passed: for a stranger to publish, for a message to be whole, else for
// the connection to say anything.
func (c *conn) roll() error {
	l := &c.s.cfg.Limits
	c.until = c.now.Add(l.Idle)
	c.next = c.now.Add(l.Idle / 8)
	if !c.publish.IsZero() {
		c.until = c.publish
	} else if due := c.due(); !due.IsZero() && due.Before(c.until) {
		c.until = due
	}
	if !c.until.After(c.now) {
		return c.late()
	}
	if err := c.nc.SetReadDeadline(c.until); err != nil {
		return err
	}
	if c.kicked.Load() { // either we see it here, or its deadline comes after ours
		return errKicked
	}
	return nil
}

// late is why the deadline matters that has passed.
func (c *conn) late() error {
	switch due := c.due(); {
	case !c.publish.IsZero():
		return errLate
	case !due.IsZero() && !due.After(c.now):
		return ingest.ErrSlow
	}
	return ingest.ErrStalled
}

// reason is why a read failed.
func (c *conn) reason(err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	c.now, c.next = time.Now(), time.Time{}
	if c.kicked.Load() {
		return errKicked
	}
	return c.late()
}

// kick makes the connection look at what has changed. Safe for concurrent use.
func (c *conn) kick() {
	c.kicked.Store(true)
	_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // a closed connection needs no kicking
}

// attend looks at what has changed: streams that have to end, and the port.
func (c *conn) attend() error {
	c.kicked.Store(false)
	c.next = time.Time{}
	if c.port.drains() {
		return ingest.ErrDraining
	}
	for i := range c.streams {
		st := &c.streams[i]
		if st.pub == nil {
			continue
		}
		if err := st.pub.err(); err != nil {
			if err := c.failed(st, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// account counts work against the connection's rate, and waits as that asks.
func (c *conn) account(n int) {
	const often = 64 << 10
	if c.owing += n; c.owing < often {
		return
	}
	wait := c.rate.Take(time.Now().UnixNano(), c.owing)
	c.owing = 0
	const step = 100 * time.Millisecond
	for ; wait > 0 && !c.kicked.Load(); wait -= step {
		time.Sleep(min(wait, step))
	}
}

// end closes what is open and the connection, and says why: to the encoder where it can still listen, and in the log.
func (c *conn) end(err error) {
	f, idle := faultOf(err), !c.published()
	c.closeStreams(err)
	if f.kind != "" {
		c.s.metrics.failures.WithLabelValues(f.kind).Inc()
	}
	if f.kind == "malformed" && (c.app == nil || c.app.door == nil) {
		c.s.cfg.Gate.Showed(c.peer, false, time.Now()) // who sends what no encoder sends is no better than who guesses
	}
	if !f.gone {
		c.part(f, err)
	}
	_ = c.nc.Close()
	c.logEnd(f, err, f.gone && idle)
}

// closeStreams ends all publications.
func (c *conn) closeStreams(err error) {
	if errors.Is(err, io.EOF) {
		err = nil // RTMP's senders just close
	}
	for i := range c.streams {
		c.unpublish(&c.streams[i], err)
	}
}

// part says why the connection ends, and gives the encoder a moment to read it: a connection that is closed with bytes
// unread is reset, which is what stops an encoder that does not read while it sends, and may take what was said with it.
func (c *conn) part(f fault, err error) {
	if !c.said {
		c.sayEnd(f, err)
	}
	if c.flush() != nil {
		return
	}
	select {
	case c.port.partings <- struct{}{}:
		defer func() { <-c.port.partings }()
	default:
		return
	}
	_ = c.nc.SetDeadline(time.Now().Add(f.patience))
	if half, ok := c.tcp.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(c.nc, 1<<20))
}

// logEnd writes one line for a connection that had a stream, once per stream, kind and ten seconds.
func (c *conn) logEnd(f fault, err error, minor bool) {
	if minor || c.app == nil || c.app.door == nil {
		c.log.Debug("RTMP connection without a stream ended", "kind", f.kind, "err", err)
		return
	}
	channel := c.app.door.Channel.Name()
	if f.kind == "" || !c.s.logs.May(channel+"/"+c.app.last+"/"+f.kind) {
		return
	}
	level := slog.LevelWarn
	if errors.Is(err, ingest.ErrDraining) || errors.Is(err, ingest.ErrReplaced) {
		level = slog.LevelInfo
	}
	c.log.Log(context.Background(), level, "encoder connection ended", "channel", channel, "stream", c.app.last, "kind", f.kind, "err", err)
}
