package rtmp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/ingest"
	"weir/ingest/rtmp/amf"
	"weir/ingest/rtmp/chunk"
)

// A script is a connection whose bytes are known: it reads them, in pieces, and drops what it is answered.
type script struct {
	*bytes.Reader
	piece int // bytes a read at most; 0: all
}

func (s *script) Read(p []byte) (int, error) {
	if s.piece > 0 {
		p = p[:min(len(p), s.piece)]
	}
	return s.Reader.Read(p)
}
func (*script) Write(p []byte) (int, error)      { return len(p), nil }
func (*script) Close() error                     { return nil }
func (*script) CloseWrite() error                { return nil }
func (*script) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (*script) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1} }
func (*script) SetDeadline(time.Time) error      { return nil }
func (*script) SetReadDeadline(time.Time) error  { return nil }
func (*script) SetWriteDeadline(time.Time) error { return nil }

// hello is what an encoder sends before its first chunk.
func hello() []byte { return append([]byte{3}, make([]byte, 1536+echoSize)...) }

// publishing is what an encoder sends to publish cam1 on stream 1.
func publishing(token string) []byte {
	b := hello()
	command := func(stream uint32, values ...amf.Value) {
		b = chunk.Append(b, 3, chunk.Header{Kind: chunk.Command, Stream: stream}, amf.Append(nil, values...), 128)
	}
	command(0, amf.OfText("connect"), amf.OfNumber(1), amf.OfObject(amf.Field{Name: "app", Value: amf.OfText("live/" + token)}))
	command(0, amf.OfText("createStream"), amf.OfNumber(2), null)
	command(1, amf.OfText("publish"), amf.OfNumber(3), null, amf.OfText("cam1"))
	return b
}

func control(b []byte, kind chunk.Kind, payload string) []byte {
	return chunk.Append(b, 2, chunk.Header{Kind: kind}, []byte(payload), 128)
}

// attacks are connections that mean harm, before a stream is published and behind it.
func attacks() map[string][]byte {
	command := func(b []byte, payload string) []byte {
		return chunk.Append(b, 3, chunk.Header{Kind: chunk.Command}, []byte(payload), 128)
	}
	partial := func(b []byte, kind chunk.Kind, count, declared int) []byte {
		for i := range count {
			first := chunk.Append(nil, byte(2+i%62), chunk.Header{Kind: kind, Stream: 1}, make([]byte, 128), 128)
			first[4], first[5], first[6] = byte(declared>>16), byte(declared>>8), byte(declared)
			b = append(b, first...)
		}
		return b
	}
	var tiny []byte
	for range 20_000 {
		tiny = append(tiny, 0xC4)
	}
	return map[string][]byte{
		"nested arrays":                command(hello(), strings.Repeat("\x0A\x00\x00\x00\x01", 12_000)),
		"nested objects":               command(hello(), "\x02\x00\x07connect"+strings.Repeat("\x03\x00\x01a", 15_000)),
		"nested AMF3":                  command(hello(), "\x11"+strings.Repeat("\x09\x03\x01", 20_000)),
		"huge array":                   command(hello(), "\x0A\xFF\xFF\xFF\xFF"+strings.Repeat("\x05", 60_000)),
		"huge command":                 partial(hello(), chunk.Command, 1, 1<<24-1),
		"chunk size 0":                 append(control(hello(), chunk.SetChunkSize, "\x00\x00\x00\x00"), tiny...),
		"chunk size 1":                 append(control(publishing("good"), chunk.SetChunkSize, "\x00\x00\x00\x01"), tiny...),
		"partial commands":             partial(hello(), chunk.Command, 62, 60_000),
		"partial commands, authorised": partial(publishing("good"), chunk.Command, 62, 60_000),
		"partial frames":               partial(publishing("good"), chunk.Video, 62, 1<<24-1),
		"partial frames within limit":  partial(publishing("good"), chunk.Video, 62, 8<<20),
		"empty messages":               append(chunk.Append(publishing("good"), 4, chunk.Header{Kind: chunk.Audio, Stream: 1}, nil, 128), tiny...),
		"aborts":                       bytes.Repeat(control(partial(nil, chunk.Video, 1, 1<<20), chunk.Abort, "\x00\x00\x00\x02"), 2000),
		"nested metadata":              chunk.Append(publishing("good"), 5, chunk.Header{Kind: chunk.Data, Stream: 1}, []byte(strings.Repeat("\x0A\x00\x00\x00\x01", 12_000)), 128),
		"aggregate of aggregates":      chunk.Append(publishing("good"), 5, chunk.Header{Kind: chunk.Aggregate, Stream: 1}, bytes.Repeat([]byte{22, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 22, 0, 0, 0, 12}, 4000), 128),
		"aggregate that lies":          chunk.Append(publishing("good"), 5, chunk.Header{Kind: chunk.Aggregate, Stream: 1}, []byte{9, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3}, 128),
		"pings":                        bytes.Repeat(control(nil, chunk.UserControl, "\x00\x06\x00\x00\x00\x01"), 3000),
		"garbage":                      bytes.Repeat([]byte("GET / HTTP/1.1\r\n"), 200),
	}
}

// stateBytes is what a connection may hold at most, without the frames that its publications have taken room for, and
// without TLS: buffers of 32 KiB to read and 16 KiB and one answer to write, 128 KiB of commands that are not whole (in
// slices that grow by doubling), 64 headers and slots. docs/limits.md says so.
const stateBytes = 400 << 10

// Each attack ends its connection, or is passed over, with memory within the bound, at a cost of milliseconds.
func TestAttacks(t *testing.T) {
	for name, attack := range attacks() {
		t.Run(name, func(t *testing.T) {
			if !bytes.HasPrefix(attack, []byte{3}) && name != "garbage" {
				attack = append(publishing("good"), attack...)
			}
			b := newBench(t, ingest.DefaultLimits())
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			start := threadTime()
			c := newConn(b.port, &script{Reader: bytes.NewReader(attack), piece: 1460}, netip.Addr{})
			c.run()
			took := threadTime() - start
			runtime.GC()
			runtime.ReadMemStats(&after)
			if held := int64(after.HeapAlloc) - int64(before.HeapAlloc) - int64(b.taped()); held > stateBytes {
				t.Errorf("%d KiB held", held>>10)
			}
			runtime.KeepAlive(c)
			if took > 200*time.Millisecond { // the dearest takes 6 ms, others a tenth of that; under the race detector more
				t.Errorf("took %v of a processor", took)
			}
			if n := b.metric("weir_rtmp_errors_total", "panic"); n != 0 {
				t.Error("panic")
			}
			t.Logf("%d bytes cost %v of a processor", len(attack), took)
		})
	}
}

// threadTime is how long this thread has had a processor.
func threadTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// taped is how many bytes publications have kept.
func (b *bench) taped() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.tapes {
		for _, m := range p.messages {
			n += len(m.Payload) + 100
		}
	}
	return n
}

// A connection that gathers the most that it may, and does not end, stays within the bound.
func TestMostMemory(t *testing.T) {
	b := newBench(t, ingest.DefaultLimits())
	wire := publishing("good")
	for i := range 62 { // commands of 2 KiB, all but the last byte
		whole := chunk.Append(nil, byte(2+i), chunk.Header{Kind: chunk.Command}, make([]byte, 2048), 128)
		wire = append(wire, whole[:len(whole)-1]...)
	}
	r, w := io.Pipe()
	nc := &piped{script: &script{Reader: bytes.NewReader(nil)}, r: r}
	c := newConn(b.port, nc, netip.Addr{})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	done := make(chan struct{})
	go func() { c.run(); close(done) }()
	if _, err := w.Write(wire); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > stateBytes {
		t.Errorf("%d KiB held, the bound is %d", held>>10, stateBytes>>10)
	} else {
		t.Logf("%d KiB held", held>>10)
	}
	_ = w.Close()
	<-done
}

type piped struct {
	*script
	r io.Reader
}

func (p *piped) Read(b []byte) (int, error) { return p.r.Read(b) }

// Strangers who send what no encoder sends are not heard after a while.
func TestMalformedStrangers(t *testing.T) {
	limits := ingest.DefaultLimits()
	limits.WrongTokens = 3
	b := newBench(t, limits)
	for range 3 {
		c := b.dial()
		c.raw(attacks()["chunk size 0"][:3500])
		c.ended()
	}
	eventually(t, "three ends", func() bool { return b.metric("weir_rtmp_connections") == 0 })
	b.dial().ended()
	if n := b.metric("weir_rtmp_refused_connections_total"); n != 1 {
		t.Errorf("%v refused, want 1", n)
	}
}

// 2,000 connections that are idle, slow or half-way in do not disturb a stream that is sent beside them.
func TestCrowd(t *testing.T) {
	limits := ingest.DefaultLimits()
	limits.AddressConnections = 4096
	limits.HeadTimeout = time.Minute
	b := newBench(t, limits)
	healthy := b.publishing()
	healthy.chunkSize(65536)
	const crowd = 2000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	conns := make([]*client, crowd)
	for i := range conns {
		conns[i] = b.dial()
	}
	eventually(t, "the crowd", func() bool { return b.metric("weir_rtmp_connections") == crowd+1 })
	// The first third says nothing, the second has shaken hands, the last trickles a command.
	var wg sync.WaitGroup
	for i, c := range conns {
		switch i % 3 {
		case 1:
			c.raw(hello())
		case 2:
			c.raw(hello())
			wg.Go(func() {
				connect := publishing("good")[len(hello()):]
				for i := range 20 {
					_, _ = c.Write(connect[i : i+1])
					time.Sleep(100 * time.Millisecond)
				}
			})
		}
	}
	frame := make([]byte, 20_000)
	sent := 0
	var worst time.Duration
	p := b.tape(0)
	for range 50 {
		start := time.Now()
		healthy.send(6, chunk.Header{Kind: chunk.Video, Stream: 1, Time: uint32(sent * 40)}, frame)
		sent++
		for {
			if n, _, _ := p.count(); n == sent {
				break
			}
			if time.Since(start) > 5*time.Second {
				t.Fatal("a frame is lost")
			}
			time.Sleep(200 * time.Microsecond)
		}
		worst = max(worst, time.Since(start))
		time.Sleep(40*time.Millisecond - min(time.Since(start), 40*time.Millisecond))
	}
	wg.Wait()
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := int64(after.HeapInuse+after.StackInuse-before.HeapInuse-before.StackInuse) / crowd
	t.Logf("worst frame %v; a connection takes %d bytes, both ends", worst, each)
	if worst > time.Second {
		t.Errorf("a frame took %v", worst)
	}
	if each > 48<<10 {
		t.Errorf("a connection takes %d KiB, both ends; 48 are the bound", each>>10)
	}
	if n := b.metric("weir_rtmp_publications"); n != 1 {
		t.Errorf("%v publications", n)
	}
}

// whatever is a publication that takes everything.
type whatever struct{ ends int }

func (*whatever) begin(chunk.Header) error       { return nil }
func (*whatever) piece(chunk.Kind, []byte) error { return nil }
func (w *whatever) end(chunk.Kind) error         { w.ends++; return nil }
func (*whatever) abort(chunk.Kind)               {}
func (*whatever) data(uint32, []amf.Value) error { return nil }
func (*whatever) err() error                     { return nil }
func (*whatever) close(error)                    {}

// No message of audio or video allocates anything on its way to the publication.
func TestMessagesDoNotAllocate(t *testing.T) {
	w := new(whatever)
	b := newBenchOf(t, ingest.DefaultLimits(), func(*publish) (publication, error) { return w, nil }, nil)
	var gop []byte
	for i := range uint32(50) {
		gop = chunk.Append(gop, 6, chunk.Header{Kind: chunk.Video, Stream: 1, Time: 40 * i}, make([]byte, 20_000), 128)
		gop = chunk.Append(gop, 4, chunk.Header{Kind: chunk.Audio, Stream: 1, Time: 40 * i}, make([]byte, 300), 128)
	}
	nc := &script{Reader: bytes.NewReader(publishing("good"))}
	c := newConn(b.port, nc, netip.Addr{})
	c.await()
	if err := c.greet(); err != nil {
		t.Fatal(err)
	}
	drain := func() {
		for {
			p, err := c.chunks.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil {
				err = c.take(p)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	drain()
	if n := testing.AllocsPerRun(20, func() {
		nc.Reset(gop)
		drain()
	}); n != 0 {
		t.Errorf("%v allocations for 100 messages, want 0", n)
	}
	if w.ends < 2000 {
		t.Errorf("%d messages", w.ends)
	}
}

// BenchmarkConnection is the cost of the wire for a megabyte of frames, by chunk size: 128 is ffmpeg's, 4096 OBS's.
func BenchmarkConnection(b *testing.B) {
	for _, size := range []int{128, 4096} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			bench := newBenchOf(b, ingest.DefaultLimits(), func(*publish) (publication, error) { return new(whatever), nil }, nil)
			wire := control(nil, chunk.SetChunkSize, string([]byte{0, 0, byte(size >> 8), byte(size)}))
			for i := range uint32(50) {
				wire = chunk.Append(wire, 6, chunk.Header{Kind: chunk.Video, Stream: 1, Time: 40 * i}, make([]byte, 20_000), size)
			}
			nc := &script{Reader: bytes.NewReader(publishing("good"))}
			c := newConn(bench.port, nc, netip.Addr{})
			c.rate.Rate = 0
			c.await()
			if err := c.greet(); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(wire)))
			b.ReportAllocs()
			for b.Loop() {
				for {
					p, err := c.chunks.Next()
					if err == nil {
						err = c.take(p)
					}
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
				}
				nc.Reset(wire)
			}
		})
	}
}

// Whatever an encoder sends, the server neither panics nor breaks its promises to publications (tape checks them), closes
// them all, and remembers no more than it may.
func FuzzConnection(f *testing.F) {
	for _, attack := range attacks() {
		f.Add(attack[:min(len(attack), 8000)], false, uint16(100))
	}
	frame := chunk.Append(nil, 6, chunk.Header{Kind: chunk.Video, Stream: 1, Time: 40}, make([]byte, 300), 128)
	session := append(frame, frame[:20]...)
	f.Add(session, true, uint16(0))
	f.Add(chunk.Append(frame, 7, chunk.Header{Kind: chunk.Aggregate, Stream: 1}, bytes.Repeat([]byte{9, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 22, 0, 0, 0, 12}, 9), 128), true, uint16(1))
	limits := ingest.DefaultLimits()
	limits.WrongTokens = 1 << 30
	limits.ConnectionRate = 1 << 40
	b := newBench(f, limits)
	f.Fuzz(func(t *testing.T, wire []byte, published bool, piece uint16) {
		if published {
			wire = append(publishing("good"), wire...)
		}
		c := newConn(b.port, &script{Reader: bytes.NewReader(wire), piece: int(piece)}, netip.Addr{})
		c.run()
		b.t = t
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, p := range b.tapes {
			if _, _, closed := p.count(); !closed {
				t.Error("a publication is open")
			}
		}
		b.tapes = nil
		for _, broken := range b.broken {
			t.Error("broken promise: " + broken)
		}
		b.broken = nil
		gathered := 0
		for i := range c.slots {
			gathered += len(c.slots[i].gathered)
			if a := c.slots[i].aggregate; a != nil {
				gathered += len(a.inner.gathered)
			}
		}
		if gathered != c.gathered || gathered > maxGathered+publishBuffer || len(c.slots) > chunk.MaxStreams {
			t.Errorf("%d slots with %d bytes, counted as %d", len(c.slots), gathered, c.gathered)
		}
		if b.metric("weir_rtmp_errors_total", "panic") != 0 {
			t.Fatal("panic")
		}
	})
}

// FuzzHello: what answers a hello is as long as it has to be, and where it has a digest of the encoder's, it is signed.
func FuzzHello(f *testing.F) {
	f.Add([]byte{3}, uint16(0), false)
	f.Add([]byte{3, 0, 0, 0, 0, 9, 0, 124, 2}, uint16(500), true)
	f.Fuzz(func(t *testing.T, seed []byte, fill uint16, late bool) {
		h := bytes.Repeat([]byte{byte(fill)}, helloSize)
		copy(h, seed)
		p := earlyDigest
		if late {
			p = lateDigest
		}
		i := p(h[1:])
		signed := h[0] == 3 && fill%2 == 0
		if signed {
			h[5] |= 9
			copy(h[1+i:], sign(encoderKey, h[1:1+i], h[1+i+digestSize:]))
		}
		answer, err := answerHello(nil, h)
		if (err == nil) != (h[0] == 3) {
			t.Fatalf("hello %d: %v", h[0], err)
		}
		if err != nil {
			return
		}
		if len(answer) != answerSize || answer[0] != 3 {
			t.Fatalf("%d bytes", len(answer))
		}
		s1, s2 := answer[1:1537], answer[1537:]
		if at, digest := findDigest(h[1:]); at != nil {
			j := at(s1)
			if !bytes.Equal(s1[j:j+digestSize], sign(serverKey, s1[:j], s1[j+digestSize:])) {
				t.Error("S1 is not signed")
			}
			if !bytes.Equal(s2[1504:], sign(string(sign(serverKey+keyTail, digest)), s2[:1504])) {
				t.Error("S2 is not signed")
			}
		} else if signed || !bytes.Equal(s2, h[1:]) {
			t.Error("S2 is no echo")
		}
	})
}
