//go:build linux

package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"weir/bench/proc"
)

// A bench is one run of the harness.
type bench struct {
	plan     plan
	only     []string // parts to run; empty: all
	self     []string // starts this command again
	binary   string   // of weir
	profiles string   // folder; "": none
	nice     int      // of all that takes part
	progress io.Writer

	dir   string // scratch, removed at the end
	cpus  cpus
	began time.Time
}

// The parts of a run, in order.
var parts = []struct {
	name string
	run  func(*bench, context.Context, *report) error
}{
	{"latency", (*bench).latency},
	{"waiting", (*bench).waiting},
	{"ingest", (*bench).ingest},
	{"idle", (*bench).idle},
	{"delivery", (*bench).delivery},
	{"memory", (*bench).memory},
}

func partNames() []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// run measures part after part. What cannot be measured, for want of a tool or because something broke, stands in the report;
// the parts after it are measured all the same. The error is nil but where nothing could be measured, or ctx ended: the
// report then holds what came before.
func (b *bench) run(ctx context.Context) (*report, error) {
	var err error
	if b.dir, err = os.MkdirTemp("", "weir-bench-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(b.dir)
	b.began = time.Now()
	if b.binary == "" {
		if b.binary, err = b.build(ctx); err != nil {
			return nil, err
		}
	}
	if b.cpus, err = takeCPUs(b.nice); err != nil {
		return nil, err
	}
	r := &report{Machine: describeMachine(ctx), CPUs: b.cpus, Nice: b.nice, Plan: b.plan.name, Began: time.Now().UTC().Truncate(time.Second)}
	for _, part := range parts {
		if len(b.only) > 0 && !slices.Contains(b.only, part.name) {
			continue
		}
		if err := part.run(b, ctx, r); err != nil {
			b.say("%s: %v", part.name, err)
			r.Skipped = append(r.Skipped, part.name+": "+err.Error())
		}
		if ctx.Err() != nil {
			break
		}
	}
	r.Seconds = time.Since(r.Began).Round(time.Second).Seconds()
	r.LoadAverageAfter = proc.LoadAverage()
	if len(r.Goals) == 0 && len(r.Skipped) > 0 {
		return r, errors.New("nothing could be measured")
	}
	return r, ctx.Err()
}

// say writes a line of progress.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.progress, "%4.0f s  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}
