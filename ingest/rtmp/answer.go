package rtmp

import (
	"encoding/binary"
	"time"

	"weir/ingest"
	"weir/ingest/rtmp/amf"
	"weir/ingest/rtmp/chunk"
)

const (
	ackWindow   = 2_500_000 // bytes that either side may send unacknowledged
	answerChunk = 4096      // size of the chunks that the server sends, once it has said so

	controlChunks = 2 // chunk streams that the server uses
	commandChunks = 3
	statusChunks  = 5
)

// Events of user control.
//
// Source: RTMP 1.0, 7.1.7.
const (
	streamBegin  = 0
	pingRequest  = 6
	pingResponse = 7
)

// control takes a message of control, of those that do not concern the chunk stream alone.
func (c *conn) control(p chunk.Piece) error {
	switch {
	case p.Kind == chunk.WindowSize && len(p.Bytes) == 4:
		if w := uint64(binary.BigEndian.Uint32(p.Bytes)); w > 0 {
			c.window = w
		}
	case p.Kind == chunk.UserControl && len(p.Bytes) == 6 && binary.BigEndian.Uint16(p.Bytes) == pingRequest:
		var pong [6]byte
		copy(pong[:], p.Bytes)
		binary.BigEndian.PutUint16(pong[:], pingResponse)
		c.send(controlChunks, chunk.Header{Kind: chunk.UserControl}, pong[:])
		return c.relieve()
	}
	return nil
}

// acknowledge says how much has come, once a window.
func (c *conn) acknowledge() {
	got := c.chunks.Received()
	if got-c.acked < c.window || c.app == nil {
		return
	}
	c.acked = got
	c.tell(chunk.Acknowledgement, uint32(got))
}

// tell sends a message of control that is a number.
func (c *conn) tell(kind chunk.Kind, n uint32) {
	b := binary.BigEndian.AppendUint32(nil, n)
	if kind == chunk.SetPeerBandwidth {
		b = append(b, 2) // dynamic
	}
	c.send(controlChunks, chunk.Header{Kind: kind}, b)
}

// begun tells that a message stream is there.
func (c *conn) begun(id uint32) {
	c.send(controlChunks, chunk.Header{Kind: chunk.UserControl}, binary.BigEndian.AppendUint32([]byte{0, streamBegin}, id))
}

// send appends a message to what is to be answered.
func (c *conn) send(id uint8, h chunk.Header, payload []byte) {
	c.out = chunk.Append(c.out, id, h, payload, answerChunk)
}

// answer sends a command.
func (c *conn) answer(name string, transaction float64, values ...amf.Value) {
	c.command0(commandChunks, 0, name, transaction, values...)
}

func (c *conn) command0(id uint8, stream uint32, name string, transaction float64, values ...amf.Value) {
	c.payload = amf.Append(c.payload[:0], amf.OfText(name), amf.OfNumber(transaction))
	c.payload = amf.Append(c.payload, values...)
	c.send(id, chunk.Header{Kind: chunk.Command, Stream: stream}, c.payload)
}

// result answers a call, unless no answer is waited for.
func (c *conn) result(k *call, values ...amf.Value) {
	if k.transaction != 0 {
		c.answer("_result", k.transaction, values...)
	}
}

// fc sends what Flash Media Server sent after FCPublish and FCUnpublish; some appliances wait for it.
func (c *conn) fc(name, code, stream string) {
	c.answer(name, 0, amf.Value{Kind: amf.Null}, info("status", code, clip(stream)))
}

// status tells of a message stream, or of the connection where id is 0.
func (c *conn) status(id uint32, level, code, text string) {
	c.command0(statusChunks, id, "onStatus", 0, amf.Value{Kind: amf.Null}, info(level, code, text))
}

// sayEnd tells why the connection ends. An encoder that understands it is asked to come back.
//
// Source: Enhanced RTMP v2, "Reconnect Request".
func (c *conn) sayEnd(f fault, err error) {
	if f.code == "" || c.app == nil {
		return
	}
	if f.kind == "draining" && c.app.reconnect {
		c.status(0, "status", "NetConnection.Connect.ReconnectRequest", ingest.ErrDraining.Error())
		return
	}
	id := uint32(0)
	for i := range c.streams {
		if id = c.streams[i].id; id != 0 {
			break
		}
	}
	c.status(id, "error", f.code, err.Error())
}

func info(level, code, text string) amf.Value {
	return amf.OfObject(
		amf.Field{Name: "level", Value: amf.OfText(level)},
		amf.Field{Name: "code", Value: amf.OfText(code)},
		amf.Field{Name: "description", Value: amf.OfText(text)},
	)
}

// relieve sends what there is to answer where it has become much.
func (c *conn) relieve() error {
	if len(c.out) < maxAnswers {
		return nil
	}
	return c.flush()
}

// flush sends what there is to answer.
func (c *conn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	_ = c.nc.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := c.nc.Write(c.out)
	if c.out = c.out[:0]; cap(c.out) > maxAnswers {
		c.out = nil
	}
	return err
}
