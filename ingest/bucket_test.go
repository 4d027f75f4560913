package ingest

import (
	"testing"
	"time"
)

func TestBucket(t *testing.T) {
	const second = int64(time.Second)
	b := bucket{rate: 1000}
	now := 100 * second
	if wait := b.take(now, 10_000); wait != 0 {
		t.Fatalf("a burst of ten seconds waits %v", wait)
	}
	if wait := b.take(now, 500); wait != 500*time.Millisecond {
		t.Fatalf("500 bytes over the burst wait %v, want 500ms", wait)
	}
	if wait := b.take(now+60*second, 1000); wait != 0 {
		t.Fatalf("after a minute's rest waits %v", wait)
	}
	unlimited := bucket{}
	if wait := unlimited.take(now, 1<<40); wait != 0 {
		t.Fatalf("without a rate waits %v", wait)
	}
}
