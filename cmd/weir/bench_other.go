//go:build !linux

package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func benchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "bench", Short: "measure this weir; on Linux only", DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("bench: it needs Linux: /proc, epoll, taskset")
		},
	}
}
