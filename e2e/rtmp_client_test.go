package e2e

import (
	"bufio"
	bits "encoding/binary"
	"fmt"
	"io"
	"math"
	"net"
	"strings"
	"testing"
	"time"
)

// A publisher is an RTMP client that sends what no encoder at hand does. It speaks as little of the protocol as publishing
// needs, and reads nothing but the beginning of the answers.
type publisher struct {
	net.Conn
	w *bufio.Writer
}

// publishTo connects to where RTMP is published, rtmp://HOST:PORT/live/TOKEN, and publishes under a name.
func publishTo(t *testing.T, live, name string) *publisher {
	t.Helper()
	host, app, _ := strings.Cut(strings.TrimPrefix(live, "rtmp://"), "/")
	nc, err := net.DialTimeout("tcp", host, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	p := &publisher{Conn: nc, w: bufio.NewWriter(nc)}
	hello := make([]byte, 1+1536)
	hello[0] = 3
	if _, err := nc.Write(hello); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 1+2*1536)
	if _, err := io.ReadFull(nc, answer); err != nil {
		t.Fatal(err)
	}
	if _, err := nc.Write(answer[1:1537]); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, nc) }()
	p.message(2, 1, 0, 0, []byte{0, 1, 0, 0}) // chunks of 64 KiB
	p.message(3, 20, 0, 0, amf("connect", 1, [][2]any{
		{"app", app}, {"type", "nonprivate"}, {"tcUrl", live}, {"fourCcList", []string{"hvc1", "av01", "Opus"}},
	}))
	p.message(3, 20, 0, 0, amf("createStream", 2, nil))
	p.message(3, 20, 1, 0, amf("publish", 3, nil, name, "live"))
	if err := p.w.Flush(); err != nil {
		t.Fatal(err)
	}
	return p
}

// message sends a message, in one chunk where it has less than 64 KiB.
func (p *publisher) message(id, kind byte, stream, ms uint32, b []byte) {
	const chunk = 65536
	head := make([]byte, 0, 16)
	head = append(head, id)
	short := min(ms, 0xffffff)
	head = append(head, byte(short>>16), byte(short>>8), byte(short), byte(len(b)>>16), byte(len(b)>>8), byte(len(b)), kind)
	head = bits.LittleEndian.AppendUint32(head, stream)
	if short == 0xffffff {
		head = bits.BigEndian.AppendUint32(head, ms)
	}
	for {
		n := min(len(b), chunk)
		_, _ = p.w.Write(head)
		_, _ = p.w.Write(b[:n]) // Flush tells
		if b = b[n:]; len(b) == 0 {
			return
		}
		head = append(head[:0], id|0xc0)
		if short == 0xffffff {
			head = bits.BigEndian.AppendUint32(head, ms)
		}
	}
}

func (p *publisher) video(ms int64, head string, b []byte) error {
	p.message(6, 9, 1, uint32(ms), append([]byte(head), b...))
	return p.w.Flush()
}

func (p *publisher) audio(ms int64, head string, b []byte) error {
	p.message(4, 8, 1, uint32(ms), append([]byte(head), b...))
	return p.w.Flush()
}

// amf writes values of AMF0: strings, numbers, objects (pairs of name and value), nil, lists of strings.
func amf(values ...any) (b []byte) {
	text := func(s string) { b = append(bits.BigEndian.AppendUint16(b, uint16(len(s))), s...) }
	for _, v := range values {
		switch v := v.(type) {
		case string:
			b = append(b, 2)
			text(v)
		case int:
			b = bits.BigEndian.AppendUint64(append(b, 0), math.Float64bits(float64(v)))
		case float64:
			b = bits.BigEndian.AppendUint64(append(b, 0), math.Float64bits(v))
		case []string:
			b = bits.BigEndian.AppendUint32(append(b, 10), uint32(len(v)))
			for _, s := range v {
				b = append(b, amf(s)...)
			}
		case [][2]any:
			if v == nil {
				b = append(b, 5)
				continue
			}
			b = append(b, 3)
			for _, field := range v {
				text(fmt.Sprint(field[0]))
				b = append(b, amf(field[1])...)
			}
			b = append(b, 0, 0, 9)
		case nil:
			b = append(b, 5)
		}
	}
	return b
}
