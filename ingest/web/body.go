package web

import (
	"bytes"
	"io"
	"net"
	"time"

	"github.com/valyala/fasthttp"

	"weir/ingest"
)

// A body reads a request body under a rolling deadline: an encoder may be slow or pause, but not for longer than idle, and
// not in the middle of a box for longer than that needs. It keeps the connection to its rate, and lets the channel end the
// reading from outside (kick).
type body struct {
	r     io.Reader
	nc    net.Conn
	idle  time.Duration // of the session, when the deadline was set
	next  time.Time     // when the deadline is to be moved again
	until time.Time     // the deadline in force
	conn  session
	rate  *ingest.Bucket // of the connection
	owing int            // bytes, and the price of reads, not yet accounted for
	short int64          // bytes of the body that are still to come, by its Content-Length; -1: not said
}

// A session is what a body is read for: *ingest.Conn, or loose.
type session interface {
	Idle() time.Duration            // how long the body may be silent
	Due() time.Time                 // when what is being read has to be whole; zero: no such time
	Err() error                     // why reading has to end, or nil
	Pause(wait time.Duration) error // waits, and is Err
}

// loose is the session of a body that belongs to no stream: it has to be whole by a time.
type loose struct {
	due  time.Time
	idle time.Duration
}

// Idle, Due, Err and Pause implement session.
func (l loose) Idle() time.Duration            { return l.idle }
func (l loose) Due() time.Time                 { return l.due }
func (l loose) Err() error                     { return nil }
func (l loose) Pause(wait time.Duration) error { time.Sleep(wait); return nil }

// bodyOf is the request's body, read for a session.
func (s *Server) bodyOf(ctx *fasthttp.RequestCtx, conn session) *body {
	r := ctx.RequestBodyStream()
	if r == nil {
		r = bytes.NewReader(nil)
	}
	nc := ctx.Conn()
	return &body{
		r: r, nc: nc, conn: conn, rate: rateOf(nc), short: int64(ctx.Request.Header.ContentLength()),
	}
}

// readCost is what a read counts for beside its bytes: a sender of one-byte chunks pays for the work that he makes.
const readCost = 512

// Read implements io.Reader. A time-out is ErrStalled or, in the middle of a box, ErrSlow.
func (b *body) Read(p []byte) (int, error) {
	if now := time.Now(); now.After(b.next) || b.idle != b.conn.Idle() {
		if err := b.roll(now); err != nil {
			return 0, err
		}
	}
	n, err := b.r.Read(p)
	if b.short > 0 {
		if b.short -= int64(n); err == io.EOF && b.short > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	if err != nil {
		return n, b.reason(err)
	}
	const often = 64 << 10
	if b.owing += n + readCost; b.owing >= often {
		wait := b.rate.Take(time.Now().UnixNano(), b.owing)
		b.owing = 0
		err = b.conn.Pause(wait)
	}
	return n, err
}

// roll moves the deadline, or finds that it has passed.
func (b *body) roll(now time.Time) error {
	b.idle = b.conn.Idle()
	deadline := now.Add(b.idle)
	if due := b.conn.Due(); !due.IsZero() && due.Before(deadline) {
		if deadline = due; due.Before(now) {
			return ingest.ErrSlow
		}
	}
	if err := b.nc.SetReadDeadline(deadline); err != nil {
		return err
	}
	b.next, b.until = now.Add(b.idle/8), deadline
	// An interrupt stores its reason first and moves the deadline second: either we see the reason here, or its
	// deadline comes after ours.
	return b.conn.Err()
}

// reason is why a read failed.
func (b *body) reason(err error) error {
	if err == io.EOF {
		return err
	}
	if stop := b.conn.Err(); stop != nil {
		return stop
	}
	if now := time.Now(); !now.Before(b.until) { // fasthttp hides a time-out that it meets between two chunks
		if due := b.conn.Due(); !due.IsZero() && !due.After(now) {
			return ingest.ErrSlow
		}
		return ingest.ErrStalled
	}
	return err
}

// interrupt makes a blocked Read return.
func interrupt(nc net.Conn) func() {
	return func() { _ = nc.SetReadDeadline(time.Unix(1, 0)) } // a closed connection needs no interrupting
}
