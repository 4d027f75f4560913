// Command bench measures a running weir from outside: what ingest costs, what delivery costs beside nginx in the same
// run, and how much memory the live window takes. It builds and starts the real binary and talks to it over sockets; it
// imports nothing of what it measures and changes no figure. Start reading at run, then at a plan's cases in plan.go.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		os.Exit(1)
	}
}

// command reads the flags, measures, and writes the tables to out and what is going on to progress.
func command(ctx context.Context, args []string, out, progress io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(progress)
	quick := flags.Bool("quick", false, "a minute instead of ten, for a look: fewer cases and rounds, a smaller window")
	only := flags.String("only", "", "some `PARTS` of "+strings.Join(parts, ",")+" instead of all")
	jsonPath := flags.String("json", "", "also write the figures to `FILE`")
	binary := flags.String("weir", "", "measure this `BINARY` instead of building ./cmd/weir")
	profiles := flags.String("profiles", "", "write CPU and heap profiles of weir into this `FOLDER`: figures then include the profiler")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q: no arguments are known, only flags", flags.Args())
	}
	b := &bench{plan: fullPlan(), binary: *binary, profiles: *profiles, progress: progress}
	if *quick {
		b.plan = quickPlan()
	}
	if *only != "" {
		b.only = strings.Split(*only, ",")
		for _, part := range b.only {
			if !slices.Contains(parts, part) {
				return fmt.Errorf("-only: %q is not one of %q", part, parts)
			}
		}
	}
	report, err := b.run(ctx)
	if err != nil {
		return err
	}
	if err := report.write(out); err != nil {
		return err
	}
	if *jsonPath == "" {
		return nil
	}
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(*jsonPath, append(text, '\n'), 0o644)
}

// The parts of a run, in order.
var parts = []string{"ingest", "delivery", "memory"}

// A bench is one run of the harness.
type bench struct {
	plan     plan
	only     []string // parts to run; empty: all
	binary   string   // of weir
	profiles string   // folder; "": none
	progress io.Writer

	dir  string // scratch, removed at the end
	cpus cpus
}

// run measures part after part. What cannot be measured for want of a tool says so in the report; any other fault ends
// the run.
func (b *bench) run(ctx context.Context) (*report, error) {
	var err error
	if b.dir, err = os.MkdirTemp("", "weir-bench-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(b.dir)
	if b.binary == "" {
		if b.binary, err = b.build(ctx); err != nil {
			return nil, err
		}
	}
	if b.cpus, err = takeCPUs(); err != nil {
		return nil, err
	}
	r := &report{Machine: describeMachine(ctx), CPUs: b.cpus, Plan: b.plan.name, Began: time.Now().UTC().Truncate(time.Second)}
	for _, part := range parts {
		if len(b.only) > 0 && !slices.Contains(b.only, part) {
			continue
		}
		switch part {
		case "ingest":
			r.Ingest, err = b.ingest(ctx)
		case "delivery":
			r.Delivery, err = b.delivery(ctx)
		case "memory":
			r.Memory, err = b.memory(ctx)
		}
		var skipped skippedError
		switch {
		case errors.As(err, &skipped):
			b.say("%s: skipped: %v", part, err)
			r.Skipped = append(r.Skipped, part+": "+err.Error())
		case err != nil:
			return nil, fmt.Errorf("%s: %w", part, err)
		}
	}
	r.Seconds = time.Since(r.Began).Round(time.Second).Seconds()
	r.LoadAverageAfter = loadAverage()
	return r, nil
}

// A skippedError is why a part cannot be measured here.
type skippedError string

func (e skippedError) Error() string { return string(e) }

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.progress, format+"\n", args...) }
