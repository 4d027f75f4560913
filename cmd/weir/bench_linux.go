package main

import (
	"os"

	"github.com/spf13/cobra"

	"weir/bench/harness"
)

// benchCommand hands everything behind "bench" to the harness, which has flags of its own, and measures this very binary.
func benchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "bench [probe|pull] [flags]", Short: "measure this weir beside nginx, or the latency of any origin", DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			c := harness.Command{Self: []string{self, "bench"}, Weir: self, Out: cmd.OutOrStdout(), Progress: cmd.ErrOrStderr()}
			return c.Run(cmd.Context(), args)
		},
	}
}
