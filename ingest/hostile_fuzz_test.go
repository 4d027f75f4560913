package ingest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"weir/media"
)

// A villain is what sends a fuzzed script: three connections of one channel, and units of valid bodies, mutated.
type villain struct {
	t     *testing.T
	bed   *testbed
	conns [3]*Conn
	src   [3]*source
	last  []byte // the unit sent before
}

// unit is the next thing to send on a connection.
func (v *villain) unit(i int, kind byte) []byte {
	s := v.src[i]
	switch kind % 12 {
	case 0:
		return s.header(v.t)
	case 1, 2, 3:
		return s.chunk(nil)
	case 4:
		return v.last
	case 5:
		s.next += 50 // a hole
		return s.chunk(nil)
	case 6:
		s.next = max(0, s.next-20) // back
		return s.chunk(nil)
	case 7:
		s.base += 1 << 40 // far ahead
		return s.chunk(nil)
	case 8:
		return append([]byte{0, 0, 0, 24}, "styplmsg\x00\x00\x00\x00lmsgcmfs"...)
	case 9:
		return (&media.Prft{NTP: 0xfff << 32, MediaTime: -1}).Append(nil)
	case 10:
		s.gop = 1 + int(kind)%50
		return s.chunk(nil)
	}
	return append([]byte{0, 0, 0, 16}, "freeabcdefgh"...)
}

// mutate changes a unit as two bytes of the script ask. The positions are those where boxes and their fields begin.
func mutate(b []byte, how, where byte) []byte {
	const most = 64 << 10 // what grows on itself stops somewhere
	if len(b) < 16 {
		return b
	}
	b = slices.Clone(b[:min(len(b), most)])
	at := int(where) * len(b) / 256
	if where < 128 && len(b) > 160 {
		at = int(where) // within the moof
	}
	switch how % 10 {
	case 0, 1, 2, 3:
	case 4:
		b[at] ^= how
	case 5:
		b[at] = 0xff
	case 6:
		b = b[:at]
	case 7:
		binary.BigEndian.PutUint32(b[min(at, len(b)-4):], uint32(how)<<uint(where%25))
	case 8:
		b = append(b[:at:at], b[at/2:]...) // a stretch twice
	case 9:
		b = slices.Delete(b, at/2, at)
	}
	return b
}

func (v *villain) attach(i int) {
	stream, err := v.bed.hostile.Stream(v.src[i].name)
	if err != nil {
		return
	}
	if v.conns[i], err = stream.Attach(i == 0, nil); err != nil {
		v.conns[i] = nil
	}
}

func (v *villain) step(op []byte) {
	i := int(op[0]) % 3
	if v.conns[i] == nil {
		v.attach(i)
	}
	conn := v.conns[i]
	if conn == nil {
		return
	}
	v.last = mutate(v.unit(i, op[1]), op[2], op[3])
	if err := conn.ReadBody(bytes.NewReader(v.last)); err != nil || op[0] > 250 {
		conn.Detach()
		v.conns[i] = nil
	}
}

// FuzzHostileBodies: whatever three connections of one channel send, nothing panics, nothing that was taken for
// unfinished boxes stays taken, and an encoder of another channel on the same memory loses no frame.
func FuzzHostileBodies(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x04\x00\x00\x01\x00\x00\x00\x01\x01\x07\x08"))
	f.Add(bytes.Repeat([]byte{0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 2, 0, 0, 0, 2, 2, 0, 0}, 10))
	f.Add(bytes.Repeat([]byte{0, 0, 0, 0, 0, 1, 4, 20, 0, 6, 0, 0, 0, 7, 0, 0, 255, 1, 0, 0}, 10))
	f.Fuzz(func(t *testing.T, script []byte) {
		b := newTestbed(t, &memory{})
		quiet := slog.New(slog.DiscardHandler)
		b.channel.log = quiet
		b.openHostile(quiet)
		good, sound := videoSource(), audioSource()
		b.attach(good)
		b.attach(sound)
		v := &villain{t: t, bed: b, src: [3]*source{videoSource(), audioSource(), videoSource()}}
		v.src[2].name, v.src[2].gop = "w", 10
		at := time.Duration(0)
		for n := 0; n < 60 && len(script) >= 4; n++ {
			v.step(script[:4])
			script = script[4:]
			at += 200 * time.Millisecond
			b.run(testStart, at, good, sound)
			b.settleHostile()
		}
		for _, conn := range v.conns {
			if conn != nil {
				conn.Detach()
			}
		}
		b.run(testStart, at+6*time.Second, good, sound)
		b.settleHostile()
		if n := b.hostile.unfinished.Load(); n != 0 {
			t.Errorf("%d bytes of unfinished boxes are still taken", n)
		}
		if b.hostile.conns != 0 {
			t.Errorf("%d connections are still counted", b.hostile.conns)
		}
		if err := b.unharmed(good); err != nil {
			t.Error(err)
		}
	})
}

// openHostile makes a second channel on the testbed's memory and clock.
func (b *testbed) openHostile(log *slog.Logger) {
	first := b.channel
	b.open()
	b.hostile, b.channel = b.channel, first
	b.hostile.log = log
	b.hostile.deps.Records = &memory{}
	b.hostile.limits.MdatBytes = 1 << 16
}

func (b *testbed) settleHostile() {
	first := b.channel
	b.channel = b.hostile
	b.settle()
	b.channel = first
}

// unharmed reports what is missing of an encoder's frames in the window.
func (b *testbed) unharmed(s *source) error {
	bodies := b.bodies()[s.name]
	next := -1
	for _, view := range b.channel.Live().Version().Tracks {
		if view.Name != s.name {
			continue
		}
		for n := view.First; n < view.End; n++ {
			body, ok := bodies[n]
			if !ok {
				return fmt.Errorf("segment %d is GAP", n)
			}
			_, numbers := b.frames(s, body)
			for _, f := range numbers {
				if next >= 0 && f != next {
					return fmt.Errorf("frame %d where %d is due", f, next)
				}
				next = f + 1
			}
		}
	}
	if next < s.next-3*s.gop {
		return fmt.Errorf("listed to frame %d of %d", next, s.next)
	}
	return nil
}
