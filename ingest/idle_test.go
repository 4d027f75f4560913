package ingest

import (
	"testing"
	"time"
)

// Deadlines of channels without encoders are met together, a little late; those of others at their time.
func TestIdleDeadlines(t *testing.T) {
	b := newTestbed(t, &memory{})
	v := videoSource()
	b.attach(v)
	b.run(testStart, 10*time.Second, v)
	const at = int64(1_700_000_000_123_456_789)
	if got := b.channel.unhurried(at); got != at {
		t.Errorf("with an encoder: %v late", time.Duration(got-at))
	}
	v.conn.Detach()
	if got := b.channel.unhurried(at); got != at {
		t.Errorf("just after: %v late", time.Duration(got-at))
	}
	b.now += idleTime
	got := b.channel.unhurried(at)
	if got < at || got-at >= together || got != b.channel.unhurried(at-int64(20*time.Millisecond)) {
		t.Errorf("without: %v late", time.Duration(got-at))
	}
	if b.channel.unhurried(got) != got {
		t.Error("it is put off again")
	}
}
