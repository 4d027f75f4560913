//go:build linux

package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// asCommand tells a copy of the test binary to be the command: the benchmark starts itself for its children.
const asCommand = "WEIR_TEST_AS_BENCH"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		if err := (Command{Out: os.Stdout, Progress: os.Stderr}).Run(context.Background(), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Setenv(asCommand, "yes")
	os.Exit(m.Run())
}

// TestRun measures a real weir for some seconds: not to have figures, but so that the harness works when it is wanted.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers")
	}
	if _, err := exec.LookPath("taskset"); err != nil {
		t.Skip("needs taskset: apt-get install util-linux")
	}
	var progress strings.Builder
	b := &bench{self: []string{os.Args[0]}, only: []string{"latency", "delivery"}, progress: &progress, plan: plan{
		name:     "test",
		latency:  []latencyCase{{2, 400_000, 200 * time.Millisecond, 1, 300 * time.Millisecond, 500 * time.Millisecond}},
		delivery: deliveryCase{window: ingestWindow, rounds: 1, warm: 50 * time.Millisecond, each: 500 * time.Millisecond, objects: deliveryObjects[:2]},
	}}
	r, err := b.run(t.Context())
	t.Logf("%s", progress.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range r.Delivery {
		if d.Bytes == 0 || d.ByBare.Median <= 0 || d.Weir.PerSecond.Median <= 0 {
			t.Errorf("delivery %+v", d)
		}
	}
	if len(r.Delivery) != 2 || len(r.Latency) == 0 {
		t.Errorf("%d objects delivered, %d ways; want 2, and the relay at least; skipped: %q", len(r.Delivery), len(r.Latency), r.Skipped)
	}
	picture := filepath.Join(t.TempDir(), "picture.svg")
	if err := r.draw(picture); err != nil {
		t.Error(err)
	}
}
