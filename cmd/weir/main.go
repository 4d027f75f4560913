// Command weir is a live packaging origin: encoders push CMAF in, players and CDNs pull HLS and DASH out. This folder
// holds the commands, the configuration and the wiring, and no logic of its own. Start reading at serve.go for what runs,
// at config.go for what can be set.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal shuts down in order, a second one ends the process at once
	root := rootCommand()
	root.SetArgs(doubleDashes(root, os.Args[1:]))
	if err := root.ExecuteContext(ctx); err != nil {
		var verdict verdictError
		if errors.As(err, &verdict) { // the report has said why
			os.Exit(int(verdict))
		}
		fmt.Fprintf(os.Stderr, "weir: %v\n", err)
		os.Exit(1)
	}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "weir",
		Short:         "weir takes live streams from encoders and serves them as HLS and DASH",
		SilenceErrors: true, // main prints them, once
		SilenceUsage:  true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(serveCommand(), demoCommand(), pushCommand(), judgeCommand(), benchCommand(), versionCommand())
	return root
}

// doubleDashes lets long flags be written with one dash, as Go programs take them: -config FILE, -config=FILE.
func doubleDashes(root *cobra.Command, args []string) []string {
	args = slices.Clone(args)
	cmd, _, err := root.Find(args)
	if err != nil {
		return args
	}
	for i, a := range args {
		if a == "--" {
			break
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(a, "-"), "=")
		if len(name) > 1 && strings.HasPrefix(a, "-"+name) && cmd.Flags().Lookup(name) != nil {
			args[i] = "-" + a
		}
	}
	return args
}
