package origin

import (
	"io"
	"net"
	"sync"
	"syscall"
)

// Reading ahead. Most connections of an origin do nothing most of the time: they are idle, or wait for what is about to
// come, and hold no buffer meanwhile. One is taken when there is something to read and not before: all that is there is read
// into it by one system call, and given out by Read.

// aheadBytes is more than most requests have.
const aheadBytes = 2 << 10

// ahead is what a connection has read ahead. One goroutine at a time.
type ahead struct {
	raw    syscall.RawConn       // nil: its readiness cannot be had (TLS)
	ready  func(fd uintptr) bool // tries to read, for raw
	first  [1]byte               // read where raw is nil
	given  []byte                // read before the connection was anybody's here: given out first
	buffer *aheadBuffer          // nil: nothing is left
	err    error                 // of the last try
}

type aheadBuffer struct {
	bytes    [aheadBytes]byte
	from, to int // what is left
}

var aheadBuffers = sync.Pool{New: func() any { return new(aheadBuffer) }}

// of prepares it for a connection.
func (h *ahead) of(nc net.Conn) {
	if tc, ok := nc.(*net.TCPConn); ok {
		if raw, err := tc.SyscallConn(); err == nil {
			h.raw, h.ready = raw, h.try
		}
	}
}

// wait waits for the next bytes of the connection that it was prepared for, up to the read deadline.
func (h *ahead) wait(nc net.Conn) error {
	if h.raw == nil {
		n, err := nc.Read(h.first[:])
		if n == 0 {
			return err
		}
		b := aheadBuffers.Get().(*aheadBuffer)
		b.from, b.to = 0, copy(b.bytes[:], h.first[:])
		h.buffer = b
		return nil
	}
	if err := h.raw.Read(h.ready); err != nil {
		return err
	}
	return h.err
}

// try tries to read once. It reports false where there is nothing to read yet.
func (h *ahead) try(fd uintptr) bool {
	b := aheadBuffers.Get().(*aheadBuffer)
	n, err := readSocket(fd, b.bytes[:])
	if n > 0 {
		b.from, b.to = 0, n
		h.buffer, h.err = b, nil
		return true
	}
	aheadBuffers.Put(b)
	if err == nil {
		err = io.EOF
	}
	h.err = err
	return err != syscall.EAGAIN
}

// empty tells whether nothing is left.
func (h *ahead) empty() bool { return len(h.given) == 0 && h.buffer == nil }

// take moves what was read ahead to p.
func (h *ahead) take(p []byte) int {
	if len(h.given) > 0 {
		n := copy(p, h.given)
		if h.given = h.given[n:]; len(h.given) == 0 {
			h.given = nil
		}
		return n
	}
	b := h.buffer
	if b == nil {
		return 0
	}
	n := copy(p, b.bytes[b.from:b.to])
	if b.from += n; b.from == b.to {
		h.drop()
	}
	return n
}

// drop lets go of what is left.
func (h *ahead) drop() {
	if b := h.buffer; b != nil {
		h.buffer = nil
		aheadBuffers.Put(b)
	}
}
