//go:build linux

package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"weir/bench/demo"
	"weir/bench/play"
	"weir/bench/proc"
	"weir/bench/push"
)

// probe measures how long chunks take through any origin: it pushes media that says when it was sent, if told where to, and
// plays it.
func (c Command) probe(ctx context.Context, args []string) error {
	var spec play.Spec
	f := c.flags("probe", `bench probe [flags]: how long a chunk takes from an encoder's hand to a player's, through any origin. The time of sending
travels in the media (an SEI message of H.264). Give -push a publishing point, or let "weir push -stamp" feed the origin
from a machine with the same clock; and one of -hls, -dash and -chunked. Only plain http can be played.

`)
	to := f.String("push", "", "publishing `POINT` for CMAF over HTTP: http://127.0.0.1:8081/TOKEN/ingest.isml")
	file := f.String("media", "demo", "MP4 `FILE` to push; its first video track is taken")
	bits := f.Int("bits", 0, "pad the video to so many bits per second; 0: as it is")
	chunk := f.Duration("chunk", 200*time.Millisecond, "length of a chunk")
	hls := f.String("hls", "", "`URL` of a low-latency playlist: parts are measured")
	byHint := f.Bool("hint", false, "with -hls: ask for parts when they are hinted, not when they are listed")
	dash := f.String("dash", "", "`URL` of a low-latency MPD: the chunks of open segments are measured")
	chunked := f.String("chunked", "", "`URL` of an answer of chunks that never ends")
	f.IntVar(&spec.Players, "players", 1, "players at the same time")
	f.DurationVar(&spec.Warm, "warm", 8*time.Second, "before anything counts: the origin learns, the players tune in")
	f.DurationVar(&spec.For, "for", 20*time.Second, "how long it counts")
	asJSON := f.String("json", "", "also write the distributions to `FILE`")
	if err := f.Parse(args); err != nil {
		return err
	}
	for kind, url := range map[play.Kind]string{play.Reload: *hls, play.DASH: *dash, play.Chunked: *chunked} {
		switch {
		case url == "":
		case spec.URL != "":
			return errors.New("one of -hls, -dash and -chunked, not two")
		default:
			spec.Kind, spec.URL = kind, url
		}
	}
	if spec.URL == "" || f.NArg() > 0 {
		return errors.New("give one of -hls, -dash and -chunked; -help tells more")
	}
	if *byHint && spec.Kind == play.Reload {
		spec.Kind = play.Hint
	}
	if *to != "" {
		tracks, err := probeMedia(*file, *bits)
		if err != nil {
			return err
		}
		pushing, cancel := context.WithCancel(ctx)
		over := make(chan error, 1)
		stats := new(push.Stats)
		go func() {
			over <- push.Run(pushing, push.Options{URL: *to, Tracks: tracks, Chunk: *chunk, Epoch: true, Stamp: true, Stats: stats})
		}()
		defer func() { cancel(); <-over }()
		fmt.Fprintf(c.Progress, "pushing to %s; playing in %v\n", *to, spec.Warm)
		if err := sleep(ctx, spec.Warm); err != nil {
			return err
		}
		if sum := stats.Sum(); sum.Chunks == 0 {
			return fmt.Errorf("nothing could be pushed: %w", sum.LastError)
		}
	}
	spec.Warm = 2 * time.Second
	fmt.Fprintf(c.Progress, "%d players for %v\n", spec.Players, spec.For)
	r, err := play.Run(ctx, spec)
	if err != nil {
		return err
	}
	return errors.Join(c.writeProbe(spec, r), saveJSON(*asJSON, r))
}

// probeMedia is the first video track of a file, or of the demo.
func probeMedia(file string, bits int) (*push.Tracks, error) {
	var tracks *push.Tracks
	var err error
	if file == "demo" {
		tracks, err = demo.Tracks()
	} else {
		tracks, err = push.Open(file)
	}
	if err != nil || bits == 0 {
		return tracks, err
	}
	return tracks.Inflate("v", bits, 0)
}

func (c Command) writeProbe(spec play.Spec, r *play.Result) error {
	p := &printer{w: c.Out}
	p.line("%d players by %s: %d chunks or parts in %.1f s, load average %s; wrong: %s\n", spec.Players, spec.Kind, r.Answers, r.Seconds, proc.LoadAverage(), wrong(r.Wrong))
	p.line("| milliseconds after sending | p50 | p90 | p99 | p99.9 | most |")
	p.line("|---|---|---|---|---|---|")
	rows := []curve{{"first byte", r.First}, {"last byte", r.Last}}
	if spec.Kind == play.Reload {
		rows = append([]curve{{"playlist that lists it", r.Listed}}, rows...)
	}
	for _, row := range rows {
		h := row.times
		p.line("| %s | %s | %s | %s | %s | %s |", row.name, digits(millis(h.Quantile(0.5))), digits(millis(h.Quantile(0.9))),
			digits(millis(h.Quantile(0.99))), digits(millis(h.Quantile(0.999))), digits(millis(h.Max())))
	}
	if r.Answers == 0 && p.err == nil {
		return errors.New("no stamped chunk came: is the origin fed with stamps, and is it low-latency?")
	}
	return p.err
}

// pull loads one object.
func (c Command) pull(ctx context.Context, args []string) error {
	spec := play.Spec{Kind: play.Pull}
	f := c.flags("pull", "bench pull [flags] URL: GET one object again and again, from one thread.\n\n")
	f.IntVar(&spec.Players, "c", 64, "connections")
	f.Float64Var(&spec.Rate, "rate", 0, "requests per second, of all together; 0: as many as can be")
	f.DurationVar(&spec.For, "for", 10*time.Second, "how long it counts")
	f.DurationVar(&spec.Warm, "warm", time.Second, "before anything counts")
	f.IntVar(&spec.Server, "pid", 0, "process `ID` of the server on this machine, to read its processor time too")
	asJSON := f.String("json", "", "also write the distribution to `FILE`")
	if err := f.Parse(args); err != nil {
		return err
	}
	if spec.URL = f.Arg(0); f.NArg() != 1 {
		return errors.New("give one URL behind the flags; -help tells more")
	}
	r, err := play.Run(ctx, spec)
	if err != nil {
		return err
	}
	n := max(1, float64(r.Answers))
	p := &printer{w: c.Out}
	p.line("%d answers in %.1f s over %d connections: %s/s, %s GB/s; p50 %s ms, p99 %s ms, p99.9 %s ms, most %s ms; wrong: %s", r.Answers, r.Seconds, spec.Players,
		digits(n/r.Seconds), digits(float64(r.Bytes)/1e9/r.Seconds), digits(millis(r.Last.Quantile(0.5))), digits(millis(r.Last.Quantile(0.99))),
		digits(millis(r.Last.Quantile(0.999))), digits(millis(r.Last.Max())), wrong(r.Wrong))
	p.line("processor time per answer: load %s µs, server %s µs; load average %s", digits(1000*millis(r.LoadCPU)/n), digits(1000*millis(r.ServerCPU)/n), proc.LoadAverage())
	return errors.Join(p.err, saveJSON(*asJSON, r))
}

func saveJSON(path string, v any) error {
	if path == "" {
		return nil
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
