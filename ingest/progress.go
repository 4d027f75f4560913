package ingest

import "time"

// What a connection may take while a box is on its way: time, by Limits.MinRate; memory, by Limits.ChannelUnfinished; and
// bytes per second, by Limits.ChannelRate.

// keepBox is the largest buffer that a connection keeps from box to box.
const keepBox = 64 << 10

// Due is when the box that is being read has to be whole; zero between boxes, where silence is bounded by Idle
// alone. For the goroutine that runs ReadBody.
func (conn *Conn) Due() time.Time { return conn.due }

// Idle is how long the body may be silent. It may change when a header comes: text has nothing to say for minutes. For the
// goroutine that runs ReadBody.
func (conn *Conn) Idle() time.Duration { return conn.idle }

// patience is Idle for a stream's tracks. Called with Channel.mu held.
func (s *Stream) patience() time.Duration {
	for _, in := range s.inputs {
		if !in.track.sparse() {
			return s.c.limits.Idle
		}
	}
	return max(s.c.limits.Idle, s.c.limits.TextIdle)
}

// begin starts the clock of a box of size bytes.
func (conn *Conn) begin(size int64) {
	l := &conn.s.c.limits
	const most = 1 << 40 // keeps a lying size from overflowing; its limit refuses it next
	conn.due = time.Now().Add(l.Idle + time.Duration(min(size, most)/l.MinRate)*time.Second)
}

// finish ends a box: its clock, and its memory.
func (conn *Conn) finish() {
	conn.due = time.Time{}
	conn.s.c.unfinished.Add(-conn.claimed)
	conn.claimed = 0
	if cap(conn.box) > keepBox {
		conn.box = nil
	}
}

// claim takes bytes for a box that is being read.
func (conn *Conn) claim(n int) error {
	conn.claimed += int64(n)
	if conn.s.c.unfinished.Add(int64(n)) > conn.s.c.limits.ChannelUnfinished {
		return ErrUnfinished // finish gives back what was claimed
	}
	return nil
}

// pace accounts for n bytes of the body against the channel's rate, and waits as that asks, unless the connection has to
// end.
func (conn *Conn) pace(n int64) error {
	const often = 64 << 10
	c := conn.s.c
	if conn.unpaid += n; conn.unpaid >= often {
		c.mu.Lock()
		wait := c.bucket.Take(c.deps.Now(), int(conn.unpaid))
		c.mu.Unlock()
		conn.unpaid = 0
		return conn.Pause(wait)
	}
	return conn.Err()
}

// Pause waits, unless the connection has to end: then it returns why at once, or soon.
func (conn *Conn) Pause(wait time.Duration) error {
	const step = 100 * time.Millisecond
	for ; wait > 0; wait -= step {
		time.Sleep(min(wait, step))
		if err := conn.Err(); err != nil {
			return err
		}
	}
	return conn.Err()
}

// Visit lets in a body that belongs to the channel and to no stream, and takes n bytes for it: a manifest. ErrBusy or
// ErrUnfinished refuse it; otherwise call leave at its end. Safe for concurrent use.
func (c *Channel) Visit(n int64) (leave func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conns >= c.limits.ChannelConnections {
		return nil, ErrBusy
	}
	if c.unfinished.Add(n) > c.limits.ChannelUnfinished {
		c.unfinished.Add(-n)
		return nil, ErrUnfinished
	}
	c.conns++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.conns--
		c.unfinished.Add(-n)
	}, nil
}
