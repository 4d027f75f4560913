package web

import (
	"io"
	"net"
	"time"

	"weir/ingest"
)

// body reads a request body under a rolling deadline: an encoder may be slow or pause, but not for longer than idle.
// It also lets the channel end the reading from outside (kick).
type body struct {
	r    io.Reader
	nc   net.Conn
	idle time.Duration
	next time.Time // when the deadline is to be moved again
	conn *ingest.Conn
}

// Read implements io.Reader. A time-out is ErrStalled.
func (b *body) Read(p []byte) (int, error) {
	if now := time.Now(); now.After(b.next) {
		if err := b.nc.SetReadDeadline(now.Add(b.idle)); err != nil {
			return 0, err
		}
		b.next = now.Add(b.idle / 8)
		// An interrupt stores its reason first and moves the deadline second: either we see the reason here, or its
		// deadline comes after ours.
		if err := b.conn.Err(); err != nil {
			return 0, err
		}
	}
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		if stop := b.conn.Err(); stop != nil {
			return n, stop
		}
		if netErr, ok := err.(net.Error); ok && netErr.Timeout() {
			return n, ingest.ErrStalled
		}
	}
	return n, err
}

// interrupt makes a blocked Read return.
func interrupt(nc net.Conn) func() {
	return func() { _ = nc.SetReadDeadline(time.Unix(1, 0)) } // a closed connection needs no interrupting
}
