//go:build linux

// Command bench is the benchmark for those who have weir's source: it builds the weir that it measures. See package harness.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"weir/bench/harness"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	self, err := os.Executable()
	if err == nil {
		err = harness.Command{Self: []string{self}, Out: os.Stdout, Progress: os.Stderr}.Run(ctx, os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
