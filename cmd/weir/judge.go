package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"weir/bench/check"
)

// Exit statuses of weir check, for scripts.
const (
	exitFindings = 1
	exitUnjudged = 2
)

// verdictError ends the process with its status; what there is to say has been written.
type verdictError int

func (v verdictError) Error() string { return "exit status " + strconv.Itoa(int(v)) }

func judgeCommand() *cobra.Command {
	var o check.Options
	var file string
	var quiet, list bool
	cmd := &cobra.Command{
		Use: "check URL…", Short: "judge a stream of any origin: HLS, DASH or Smooth, live or not",
		Long: "check reads manifests as a player does, fetches what they list, reads it box by box, and reports what is not as the\n" +
			"standards, or the manifest itself, say. Several URLs are judged together: formats of one channel show the same frame at the\n" +
			"same instant; origins that were fed alike serve the same bytes.\n\n" +
			"Exit status: 0 clean, 1 findings, 2 could not judge.",
		Example: "  weir check 'http://localhost:8080/11111111-2222-4333-8444-000000000001/demo.ism/manifest(format=m3u8-cmaf)'",
		RunE: func(cmd *cobra.Command, args []string) error {
			if list {
				return listAssertions(cmd.OutOrStdout())
			}
			o.URLs = args
			if !quiet {
				o.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
			}
			report, err := check.Run(cmd.Context(), o)
			if err != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "weir: %v\n", err)
				return verdictError(exitUnjudged)
			}
			return deliver(&report, file, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.DurationVar(&o.For, "for", 30*time.Second, "how long to watch what is live; 0: one pass")
	f.StringVar(&file, "json", "", "write the report as JSON to `FILE`, - for standard output")
	f.IntVar(&o.Segments, "segments", 0, "segments of each track to read at first; 0: 3 of what is live, all of what has ended")
	f.IntVar(&o.Requests, "requests", 6, "requests at a time")
	f.IntSliceVar(&o.Ignore, "ignore", nil, "assertions that are not reported, such as 52,53")
	f.BoolVar(&quiet, "quiet", false, "no progress on standard error")
	f.BoolVar(&list, "list", false, "list the assertions and end")
	return cmd
}

// deliver writes the report and turns it into an exit status.
func deliver(r *check.Report, file string, out io.Writer) error {
	var err error
	switch file {
	case "-":
		err = r.WriteJSON(out)
	case "":
		err = r.WriteText(out)
	default:
		if err = r.WriteText(out); err == nil {
			err = writeReport(r, file)
		}
	}
	switch {
	case err != nil:
		fmt.Fprintf(os.Stderr, "weir: %v\n", err)
		return verdictError(exitUnjudged)
	case len(r.Findings) > 0:
		return verdictError(exitFindings)
	case !r.Judged():
		return verdictError(exitUnjudged)
	}
	return nil
}

func writeReport(r *check.Report, name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := r.WriteJSON(file); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

func listAssertions(w io.Writer) error {
	for _, a := range check.Assertions() {
		if _, err := fmt.Fprintf(w, "%4d %-6s %s [%s]\n", a.Number, a.Severity, a.Name, a.Source); err != nil {
			return err
		}
	}
	return nil
}
