package rtmp

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/ingest"
	"weir/ingest/rtmp/amf"
	"weir/ingest/rtmp/chunk"
)

func TestSession(t *testing.T) {
	b := newBench(t, ingest.DefaultLimits())
	c := b.dial().greet()
	c.connect("live/GO-od?videodatarate=5000", amf.Field{Name: "fourCcList", Value: amf.Value{Kind: amf.Array, Items: []amf.Value{amf.OfText("*")}}})
	values, ok := c.reply("_result")
	if !ok || len(values) != 4 || values[3].Get("code").Text != "NetConnection.Connect.Success" || len(values[3].Get("fourCcList").Items) == 0 {
		t.Fatalf("connect: %+v", values)
	}
	c.command(0, amf.OfText("releaseStream"), amf.OfNumber(2), null, amf.OfText("cam1"))
	c.command(0, amf.OfText("FCPublish"), amf.OfNumber(3), null, amf.OfText("cam1"))
	c.command(0, amf.OfText("createStream"), amf.OfNumber(4), null)
	c.command(0, amf.OfText("_checkbw"), amf.OfNumber(5), null)
	c.command(0, amf.OfText("getStreamLength"), amf.OfNumber(6), null, amf.OfText("cam1"))
	c.command(0, amf.OfText("somethingNew"), amf.OfNumber(7), null)
	for _, transaction := range []float64{2, 3, 4, 5, 6} {
		if values, ok = c.reply("_result"); !ok || values[1].Number != transaction {
			t.Fatalf("answer to command %v: %+v", transaction, values)
		}
	}
	c.publish(1, "cam1?audiodatarate=128&videodatarate=4000")
	if code, text := c.status(); code != "NetStream.Publish.Start" {
		t.Fatal(code, text)
	}
	p := b.tape(0)
	if p.name != "cam1" || p.source != 0 || p.query.Get("audiodatarate") != "128" || p.query.Get("videodatarate") != "4000" || !p.client.IsLoopback() {
		t.Errorf("published %+v", p.publish)
	}
	metadata := amf.Append(nil, amf.OfText("@setDataFrame"), amf.OfText("onMetaData"), amf.OfObject(amf.Field{Name: "width", Value: amf.OfNumber(1920)}))
	c.send(4, chunk.Header{Kind: chunk.Data, Stream: 1}, metadata)
	c.send(4, chunk.Header{Kind: chunk.DataAMF3, Stream: 1}, append([]byte{0}, amf.Append(nil, amf.OfText("onFI"))...))
	long := strings.Repeat("frame ", 1000)
	c.send(6, chunk.Header{Kind: chunk.Video, Stream: 1, Time: 40}, []byte(long))
	c.send(4, chunk.Header{Kind: chunk.Audio, Stream: 1, Time: 41}, []byte("sound"))
	c.send(4, chunk.Header{Kind: chunk.Audio, Stream: 1, Time: 42}, nil)
	for _, kind := range []chunk.Kind{chunk.SharedAMF3, chunk.Shared, 99} {
		c.send(7, chunk.Header{Kind: kind, Stream: 1}, []byte("unknown"))
	}
	c.send(6, chunk.Header{Kind: chunk.Video, Stream: 3}, []byte("of a stream that nobody has made"))
	c.send(2, chunk.Header{Kind: chunk.UserControl}, []byte("\x00\x06\x01\x02\x03\x04"))
	for {
		pong, ok := c.answer(chunk.UserControl)
		if !ok {
			t.Fatal("no pong")
		}
		if string(pong) == "\x00\x07\x01\x02\x03\x04" {
			break
		}
	}
	c.command(0, amf.OfText("FCUnpublish"), amf.OfNumber(8), null, amf.OfText("cam1"))
	if code, _ := c.status(); code != "NetStream.Unpublish.Success" {
		t.Error(code)
	}
	c.command(0, amf.OfText("deleteStream"), amf.OfNumber(9), null, amf.OfNumber(1))
	_ = c.Close()
	eventually(t, "the end", func() bool { _, _, closed := p.count(); return closed })
	want := []message{
		{chunk.Header{Kind: chunk.Video, Stream: 1, Time: 40, Length: 6000}, long},
		{chunk.Header{Kind: chunk.Audio, Stream: 1, Time: 41, Length: 5}, "sound"},
		{chunk.Header{Kind: chunk.Audio, Stream: 1, Time: 42}, ""},
	}
	if diff := cmp.Diff(want, p.messages); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(p.said) != 2 || p.said[0][0].Text != "onMetaData" || p.said[1][0].Text != "onFI" {
		t.Errorf("data: %+v", p.said)
	}
	if p.with != nil {
		t.Errorf("closed with %v", p.with)
	}
	if n := b.metric("weir_rtmp_skipped_messages_total"); n != 5 {
		t.Errorf("%v messages skipped, want 3 unknown, 1 of no stream, 1 command", n)
	}
}

// The ways in which encoders split a URL, and what is not one.
func TestAddresses(t *testing.T) {
	for name, tc := range map[string]struct {
		app, stream string
		code, name  string
	}{
		"token in the app":      {"live/good", "cam1", "NetStream.Publish.Start", "cam1"},
		"token in the name":     {"live", "good/cam1", "NetStream.Publish.Start", "cam1"},
		"slashes":               {"/live/good/", "/cam1/", "NetStream.Publish.Start", "cam1"},
		"any case":              {"LIVE/GOOD", "Cam1", "NetStream.Publish.Start", "Cam1"},
		"hyphens in the token":  {"live/g-o-o-d", "cam1", "NetStream.Publish.Start", "cam1"},
		"format in the name":    {"live/good", "mp4:cam1", "NetStream.Publish.Start", "cam1"},
		"queries":               {"live/good?a=b", "cam1?c=d", "NetStream.Publish.Start", "cam1"},
		"another app":           {"vod/good", "cam1", "NetConnection.Connect.Rejected", ""},
		"no app":                {"", "cam1", "NetConnection.Connect.Rejected", ""},
		"wrong token":           {"live/bad", "cam1", "NetConnection.Connect.Rejected", ""},
		"wrong token in name":   {"live", "bad/cam1", "NetStream.Publish.BadName", ""},
		"no token":              {"live", "cam1", "NetStream.Publish.BadName", ""},
		"no name":               {"live/good", "", "NetStream.Publish.BadName", ""},
		"spaces":                {"live/good", "my cam", "NetStream.Publish.BadName", ""},
		"too deep":              {"live/good/a", "b", "NetConnection.Connect.Rejected", ""},
		"too deep in the name":  {"live/good", "a/b", "NetStream.Publish.BadName", ""},
		"address not admitted":  {"live/closed", "cam1", "NetConnection.Connect.Rejected", ""},
		"very long application": {"live/good?" + strings.Repeat("a", 2000), "cam1", "NetConnection.Connect.Rejected", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, ingest.DefaultLimits())
			c := b.dial().greet()
			c.connect(tc.app)
			c.command(0, amf.OfText("createStream"), amf.OfNumber(4), null)
			c.publish(1, tc.stream)
			code, text := c.status()
			if code != tc.code {
				t.Fatalf("%s %q, want %s", code, text, tc.code)
			}
			if tc.name == "" {
				if !strings.Contains(text, " ") {
					t.Errorf("description %q helps nobody", text)
				}
				c.ended()
				return
			}
			if p := b.tape(0); p.name != tc.name {
				t.Errorf("published %q, want %q", p.name, tc.name)
			}
		})
	}
}

// The application may stand in tcUrl alone.
func TestApplicationFromURL(t *testing.T) {
	b := newBench(t, ingest.DefaultLimits())
	c := b.dial().greet()
	c.connect("", amf.Field{Name: "tcUrl", Value: amf.OfText("rtmp://example.org:1935/live/good")})
	c.command(0, amf.OfText("createStream"), amf.OfNumber(4), null)
	c.publish(1, "cam1")
	if code, text := c.status(); code != "NetStream.Publish.Start" {
		t.Error(code, text)
	}
}

// Commands may come as messages of AMF3, and without createStream.
func TestAMF3Commands(t *testing.T) {
	b := newBench(t, ingest.DefaultLimits())
	c := b.dial().greet()
	amf3 := func(stream uint32, values ...amf.Value) {
		c.send(3, chunk.Header{Kind: chunk.CommandAMF3, Stream: stream}, append([]byte{0}, amf.Append(nil, values...)...))
	}
	amf3(0, amf.OfText("connect"), amf.OfNumber(1), amf.OfObject(amf.Field{Name: "app", Value: amf.OfText("live/good")}, amf.Field{Name: "objectEncoding", Value: amf.OfNumber(3)}))
	amf3(1, amf.OfText("publish"), amf.OfNumber(0), null, amf.OfText("cam1"))
	if code, text := c.status(); code != "NetStream.Publish.Start" {
		t.Error(code, text)
	}
}

// Several streams over one connection; one that is refused, or stopped, leaves the others alone.
func TestSeveralPublications(t *testing.T) {
	b := newBench(t, ingest.DefaultLimits())
	c := b.publishing()
	for i := range 2 {
		c.command(0, amf.OfText("createStream"), amf.OfNumber(10), null)
		values, _ := c.reply("_result")
		for values[1].Number != 10 {
			values, _ = c.reply("_result")
		}
		if values[3].Number != float64(i+2) {
			t.Fatalf("stream %v, want %d", values[3].Number, i+2)
		}
		c.publish(uint32(i+2), fmt.Sprintf("cam%d", i+2))
		if code, text := c.status(); code != "NetStream.Publish.Start" {
			t.Fatal(code, text)
		}
	}
	for i := range uint32(3) {
		c.send(uint8(10+i), chunk.Header{Kind: chunk.Video, Stream: i + 1, Time: i}, []byte{byte(i)})
	}
	for i := range 3 {
		p := b.tape(i)
		eventually(t, "its frame", func() bool { n, _, _ := p.count(); return n == 1 })
	}
	b.tape(1).interrupt(ingest.ErrReplaced)
	if code, _ := c.status(); code != "NetStream.Publish.BadName" {
		t.Error(code)
	}
	eventually(t, "its end", func() bool { _, _, closed := b.tape(1).count(); return closed })
	c.send(10, chunk.Header{Kind: chunk.Video, Stream: 1, Time: 9}, []byte("more"))
	c.send(11, chunk.Header{Kind: chunk.Video, Stream: 2, Time: 9}, []byte("more of what has ended"))
	eventually(t, "the next frame", func() bool { n, _, _ := b.tape(0).count(); return n == 2 })
	b.mu.Lock()
	b.refuse = ingest.ErrBusy
	b.mu.Unlock()
	c.publish(2, "cam9")
	if code, text := c.status(); code != "NetStream.Publish.BadName" || text != ingest.ErrBusy.Error() {
		t.Error(code, text)
	}
	c.publish(2, "no name")
	if code, text := c.status(); code != "NetStream.Publish.BadName" {
		t.Error(code, text)
	}
	c.send(10, chunk.Header{Kind: chunk.Video, Stream: 1, Time: 9}, []byte("more"))
	eventually(t, "the next frame", func() bool { n, _, _ := b.tape(0).count(); return n == 3 })
}

// What ends a publication is told to the encoder, with the publication closed for that reason.
func TestPublicationEnds(t *testing.T) {
	for name, tc := range map[string]struct {
		end  func(c *client, p *tape)
		code string
		with error
	}{
		"replaced": {func(_ *client, p *tape) { p.interrupt(ingest.ErrReplaced) }, "NetStream.Publish.BadName", ingest.ErrReplaced},
		"draining": {func(_ *client, p *tape) { p.interrupt(ingest.ErrDraining) }, "NetConnection.Connect.AppShutdown", ingest.ErrDraining},
		"refused": {func(c *client, p *tape) {
			p.mu.Lock()
			p.refusal = fmt.Errorf("codec Sorenson: %w", ingest.ErrUnsupported)
			p.mu.Unlock()
			c.send(6, chunk.Header{Kind: chunk.Video, Stream: 1}, []byte("x"))
		}, "NetStream.Publish.Failed", ingest.ErrUnsupported},
		"too large": {func(c *client, _ *tape) {
			c.send(6, chunk.Header{Kind: chunk.Video, Stream: 1}, make([]byte, 9<<20))
		}, "NetStream.Publish.Failed", ingest.ErrTooLarge},
		"chunk size 0": {func(c *client, _ *tape) {
			c.send(2, chunk.Header{Kind: chunk.SetChunkSize}, make([]byte, 4))
		}, "NetStream.Publish.Failed", chunk.ErrChunkSize},
		"play": {func(c *client, _ *tape) {
			c.command(1, amf.OfText("play"), amf.OfNumber(0), null, amf.OfText("cam1"))
		}, "NetStream.Play.Failed", errPlay},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, ingest.DefaultLimits())
			c := b.publishing()
			c.send(4, chunk.Header{Kind: chunk.Audio, Stream: 1}, []byte("x"))
			// A frame that is under way when the end comes.
			head := chunk.Append(nil, 9, chunk.Header{Kind: chunk.Audio, Stream: 1}, make([]byte, 500), 128)
			c.raw(head[:12+128])
			p := b.tape(0)
			eventually(t, "sound, and half a frame more", func() bool { n, _, _ := p.count(); return n == 1 && p.busy(chunk.Audio) })
			tc.end(c, p)
			if code, text := c.status(); code != tc.code || text == "" {
				t.Errorf("%s %q, want %s", code, text, tc.code)
			}
			c.ended()
			eventually(t, "the end", func() bool { _, _, closed := p.count(); return closed })
			if !errors.Is(p.with, tc.with) || p.aborts != 1 {
				t.Errorf("closed with %v after %d aborts, want %v and 1", p.with, p.aborts, tc.with)
			}
		})
	}
}

// At shutdown an encoder that understands it is asked to come back; others are told and cut. No goroutine is left.
func TestDrain(t *testing.T) {
	b := newBench(t, ingest.DefaultLimits())
	old := b.publishing()
	fresh := b.dial().greet()
	fresh.connect("live/good", amf.Field{Name: "capsEx", Value: amf.OfNumber(1)})
	fresh.command(0, amf.OfText("createStream"), amf.OfNumber(4), null)
	fresh.publish(1, "cam2")
	if code, text := fresh.status(); code != "NetStream.Publish.Start" {
		t.Fatal(code, text)
	}
	idle := b.dial()
	eventually(t, "three connections", func() bool { return b.metric("weir_rtmp_connections") == 3 })
	done := make(chan struct{})
	go func() { b.shutdown(); close(done) }()
	if code, _ := old.status(); code != "NetConnection.Connect.AppShutdown" {
		t.Error(code)
	}
	if code, _ := fresh.status(); code != "NetConnection.Connect.ReconnectRequest" {
		t.Error(code)
	}
	_, _, _ = old.Close(), fresh.Close(), idle.Close()
	<-done
	for i := range 2 {
		if _, _, closed := b.tape(i).count(); !closed || !errors.Is(b.tape(i).with, ingest.ErrDraining) {
			t.Errorf("publication %d: closed %v with %v", i, closed, b.tape(i).with)
		}
	}
	if n := b.metric("weir_rtmp_connections") + b.metric("weir_rtmp_publications"); n != 0 {
		t.Errorf("%v connections and publications are left", n)
	}
}

// A closed socket ends the publication without an error; one cut within a message ends it with one.
func TestCut(t *testing.T) {
	b := newBench(t, ingest.DefaultLimits())
	_ = b.publishing().Close()
	eventually(t, "the end", func() bool { _, _, closed := b.tape(0).count(); return closed })
	if b.tape(0).with != nil {
		t.Errorf("closed with %v", b.tape(0).with)
	}
	c := b.publishing()
	c.raw(chunk.Append(nil, 6, chunk.Header{Kind: chunk.Video, Stream: 1}, make([]byte, 500), 128)[:200])
	eventually(t, "a frame", func() bool {
		p := b.tape(1)
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.under) == 1
	})
	_ = c.Close()
	eventually(t, "the end", func() bool { _, _, closed := b.tape(1).count(); return closed })
	if b.tape(1).with == nil || b.tape(1).aborts != 1 {
		t.Errorf("closed with %v after %d aborts", b.tape(1).with, b.tape(1).aborts)
	}
}

// Acknowledgements come once a window.
func TestAcknowledgements(t *testing.T) {
	b := newBench(t, ingest.DefaultLimits())
	c := b.publishing()
	c.chunkSize(65536)
	c.send(2, chunk.Header{Kind: chunk.WindowSize}, []byte{0, 0, 0x40, 0})
	for range 4 {
		c.send(6, chunk.Header{Kind: chunk.Video, Stream: 1}, make([]byte, 0x4000))
		if _, ok := c.answer(chunk.Acknowledgement); !ok {
			t.Fatal("no acknowledgement")
		}
	}
}

// What is in an aggregate comes as if it had been sent alone, at its time; what is broken in it is passed over.
func TestAggregate(t *testing.T) {
	tag := func(kind chunk.Kind, ms uint32, payload string) string {
		n := len(payload)
		return string([]byte{byte(kind), byte(n >> 16), byte(n >> 8), byte(n), byte(ms >> 16), byte(ms >> 8), byte(ms), byte(ms >> 24), 0, 0, 0}) +
			payload + "\x00\x00\x00\x0B"
	}
	long := strings.Repeat("v", 700)
	b := newBench(t, ingest.DefaultLimits())
	c := b.publishing()
	body := tag(chunk.Video, 1000, long) + tag(chunk.Audio, 1010, "a") + tag(chunk.Audio, 1020, "") + tag(chunk.Command, 1020, "x") +
		tag(chunk.Aggregate, 1030, "y") + tag(chunk.Data, 1030, string(amf.Append(nil, amf.OfText("onFI")))) + tag(chunk.Video, 1040, "end")
	c.send(6, chunk.Header{Kind: chunk.Aggregate, Stream: 1, Time: 5000}, []byte(body))
	c.send(6, chunk.Header{Kind: chunk.Aggregate, Stream: 1, Time: 6000}, []byte(body[:300]))
	c.send(6, chunk.Header{Kind: chunk.Aggregate, Stream: 1, Time: 7000}, []byte(tag(chunk.Video, 1<<31, "last")))
	p := b.tape(0)
	eventually(t, "the frames", func() bool { n, said, _ := p.count(); return n == 5 && said == 1 })
	_ = c.Close()
	want := []message{
		{chunk.Header{Kind: chunk.Video, Stream: 1, Time: 5000, Length: 700}, long},
		{chunk.Header{Kind: chunk.Audio, Stream: 1, Time: 5010, Length: 1}, "a"},
		{chunk.Header{Kind: chunk.Audio, Stream: 1, Time: 5020}, ""},
		{chunk.Header{Kind: chunk.Video, Stream: 1, Time: 5040, Length: 3}, "end"},
		{chunk.Header{Kind: chunk.Video, Stream: 1, Time: 7000, Length: 4}, "last"},
	}
	if diff := cmp.Diff(want, p.messages); diff != "" || p.aborts != 1 {
		t.Errorf("%d aborts (-want +got)\n%s", p.aborts, diff)
	}
}

// Two frames of one kind at a time on two chunk streams: the second is skipped, the first comes whole.
func TestInterleavedFrames(t *testing.T) {
	b := newBench(t, ingest.DefaultLimits())
	c := b.publishing()
	one := chunk.Append(nil, 6, chunk.Header{Kind: chunk.Video, Stream: 1}, make([]byte, 200), 128)
	c.raw(one[:12+128])
	c.send(7, chunk.Header{Kind: chunk.Video, Stream: 1}, make([]byte, 300))
	c.send(8, chunk.Header{Kind: chunk.Audio, Stream: 1}, make([]byte, 300))
	c.raw(one[12+128:])
	p := b.tape(0)
	eventually(t, "both", func() bool { n, _, _ := p.count(); return n == 2 })
	if n := b.metric("weir_rtmp_skipped_messages_total"); n != 1 {
		t.Errorf("%v skipped, want 1", n)
	}
}

// Silence ends a connection: one without a stream after headTimeout, one with after idle, and in a message after what
// that needs.
func TestSilence(t *testing.T) {
	limits := ingest.DefaultLimits()
	limits.HeadTimeout, limits.Idle, limits.MinRate = 300*time.Millisecond, 600*time.Millisecond, 1<<20
	b := newBench(t, limits)
	for name, tc := range map[string]struct {
		begin func() *client
		kind  string
	}{
		"nothing":  {b.dial, "no_publish"},
		"no name":  {func() *client { return b.dial().greet() }, "no_publish"},
		"a stream": {b.publishing, "stalled"},
		"a message": {func() *client {
			c := b.publishing()
			frame := chunk.Append(nil, 6, chunk.Header{Kind: chunk.Video, Stream: 1}, make([]byte, 2000), 128)
			go func() {
				for _, x := range frame {
					time.Sleep(50 * time.Millisecond)
					if _, err := c.Write([]byte{x}); err != nil {
						return
					}
				}
			}()
			return c
		}, "slow"},
	} {
		before := b.metric("weir_rtmp_errors_total")
		start := time.Now()
		c := tc.begin()
		c.ended()
		if took := time.Since(start); took < 250*time.Millisecond || took > 4*time.Second {
			t.Errorf("%s: ended after %v", name, took)
		}
		eventually(t, name+" counted", func() bool { return b.metric("weir_rtmp_errors_total") == before+1 })
		if got := b.metric("weir_rtmp_errors_total", tc.kind); got == 0 {
			t.Errorf("%s: not counted as %s", name, tc.kind)
		}
	}
}

// An address that shows wrong tokens is not heard for a while.
func TestWrongTokens(t *testing.T) {
	limits := ingest.DefaultLimits()
	limits.WrongTokens = 3
	b := newBench(t, limits)
	for range 3 {
		c := b.dial().greet()
		c.connect("live/guess")
		if code, _ := c.status(); code != "NetConnection.Connect.Rejected" {
			t.Fatal(code)
		}
		_ = c.Close()
	}
	b.dial().ended()
	if n := b.metric("weir_rtmp_refused_connections_total"); n != 1 {
		t.Errorf("%v refused, want 1", n)
	}
}

func TestTooManyConnections(t *testing.T) {
	limits := ingest.DefaultLimits()
	limits.AddressConnections = 2
	b := newBench(t, limits)
	one, _ := b.publishing(), b.publishing()
	b.dial().ended()
	_ = one.Close()
	eventually(t, "one to go", func() bool { return b.metric("weir_rtmp_connections") == 1 })
	b.publishing()
}

// A stranger may send little before a stream is published.
func TestStrangerBytes(t *testing.T) {
	b := newBench(t, ingest.DefaultLimits())
	c := b.dial().greet()
	c.connect("live/good")
	for range 40 {
		c.send(6, chunk.Header{Kind: chunk.Video, Stream: 1}, make([]byte, 4000))
	}
	c.ended()
	if b.metric("weir_rtmp_errors_total", "no_publish") != 1 {
		t.Error("not counted")
	}
}

// What is said out of order, and what is not RTMP, ends the connection.
func TestOutOfOrder(t *testing.T) {
	for name, tc := range map[string]struct {
		say  func(c *client)
		kind string
	}{
		"publish before connect": {func(c *client) { c.greet().publish(1, "cam1") }, "malformed"},
		"a second connect": {func(c *client) {
			c.greet().connect("live/good")
			c.connect("live/good")
		}, "malformed"},
		"publish on no stream": {func(c *client) {
			c.greet().connect("live/good")
			c.publish(0, "cam1")
		}, "malformed"},
		"no command": {func(c *client) { c.greet().command(0, amf.OfNumber(1)) }, "malformed"},
		"RTMPE":      {func(c *client) { c.raw(append([]byte{6}, make([]byte, 1536)...)) }, "handshake"},
		"TLS":        {func(c *client) { c.raw(append([]byte{0x16, 3, 1}, make([]byte, 1536)...)) }, "handshake"},
		"HTTP":       {func(c *client) { c.raw([]byte("GET / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 300))) }, "handshake"},
	} {
		b := newBench(t, ingest.DefaultLimits())
		c := b.dial()
		tc.say(c)
		c.ended()
		eventually(t, name+" counted", func() bool { return b.metric("weir_rtmp_errors_total") == 1 })
		if b.metric("weir_rtmp_errors_total", tc.kind) != 1 {
			t.Errorf("%s: not counted as %s", name, tc.kind)
		}
	}
}
