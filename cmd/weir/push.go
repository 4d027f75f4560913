package main

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"weir/bench/demo"
	"weir/bench/push"
)

func pushCommand() *cobra.Command {
	var o push.Options
	var whole bool
	var format string
	cmd := &cobra.Command{
		Use: "push FILE|demo URL", Short: "send an MP4 file, or the demo's loop, as a live encoder would", Args: cobra.ExactArgs(2),
		Long: "push loops an MP4 file (or the built-in demo) in real time to a publishing point, as CMAF or Smooth over HTTP, until SIGTERM,\n" +
			"SIGINT or the end of -length. Each track is one connection.",
		Example: "  weir push demo http://localhost:8081/0a1b2c3d00004000800000000000abcd/ingest.isml",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if args[0] == "demo" {
				o.Tracks, err = demo.Tracks()
			} else {
				o.Tracks, err = push.Open(args[0])
			}
			if err != nil {
				return err
			}
			switch format {
			case "cmaf":
			case "smooth":
				o.Format = push.Smooth
			default:
				return fmt.Errorf("push: -format %s: cmaf or smooth", format)
			}
			if whole {
				o.Chunk = push.WholeSegment
			}
			o.URL, o.Log, o.Stats = args[1], slog.New(slog.NewTextHandler(os.Stderr, nil)), new(push.Stats)
			if err := push.Run(cmd.Context(), o); err != nil {
				return err
			}
			sum := o.Stats.Sum()
			fmt.Fprintf(cmd.OutOrStdout(), "sent %d chunks, %d bytes over %d connections; %d chunks lost\n", sum.Chunks, sum.Bytes, sum.Connections, sum.Lost)
			if sum.Chunks == 0 && sum.LastError != nil {
				return fmt.Errorf("push: %w", sum.LastError)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&format, "format", "cmaf", "cmaf, or smooth: 10 MHz, Live Server Manifest, fragments repeated after a reconnect")
	f.DurationVar(&o.Chunk, "chunk", 200*time.Millisecond, "length of a chunk")
	f.BoolVar(&whole, "whole", false, "one chunk a segment")
	f.BoolVar(&o.PerSegment, "per-segment", false, "one PUT a segment instead of one POST a track")
	f.BoolVar(&o.Epoch, "epoch", false, "times since 1970 instead of from zero: two pushes of a file then send the same media")
	f.BoolVar(&o.Prft, "prft", false, "a prft box (time of capture) before each chunk")
	f.BoolVar(&o.Stamp, "stamp", false, "the time of sending in each chunk's H.264 (an SEI message): what weir bench probe reads")
	f.DurationVar(&o.Length, "length", 0, "end after so much media; 0: never")
	return cmd
}
