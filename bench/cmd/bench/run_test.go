package main

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestRun measures a real weir for some seconds: not to have figures, but so that the harness works when it is wanted.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers")
	}
	if _, err := exec.LookPath("taskset"); err != nil {
		t.Skip("needs taskset: apt-get install util-linux")
	}
	var progress strings.Builder
	b := &bench{only: []string{"ingest", "delivery"}, progress: &progress, plan: plan{
		name:     "test",
		ingest:   []ingestCase{{"two", 2, 1_000_000, 200 * time.Millisecond, 0, 500 * time.Millisecond}},
		delivery: deliveryCase{bits: 1_000_000, window: 6 * time.Second, connections: 4, rounds: 1, each: time.Second},
	}}
	r, err := b.run(t.Context())
	t.Logf("%s", progress.String())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Ingest.Cases) != 1 || r.Ingest.Cases[0].Chunks == 0 || r.Ingest.Cases[0].CPUSeconds <= 0 {
		t.Errorf("ingest %+v, want chunks and what they cost", r.Ingest)
	}
	if len(r.Skipped) > 0 { // nginx or wrk is not here
		t.Skip(r.Skipped)
	}
	for i, object := range []string{"segment", "playlist"} {
		if d := r.Delivery[i]; d.Object != object || d.Bytes == 0 || d.Efficiency.Median <= 0 || d.Weir.PerSecond.Median <= 0 {
			t.Errorf("delivery %+v, want figures of the %s", d, object)
		}
	}
}
