//go:build linux

// Package harness measures a running weir from outside, beside servers that do less: what ingest costs, how long a chunk
// takes to a player, what thousands of waiting requests cost, what delivery costs, how much memory the live window takes. It
// starts the real binary, on a core of its own, and talks to it over sockets; it imports nothing of what it measures and
// changes no figure. Start reading at Command.Run, then at a plan's cases in plan.go; goal.go says what is concluded.
package harness

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A Command is the benchmark as a command: make bench's, and weir bench.
type Command struct {
	Self     []string  // starts this command again: the binary, and what stands before the benchmark's own arguments
	Weir     string    // binary to measure; "": weir of this module is built
	Out      io.Writer // tables
	Progress io.Writer // what is going on
}

// Run obeys the arguments: see usage. The kinds of arguments that usage leaves out are for the benchmark's own children.
func (c Command) Run(ctx context.Context, args []string) error {
	name := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	var err error
	switch name {
	case "":
		err = c.bench(ctx, args)
	case "probe":
		err = c.probe(ctx, args)
	case "pull":
		err = c.pull(ctx, args)
	case "relay", "plain", "bare", "load":
		err = child(ctx, name, args)
	default:
		err = fmt.Errorf("%q is no command of the benchmark: probe, pull, or none", name)
	}
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	return err
}

const usage = `bench [flags]                measures weir beside a relay, bare servers and nginx, in one run
bench probe [flags]          measures the latency of any low-latency origin
bench pull [flags] URL       loads any object

`

// flags makes a set of flags that explains itself on Progress.
func (c Command) flags(name, about string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(c.Progress)
	f.Usage = func() {
		fmt.Fprintf(c.Progress, "%s\n", about)
		f.PrintDefaults()
	}
	return f
}

// bench measures, and writes the tables to Out.
func (c Command) bench(ctx context.Context, args []string) error {
	b := &bench{self: c.Self, progress: c.Progress}
	f := c.flags("bench", usage+"Flags of bench:")
	quick := f.Bool("quick", false, "two minutes instead of twenty, for a look: fewer cases and rounds, a smaller window")
	only := f.String("only", "", "some `PARTS` of "+strings.Join(partNames(), ",")+" instead of all")
	jsonPath := f.String("json", "", "also write the figures of every round to `FILE`")
	picture := f.String("svg", "", "also draw the distributions of latencies into `FILE`")
	f.StringVar(&b.binary, "weir", c.Weir, "measure this `BINARY` instead of building ./cmd/weir")
	f.StringVar(&b.profiles, "profiles", "", "write CPU and heap profiles of weir into this `FOLDER`: figures then include the profiler")
	f.IntVar(&b.nice, "nice", 0, "niceness of all that takes part; below 0 (root's) where a machine has other work that shall wait")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("%q: no arguments are known here, only flags", f.Args())
	}
	b.plan = fullPlan()
	if *quick {
		b.plan = quickPlan()
	}
	if *only != "" {
		b.only = strings.Split(*only, ",")
		for _, name := range b.only {
			if !slices.Contains(partNames(), name) {
				return fmt.Errorf("-only: %q is not one of %q", name, partNames())
			}
		}
	}
	r, err := b.run(ctx)
	if r == nil {
		return err
	}
	return errors.Join(err, r.write(c.Out), saveJSON(*jsonPath, r), r.draw(*picture))
}
