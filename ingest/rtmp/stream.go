package rtmp

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"weir/ingest"
	"weir/ingest/rtmp/amf"
)

// A stream is a message stream of a connection, published or not. Its number is its place plus one.
type stream struct {
	id      uint32 // 0: free
	channel string
	name    string
	pub     publication // nil: nothing is published
	busy    [2]bool     // a message of audio, of video is under way
	log     *slog.Logger
}

// stream finds a message stream, or nil.
func (c *conn) stream(id uint32) *stream {
	for i := range c.streams {
		if st := &c.streams[i]; st.id == id && id != 0 {
			return st
		}
	}
	return nil
}

// newStream makes the message stream of the least free number, or nil.
func (c *conn) newStream() *stream {
	for i := range c.streams {
		if st := &c.streams[i]; st.id == 0 {
			st.id = uint32(i) + 1
			return st
		}
	}
	return nil
}

func (c *conn) createStream(k *call) {
	st := c.newStream()
	if st == nil {
		c.answer("_error", k.transaction, amf.Value{Kind: amf.Null},
			info("error", "NetConnection.Call.Failed", fmt.Sprintf("a connection may have %d streams: open another", maxStreams)))
		return
	}
	c.result(k, amf.Value{Kind: amf.Null}, amf.OfNumber(float64(st.id)))
}

// publishStream begins a publication on the command's message stream. Some encoders do not ask for one first.
func (c *conn) publishStream(k *call) error {
	st := c.stream(k.stream)
	if st == nil {
		if k.stream < 1 || k.stream > maxStreams {
			return fmt.Errorf("%w: publish on message stream %d: ask for one by createStream", errCommand, k.stream)
		}
		st = &c.streams[k.stream-1]
		st.id = k.stream
	}
	if st.pub != nil {
		c.status(st.id, "error", "NetStream.Publish.BadName", "this stream is being published: create another")
		return nil
	}
	token, name, query, ok := parseName(c.app.token, k.text(0))
	if !ok {
		return c.refuse(st, "no such name: publish to rtmp://{host}/live/{accessToken}/{name}, the name of letters, digits and . _ ~ -")
	}
	if c.app.token == "" {
		if why := c.knock(token); why != "" {
			return c.refuse(st, why)
		}
	}
	c.app.last = name
	st.channel, st.name, st.busy = c.app.door.Channel.Name(), name, [2]bool{}
	st.log = c.log.With("channel", st.channel, "stream", name)
	pub, err := c.s.open(&publish{
		door: c.app.door, name: name, query: parseQueries(c.app.query, query), source: c.port.source,
		client: c.peer, log: st.log, kick: c.kick,
	})
	if err != nil {
		return c.failed(st, err)
	}
	st.pub = pub
	c.publish = time.Time{}
	c.next = time.Time{}
	c.chunks.Grow(publishBuffer)
	c.s.metrics.publications.Inc()
	c.s.metrics.publishes.Inc()
	st.log.Info("published", "source", c.port.source, "encoder", c.app.agent, "secure", c.port.secure != nil)
	c.begun(st.id)
	c.status(st.id, "status", "NetStream.Publish.Start", name+" is now published.")
	return nil
}

// refuse tells why a publish command cannot be done, and ends the connection, unless another stream is published over it.
func (c *conn) refuse(st *stream, why string) error {
	c.status(st.id, "error", "NetStream.Publish.BadName", why)
	if c.published() {
		return nil
	}
	c.said = true
	return fmt.Errorf("%w: %s", errRejected, why)
}

// failed ends a publication that went wrong, or that could not begin, and tells the encoder. The connection ends with it,
// unless another stream is published over it.
func (c *conn) failed(st *stream, err error) error {
	if errors.Is(err, ingest.ErrDraining) {
		return err
	}
	f := faultOf(err)
	if f.code != "" {
		c.status(st.id, "error", f.code, err.Error())
		c.said = true
	}
	c.unpublish(st, err)
	if c.published() {
		c.said = false
		c.s.metrics.failures.WithLabelValues(f.kind).Inc()
		if c.s.logs.May(st.channel + "/" + st.name + "/" + f.kind) {
			st.log.Warn("publication ended", "kind", f.kind, "err", err)
		}
		return nil
	}
	return err
}

// unpublish ends a stream's publication, if it has one. Messages that are under way are given up.
func (c *conn) unpublish(st *stream, err error) {
	if st.pub == nil {
		return
	}
	for i := range c.slots {
		m := &c.slots[i]
		if m.does == feedIt && m.stream == st || m.does == splitIt && m.stream == st {
			c.giveUp(m)
		}
	}
	pub := st.pub
	st.pub, st.busy = nil, [2]bool{}
	pub.close(err)
	c.s.metrics.publications.Dec()
	if err == nil {
		st.log.Info("unpublished")
	}
	if !c.published() {
		c.await() // it has as long as at first to publish again
	}
}

// published tells whether any stream is published.
func (c *conn) published() bool {
	for i := range c.streams {
		if c.streams[i].pub != nil {
			return true
		}
	}
	return false
}

// closeStream ends a stream as the encoder asks; deleted, its number is free.
func (c *conn) closeStream(id uint32, deleted bool) error {
	st := c.stream(id)
	if st == nil {
		return nil
	}
	if st.pub != nil {
		c.unpublish(st, nil)
		c.status(id, "status", "NetStream.Unpublish.Success", st.name+" is no longer published.")
	}
	if deleted {
		*st = stream{}
	}
	return nil
}

// unpublishName ends the publication that a name stands for, as encoders give it in FCUnpublish.
func (c *conn) unpublishName(full string) error {
	_, name, _, _ := parseName(c.app.token, full)
	for i := range c.streams {
		if st := &c.streams[i]; st.pub != nil && st.name == name {
			return c.closeStream(st.id, false)
		}
	}
	return nil
}
