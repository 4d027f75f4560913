package push

import (
	"context"
	"errors"
	"fmt"
	"time"

	"weir/media"
)

// A body is the request that is open on a connection: one for the whole connection, or one a segment.
type body struct {
	conn       *conn
	track      *Track
	format     Format
	perSegment bool
	open       bool
}

func (b *body) extension() string {
	if b.track.Kind == media.Video {
		return "cmfv"
	}
	return "cmfa"
}

// header sends the header, in a body of its own or at the start of the long one.
func (b *body) header(header []byte) error {
	method, path := "POST", fmt.Sprintf("Streams(%s.%s)", b.track.Name, b.extension())
	if b.format == Smooth {
		path = fmt.Sprintf("Streams(%s)", b.track.Name)
	}
	if b.perSegment {
		method, path = "PUT", fmt.Sprintf("%s/init.%s", b.track.Name, b.extension())
	}
	if err := b.begin(method, path); err != nil {
		return err
	}
	if err := b.conn.write(header); err != nil || !b.perSegment {
		return err
	}
	return b.end()
}

func (b *body) begin(method, path string) error {
	b.open = true
	return b.conn.begin(method, path)
}

// chunk sends a chunk.
func (b *body) chunk(r run, payload [][]byte) error {
	if b.perSegment && r.first {
		if err := b.end(); err != nil {
			return err
		}
		if err := b.begin("PUT", fmt.Sprintf("%s/%d.%s", b.track.Name, r.segment, b.extension())); err != nil {
			return err
		}
	}
	if err := b.conn.write(payload...); err != nil {
		return err
	}
	if b.perSegment && r.last {
		return b.end()
	}
	return nil
}

// end ends the body that is open, if one is, and waits for its answer.
func (b *body) end() error {
	if !b.open {
		return nil
	}
	b.open = false
	if err := b.conn.end(); err != nil {
		return err
	}
	return b.conn.answer()
}

// wait waits until a chunk is due. An answer that comes while a body is open, or none, is an error.
func (b *body) wait(ctx context.Context, due time.Time) error {
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case a, ok := <-b.conn.answers:
		if !ok {
			return errors.New("closed by the other side")
		}
		if err := a.check(); err != nil {
			return err
		}
		return errors.New("answered before the end of the body")
	}
}
