package origin

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"strconv"
	"time"

	"weir/segcache"
)

// An answer whose body grows goes out as chunks of HTTP/1.1, one for each commit: size line, slices of the slab and line end
// in one writev, the answer's header in front of the first, the last chunk behind the last. fasthttp would frame what it is
// given and copy it; so it is given one byte, which brings out the header, and is kept from the rest.
//
// To a client of HTTP/1.0 the bytes go as they are, and the end of the connection is their end: it is reset where they
// break off.
//
// Source: RFC 9112, 7.1 (chunked) and 6.3 (a body up to the end of the connection).

var errHeader = errors.New("origin: the library writes chunks otherwise than it did")

var (
	marker     = []byte{'.'}
	markerSent = []byte("1\r\n.\r\n")
	lineEnd    = []byte("\r\n")
	lastChunk  = []byte("0\r\n\r\n")
	lastOfAll  = []byte("\r\n0\r\n\r\n")
	chunked    = []byte("Transfer-Encoding: chunked\r\n")
)

// mostStalled bounds how long an answer waits for the next bytes of its segment: longer than any deadline of a slot that is
// worth it, for the slot's GAP ends the wait before.
const mostStalled = 30 * time.Second

// follow writes the header and the growing body of the running answer. An error closes the connection, so that the client
// sees that bytes are missing.
func (c *conn) follow(w io.Writer) (int64, error) {
	if err := c.takeHeader(w); err != nil {
		return 0, err
	}
	err := c.followSegment()
	if c.identity && err != nil {
		if tc, ok := c.Conn.(*net.TCPConn); ok {
			_ = tc.SetLinger(0) // Close resets
		}
	}
	if err == nil {
		c.drop = len(lastChunk) // the library writes it, too
	}
	return c.sent, c.server.countCut(&c.exchange, err)
}

// takeHeader has fasthttp's writer give out the header that stands in it.
func (c *conn) takeHeader(w io.Writer) error {
	c.head, c.capture = c.head[:0], true
	_, err := w.Write(marker)
	c.capture = false
	if err != nil {
		return err
	}
	var ok bool
	if c.head, ok = bytes.CutSuffix(c.head, markerSent); !ok {
		return errHeader
	}
	if !c.identity {
		return nil
	}
	i := bytes.Index(c.head, chunked)
	if i < 0 {
		return errHeader
	}
	c.head = append(c.head[:i], c.head[i+len(chunked):]...)
	return nil
}

// followSegment sends what is there, and then each commit, until the segment is whole.
func (c *conn) followSegment() error {
	g := &c.answer.growing
	grew := time.Now()
	timer := c.startTimer(mostStalled)
	defer timer.Stop()
	for {
		grown := g.track.Grown() // before the look
		s := g.track.Segment(g.n)
		if s == nil {
			return errBroken
		}
		b, whole := s.Grow(c.sent)
		if b.Len() > 0 || whole {
			if s.Gap {
				return errBroken
			}
			if err := c.sendCommit(b, whole); err != nil || whole {
				return err
			}
			grew = c.wrote
			continue
		}
		if g.broken(s) {
			return errBroken
		}
		select {
		case <-grown:
		case <-timer.C:
			left := mostStalled - time.Since(grew)
			if left <= 0 {
				return errStalled
			}
			timer.Reset(left)
		}
	}
}

// sendCommit sends bytes that were committed, in pieces where they are many; last says that no more will come.
func (c *conn) sendCommit(b segcache.Body, last bool) error {
	c.answer.Body = b
	for left := b.Len(); ; {
		n := min(left, pieceBytes)
		left -= n
		if err := c.sendPiece(b.Range(b.Len()-left-n, n), last && left == 0); err != nil {
			return err
		}
		c.sent += n
		if left == 0 {
			break
		}
	}
	runtime.KeepAlive(b)
	if arrived := b.Arrived(); arrived != 0 {
		c.server.metrics.latency.observeChunk(KindSegment, since(arrived))
	}
	return nil
}

// sendPiece sends one chunk, which may be empty where it is the last, with the header if that is still to be sent.
func (c *conn) sendPiece(b segcache.Body, last bool) error {
	n := b.Len()
	if err := c.extendDeadline(int64(len(c.head)) + n); err != nil {
		return err
	}
	c.vector = c.vector[:0]
	if len(c.head) > 0 {
		c.vector = append(c.vector, c.head)
	}
	switch {
	case c.identity:
		c.vector = b.AppendSlices(c.vector)
	case n > 0:
		c.size = append(strconv.AppendInt(c.size[:0], n, 16), lineEnd...)
		c.vector = b.AppendSlices(append(c.vector, c.size))
		end := lineEnd
		if last {
			end = lastOfAll
		}
		c.vector = append(c.vector, end)
	case last:
		c.vector = append(c.vector, lastChunk)
	}
	c.buffers = c.vector
	_, err := c.buffers.WriteTo(c.Conn)
	clear(c.vector)
	c.head = c.head[:0]
	return err
}
