//go:build linux

package harness

import (
	"context"
	"fmt"
	"time"

	"weir/bench/histogram"
	"weir/bench/play"
)

// A latencyResult is how long chunks took to so many players at a time, by one way.
type latencyResult struct {
	Way     string               `json:"way"` // relay, dash, reload or hint
	Players int                  `json:"players"`
	Chunks  int                  `json:"chunks"` // that were seen, by all players
	P50     spread               `json:"p50Millis"`
	P99     spread               `json:"p99Millis"`
	LastP50 spread               `json:"lastByteP50Millis"`
	LastP99 spread               `json:"lastByteP99Millis"`
	CPU     spread               `json:"serverCPUMicrosPerChunk"`
	Load    spread               `json:"loadCPUMicrosPerChunk"`
	First   *histogram.Histogram `json:"first"` // to the first byte, all rounds
	Last    *histogram.Histogram `json:"last"`  // to the last byte
	Wrong   map[string]int       `json:"wrong,omitempty"`
}

// A way is a way of a chunk to a player, in one case.
type way struct {
	*latencyResult
	spec play.Spec
	err  error
	// one a round, in milliseconds or microseconds
	p50, p99, last50, last99, cpu, load []float64
}

// latency lets chunks travel through weir and the relay in turns: same media, same player, same pins.
func (b *bench) latency(ctx context.Context, r *report) error {
	const settle = 9 * time.Second // two GOPs are learnt from, and players find a list of some segments
	n, err := b.startNode(ctx, nodeCase{channels: len(b.plan.latency), window: 10 * time.Second, memory: 2 << 30})
	if err != nil {
		return err
	}
	defer n.stop()
	relay, err := b.startReference(ctx, "relay", "0s")
	if err != nil {
		return err
	}
	defer relay.stop()
	for i, c := range b.plan.latency {
		for _, feed := range []string{n.publishing(i), relay.url(fmt.Sprint("c", i))} {
			e, err := b.encoder(ctx, feed, c.bits, c.chunk)
			if err != nil {
				return err
			}
			defer e.stop()
		}
	}
	b.say("latency: waiting for the channels")
	if err := b.settle(ctx, n, len(b.plan.latency), min(settle, b.plan.settle)); err != nil {
		return err
	}
	for i, c := range b.plan.latency {
		if err := b.latencyCase(ctx, r, n, relay, i, c); err != nil {
			return fmt.Errorf("%d players: %w", c.players, err)
		}
	}
	return nil
}

func (b *bench) latencyCase(ctx context.Context, r *report, n *node, relay *reference, channel int, c latencyCase) error {
	spec := play.Spec{Players: c.players, Warm: c.warm, For: c.each}
	ways := []*way{
		newWay("relay", spec, play.Chunked, relay.url(fmt.Sprintf("c%d/Streams(v.cmfv)", channel)), relay.process),
		newWay("dash", spec, play.DASH, n.presentation(channel)+"manifest(format=mpd-number-cmaf)", n.process),
		newWay("reload", spec, play.Reload, n.presentation(channel)+"manifest(format=m3u8-cmaf)", n.process),
		newWay("hint", spec, play.Hint, n.presentation(channel)+"manifest(format=m3u8-cmaf)", n.process),
	}
	b.say("latency: %d players, chunks of %v: %d rounds of %d times %v", c.players, c.chunk, c.rounds, len(ways), c.each)
	profile := b.profile(ctx, n, fmt.Sprint("latency ", c.players), time.Duration(c.rounds*len(ways))*(c.warm+c.each))
	var each []func(int) error
	for _, w := range ways {
		each = append(each, func(int) error {
			if w.err == nil {
				w.err = b.travel(ctx, w)
			}
			return nil
		})
	}
	if err := turns(ctx, c.rounds, each...); err != nil {
		return err
	}
	for _, w := range ways {
		if w.err != nil { // the others go on
			b.say("latency: %d players, %s: %v", c.players, w.Way, w.err)
			r.Skipped = append(r.Skipped, fmt.Sprintf("latency, %d players, %s: %v", c.players, w.Way, w.err))
			continue
		}
		w.set()
		r.Latency = append(r.Latency, w.latencyResult)
	}
	r.latencyGoals(c.players, ways[0], ways[1], ways[2], ways[3])
	return profile()
}

func newWay(name string, spec play.Spec, kind play.Kind, url string, server *process) *way {
	spec.Kind, spec.URL, spec.Server = kind, url, server.pid()
	return &way{latencyResult: &latencyResult{Way: name, Players: spec.Players, First: new(histogram.Histogram), Last: new(histogram.Histogram), Wrong: map[string]int{}}, spec: spec}
}

// travel is one round of one way.
func (b *bench) travel(ctx context.Context, w *way) error {
	r, err := b.load(ctx, w.spec)
	if err != nil {
		return err
	}
	for what, n := range r.Wrong {
		w.Wrong[what] += n
	}
	if r.Answers == 0 {
		return fmt.Errorf("no chunk came (%v)", r.Wrong)
	}
	w.Chunks += r.Answers
	w.First.Merge(r.First)
	w.Last.Merge(r.Last)
	for to, v := range map[*[]float64]float64{
		&w.p50: millis(r.First.Quantile(0.5)), &w.p99: millis(r.First.Quantile(0.99)),
		&w.last50: millis(r.Last.Quantile(0.5)), &w.last99: millis(r.Last.Quantile(0.99)),
		&w.cpu: 1000 * millis(r.ServerCPU) / float64(r.Answers), &w.load: 1000 * millis(r.LoadCPU) / float64(r.Answers),
	} {
		*to = append(*to, v)
	}
	return nil
}

func (w *way) set() {
	w.P50, w.P99, w.LastP50, w.LastP99 = newSpread(w.p50), newSpread(w.p99), newSpread(w.last50), newSpread(w.last99)
	w.CPU, w.Load = newSpread(w.cpu), newSpread(w.load)
}

// latencyGoals compares the ways round by round.
func (r *report) latencyGoals(players int, relay, dash, reload, hint *way) {
	name := fmt.Sprintf("LL-DASH chunk, %d open: ", players)
	r.goal("latency", name+"p50 / relay's", "", false, 1.5, 1, quotients(dash.p50, relay.p50))
	r.goal("latency", name+"p99 / relay's", "", false, 1.5, 1, quotients(dash.p99, relay.p99))
	if players == 1 {
		r.goal("latency", name+"p50", "ms", false, 2, 0.5, dash.p50)
	}
	r.goal("latency", fmt.Sprintf("LL-HLS part by blocking reload, %d: p50 - relay's", players), "ms", false, 4, 2, differences(reload.last50, relay.last50))
	r.goal("latency", fmt.Sprintf("LL-HLS part by hint, %d: p50 - relay's", players), "ms", false, 4, 2, differences(hint.last50, relay.last50))
}

func millis(d time.Duration) float64 { return float64(d) / 1e6 }
