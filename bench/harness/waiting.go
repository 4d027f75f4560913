//go:build linux

package harness

import (
	"context"
	"fmt"
	"strings"
	"time"

	"weir/bench/histogram"
	"weir/bench/play"
)

// A waitingResult is what so many requests cost that wait for a playlist and are released at once.
type waitingResult struct {
	Server   string               `json:"server"` // weir or bare
	Waiters  int                  `json:"waiters"`
	CPU      spread               `json:"cpuMicrosPerAnswer"`        // of the server, for taking the request, waiting and answering, without what it takes when nobody waits
	Release  spread               `json:"releaseCPUMicrosPerAnswer"` // of it, for the answer
	Memory   float64              `json:"memoryBytesEach"`
	First    spread               `json:"firstMillis"` // from the sending of what releases them to the first answer
	Last     spread               `json:"lastMillis"`  // to the last
	Answers  *histogram.Histogram `json:"answers"`
	Renders  float64              `json:"renders,omitempty"`  // playlists rendered by weir meanwhile, of all kinds
	Versions float64              `json:"versions,omitempty"` // versions of the list meanwhile, at most
	Wrong    map[string]int       `json:"wrong,omitempty"`
}

// waiting has crowds wait, at weir and at the bare server in turns.
func (b *bench) waiting(ctx context.Context, r *report) error {
	for _, c := range b.plan.waiting {
		if err := b.waitingCase(ctx, r, c); err != nil {
			return fmt.Errorf("%d: %w", c.waiters, err)
		}
	}
	return nil
}

// The channel whose playlist is waited for has few bits, for media is not what is measured, and parts of a second, so that
// ten thousand can gather between two of them.
const (
	crowdBits = 400_000
	crowdPart = time.Second
)

func (b *bench) waitingCase(ctx context.Context, r *report, c waitingCase) error {
	n, err := b.startNode(ctx, nodeCase{channels: 1, window: ingestWindow, memory: 1 << 30, part: crowdPart})
	if err != nil {
		return err
	}
	defer n.stop()
	bare, err := b.startBare(ctx, 2000)
	if err != nil {
		return err
	}
	defer bare.stop()
	e, err := b.encoder(ctx, n.publishing(0), crowdBits, 200*time.Millisecond)
	if err != nil {
		return err
	}
	defer e.stop()
	b.say("waiting: %d requests: until the window slides", c.waiters)
	if err := b.settle(ctx, n, 1, c.settle); err != nil {
		return err
	}
	b.say("waiting: %d requests: %d rounds of %d releases", c.waiters, c.rounds, c.releases)
	spec := play.Spec{Players: c.waiters, Rounds: c.releases, Warm: 100 * time.Millisecond}
	ours := newCrowd("weir", spec, play.Wait, n.presentation(0)+"manifest(format=m3u8-cmaf)", n.process)
	theirs := newCrowd("bare", spec, play.Hold, bare.url(""), bare.process)
	renders, began := 0.0, time.Now()
	if renders, err = n.metric(ctx, "weir_origin_renders_total"); err != nil {
		return err
	}
	profile := b.profile(ctx, n, fmt.Sprint("waiting ", c.waiters), time.Duration(c.rounds)*time.Duration(c.releases)*4*time.Second)
	if err := turns(ctx, c.rounds, ours.turn(ctx, b), theirs.turn(ctx, b)); err != nil {
		return err
	}
	after, err := n.metric(ctx, "weir_origin_renders_total")
	if err != nil {
		return err
	}
	ours.Renders, ours.Versions = after-renders, time.Since(began).Seconds()*(1+1.0/2)
	r.Waiting = append(r.Waiting, ours.set(), theirs.set())
	name := fmt.Sprintf("%d waiting playlist requests: ", c.waiters)
	r.goal("waiting", name+"CPU per answer", "µs", false, 24, 14, ours.cpu)
	r.goal("waiting", name+"memory each", "KB", false, 9, 5, []float64{ours.Memory / 1000})
	return profile()
}

// startBare starts a bare server with something to hold.
func (b *bench) startBare(ctx context.Context, size int) (*reference, error) {
	bare, err := b.startReference(ctx, "bare")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"hold", "lobby"} {
		if err := put(ctx, bare.url(name), []byte(strings.Repeat("#", size))); err != nil {
			bare.stop()
			return nil, err
		}
	}
	return bare, nil
}

// A crowd collects the rounds of one server.
type crowd struct {
	*waitingResult
	server *process
	spec   play.Spec
	empty  int64   // RSS before the first came
	quiet  float64 // share of a core that the server takes when nobody waits

	cpu, release, first, last, p999 []float64
}

func newCrowd(name string, spec play.Spec, kind play.Kind, url string, server *process) *crowd {
	spec.Kind, spec.URL, spec.Server = kind, url, server.pid()
	return &crowd{waitingResult: &waitingResult{Server: name, Waiters: spec.Players, Answers: new(histogram.Histogram), Wrong: map[string]int{}}, server: server, spec: spec}
}

// turn is one round. Memory is what the first crowd takes: a second one finds what the first has left.
func (c *crowd) turn(ctx context.Context, b *bench) func(int) error {
	return func(int) error {
		if c.empty == 0 {
			if err := c.look(ctx); err != nil {
				return err
			}
		}
		r, err := b.load(ctx, c.spec)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Server, err)
		}
		for what, n := range r.Wrong {
			c.Wrong[what] += n
		}
		if c.Memory == 0 {
			c.Memory = float64(r.Rounds[0].Memory-c.empty) / float64(c.Waiters)
		}
		c.Answers.Merge(r.Last)
		var cpu, release, first, last, p999 time.Duration
		for _, round := range r.Rounds {
			cpu += round.Asking + round.Release - time.Duration(c.quiet*float64(round.Took))
			release += round.Release
			first, last, p999 = max(first, round.First), max(last, round.Last), max(p999, round.P999)
		}
		answers := float64(c.Waiters * len(r.Rounds))
		for to, v := range map[*[]float64]float64{
			&c.cpu: 1000 * millis(cpu) / answers, &c.release: 1000 * millis(release) / answers,
			&c.first: millis(first), &c.last: millis(last), &c.p999: millis(p999),
		} {
			*to = append(*to, v)
		}
		return nil
	}
}

// look reads what the server takes when nobody waits.
func (c *crowd) look(ctx context.Context) error {
	const long = 3 * time.Second
	before, err := c.server.cpu()
	if err != nil {
		return err
	}
	if err := sleep(ctx, long); err != nil {
		return err
	}
	after, err := c.server.cpu()
	if err != nil {
		return err
	}
	c.quiet = (after - before).Seconds() / long.Seconds()
	m, err := c.server.memory()
	c.empty = m.RSS
	return err
}

func (c *crowd) set() *waitingResult {
	c.CPU, c.Release, c.First, c.Last = newSpread(c.cpu), newSpread(c.release), newSpread(c.first), newSpread(c.last)
	return c.waitingResult
}
