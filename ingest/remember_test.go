package ingest

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"weir/media"
)

// segments pushes a source's chunks as requests of their own, until the encoder has run for d.
func (b *testbed) segments(started int64, d time.Duration, s *source) error {
	for s.end() <= int64(d) {
		b.now = max(b.now, started+s.end())
		stream, err := b.channel.Stream(s.name)
		if err != nil {
			return err
		}
		conn, err := stream.Attach(false, nil)
		if err != nil {
			return err
		}
		err = conn.ReadBody(bytes.NewReader(s.chunk(nil)))
		conn.Detach()
		if err != nil {
			return err
		}
		b.settle()
	}
	return nil
}

// An encoder that sends its header once, and then a request per segment, goes on when the process is killed and started
// again, under the same names.
func TestHeaderIsRemembered(t *testing.T) {
	records := &memory{}
	b := newTestbed(t, records)
	v := videoSource()
	stream, err := b.channel.Stream("v")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := stream.Attach(false, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.Follow(Route{Path: "v/init.mp4"})
	v.conn = conn
	b.feed(v, v.header(t))
	conn.Detach()
	stream.SetHints(MPD, []TrackHint{{Bitrate: 700_000, Language: "deu"}})
	if err := b.segments(testStart, 12*time.Second, v); err != nil {
		t.Fatal(err)
	}
	before := b.channel.Live().Version().Tracks[0]

	again := newTestbed(t, records)
	again.now = b.now
	if paths := again.channel.Headers(); len(paths) != 1 || paths[0] != "v/init.mp4" {
		t.Errorf("headers under %q", paths)
	}
	if err := again.segments(testStart, 24*time.Second, v); err != nil {
		t.Fatalf("after a restart: %v", err)
	}
	after := again.channel.Live().Version().Tracks[0]
	if after.Name != "v" || after.ID != before.ID || after.End < before.End+4 {
		t.Errorf("%s (%d) lists up to %d, was %s (%d) up to %d", after.Name, after.ID, after.End, before.Name, before.ID, before.End)
	}
	if len(records.gens) != 1 || after.Inits[0].Media.InitHash != before.Inits[0].Media.InitHash {
		t.Errorf("%d generations, or another init segment", len(records.gens))
	}
}

// What no generation knows is not stored, nor is the header of a body that brings its own each time.
func TestHeadersDoNotPileUp(t *testing.T) {
	records := &memory{}
	b := newTestbed(t, records)
	for _, name := range []string{"x", "y", "z"} {
		s := videoSource()
		s.name = name
		stream, err := b.channel.Stream(name)
		if err != nil {
			t.Fatal(err)
		}
		if s.conn, err = stream.Attach(false, nil); err != nil {
			t.Fatal(err)
		}
		b.feed(s, s.header(t))
		s.conn.Detach()
		b.settle()
	}
	v, a := videoSource(), audioSource()
	b.attach(v)
	b.attach(a)
	b.run(testStart, 45*time.Second, v, a) // the others are waited for
	if len(b.channel.Live().Version().Tracks) == 0 || len(records.inits) != 0 {
		t.Errorf("stored headers: %v", records.inits)
	}
}

// A record that makes no sense, or a store that is away, does no harm.
func TestHeadersThatCannotBe(t *testing.T) {
	records := &memory{inits: map[string]HeaderRecord{
		"v": {Stream: "v", Moov: []byte("nonsense")}, "w": {Stream: "w", Moov: bytes.Repeat([]byte{0}, media.MaxTracks)},
	}}
	b := newTestbed(t, records)
	if err := b.segments(testStart, time.Second, videoSource()); !errors.Is(err, ErrNoInit) {
		t.Errorf("segments without a header: %v", err)
	}
}
