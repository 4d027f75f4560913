package ingest

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// The same fragments again change nothing; the same times with other bytes change nothing either, but raise an alarm.
func TestDuplicates(t *testing.T) {
	b := newTestbed(t, &memory{})
	v, a := videoSource(), audioSource()
	b.attach(v)
	b.attach(a)
	b.run(testStart, 10*time.Second, v, a)
	want := b.bodies()

	again := v.next - 2*v.perChunk
	repeat := func(change func([]byte)) {
		v.next = again
		for range 2 {
			chunk := v.chunk(nil)
			change(chunk)
			b.feed(v, chunk)
		}
	}
	stats := &b.channel.tracks["v"].stats
	repeat(func([]byte) {})
	if n := stats.Differ.Load(); n != 0 {
		t.Errorf("%d alarms for a repetition byte for byte", n)
	}
	repeat(func(chunk []byte) { chunk[bytes.Index(chunk, []byte("mdat"))+20] ^= 1 })
	if n := stats.Differ.Load(); n != 2 {
		t.Errorf("%d alarms for two fragments with other bytes", n)
	}
	if n := strings.Count(b.log.String(), "came again with other bytes"); n != 1 {
		t.Errorf("%d log lines, want 1 in ten seconds", n)
	}
	for n, body := range b.bodies()["v"] {
		if !bytes.Equal(body, want["v"][n]) {
			t.Errorf("segment %d has changed", n)
		}
	}
	b.run(testStart, 16*time.Second, v, a)
	if err := b.unharmed(v); err != nil {
		t.Error(err)
	}
}
