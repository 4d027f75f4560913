package ingest

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

// segmented attaches a request to a stream.
func (b *testbed) segmented(name string) *Conn {
	b.t.Helper()
	stream, err := b.channel.Stream(name)
	if err != nil {
		b.t.Fatal(err)
	}
	conn, err := stream.Attach(false, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return conn
}

// An encoder of long segments is silent between them for longer than others may be.
func TestLongSegmentsAreNoSilence(t *testing.T) {
	b := newTestbed(t, &memory{})
	v := videoSource()
	v.gop, v.perChunk = 300, 300 // 12 s
	v.conn = b.segmented("v")
	b.feed(v, v.header(t))
	v.conn.Detach()
	if err := b.segments(testStart, 60*time.Second, v); err != nil {
		t.Fatal(err)
	}
	stream := b.channel.Known("v")
	for _, at := range []struct {
		after time.Duration
		alive bool
	}{{20 * time.Second, true}, {30 * time.Second, false}} {
		b.now = testStart + int64(60*time.Second+at.after)
		b.channel.Tick()
		if stream.open != at.alive {
			t.Errorf("%v after the last segment: alive %v", at.after, stream.open)
		}
	}
}

// A segment goes to the stream that is found for it when its first bytes come, and leaves nothing where it was.
func TestRoute(t *testing.T) {
	b := newTestbed(t, &memory{})
	v := videoSource()
	early := b.segmented("v_00001")
	found := ""
	early.Follow(Route{Find: func() (string, bool) { return found, found != "" }})
	v.conn = b.segmented("v")
	b.feed(v, v.header(t))
	v.conn.Detach()
	found = "v"
	if err := early.ReadBody(bytes.NewReader(v.chunk(nil))); err != nil {
		t.Fatal(err)
	}
	if b.channel.Known("v_00001") != nil || early.s != b.channel.Known("v") {
		t.Error("the segment did not move to its stream")
	}
	early.Detach()
	if n := len(b.channel.Known("v").conns); n != 0 {
		t.Errorf("%d connections are left", n)
	}
}

// A segment that overtakes its header waits for it while somebody may bring it, and no longer.
func TestSegmentWaitsForItsHeader(t *testing.T) {
	b := newTestbed(t, &memory{})
	v := videoSource()
	header := v.header(t)
	body := v.chunk(nil)
	alone := b.segmented("v")
	if err := alone.ReadBody(bytes.NewReader(body)); !errors.Is(err, ErrNoInit) {
		t.Errorf("nobody brings a header: %v", err)
	}
	alone.Detach()

	brings, waits := b.segmented("v"), b.segmented("v")
	done := make(chan error)
	go func() { done <- waits.ReadBody(bytes.NewReader(body)) }()
	time.Sleep(3 * headerLook)
	if err := brings.ReadBody(bytes.NewReader(header)); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("the header came: %v", err)
	}
}
