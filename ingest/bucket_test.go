package ingest

import (
	"testing"
	"time"
)

func TestBucket(t *testing.T) {
	const second = int64(time.Second)
	b := Bucket{Rate: 1000}
	now := 100 * second
	if wait := b.Take(now, 10_000); wait != 0 {
		t.Fatalf("a burst of ten seconds waits %v", wait)
	}
	if wait := b.Take(now, 500); wait != 500*time.Millisecond {
		t.Fatalf("500 bytes over the burst wait %v, want 500ms", wait)
	}
	if wait := b.Take(now+60*second, 1000); wait != 0 {
		t.Fatalf("after a minute's rest waits %v", wait)
	}
	unlimited := Bucket{}
	if wait := unlimited.Take(now, 1<<40); wait != 0 {
		t.Fatalf("without a rate waits %v", wait)
	}
}
