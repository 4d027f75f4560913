package main

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// A deliveryResult compares the answers to GET of one object. Each figure is one a round; efficiency and rate are
// quotients of figures of the same round.
type deliveryResult struct {
	Object      string `json:"object"`
	Bytes       int    `json:"bytes"`
	Connections int    `json:"connections"`
	Weir        side   `json:"weir"`
	Nginx       side   `json:"nginx"`
	Efficiency  spread `json:"cpuEfficiency"` // nginx's processor time per request / weir's: above 1 weir is cheaper
	Rate        spread `json:"rate"`          // weir's requests per second / nginx's
}

// A side is one server's figures.
type side struct {
	Timeouts  int    `json:"timeouts"` // answers that took longer than two seconds
	CPUMicros spread `json:"cpuMicrosPerRequest"`
	PerSecond spread `json:"requestsPerSecond"`
	P50Millis spread `json:"p50Millis"`
	P99Millis spread `json:"p99Millis"`
}

// delivery loads weir and nginx in turns, with the same bytes. While it is measured, weir's channel goes on being fed,
// and its playlist goes on being renewed: a few chunks a second, which count as weir's.
func (b *bench) delivery(ctx context.Context) ([]deliveryResult, error) {
	c := b.plan.delivery
	tracks, err := media(c.bits)
	if err != nil {
		return nil, err
	}
	x, err := b.startNginx(ctx)
	if err != nil {
		return nil, err
	}
	defer x.stop()
	n, err := b.startNode(ctx, 1, c.window, 2<<30)
	if err != nil {
		return nil, err
	}
	defer n.stop()
	e := startEncoders(ctx, n, 1, tracks, 200*time.Millisecond, nil)
	defer e.stop()
	b.say("delivery: filling a window of %v", c.window)
	if err := b.settle(ctx, n, 1, c.fill); err != nil {
		return nil, err
	}
	var results []deliveryResult
	for _, object := range []string{"segment", "playlist"} {
		r, err := b.compare(ctx, n, x, object)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", object, err)
		}
		results = append(results, r)
	}
	if n, why := e.interruptions(); n > 0 {
		b.say("%d interruptions: %s", n, why)
	}
	return results, nil
}

// A turn is one server in one round.
type turn struct {
	p     *process
	url   string
	side  *side
	every *[4][]float64 // CPU, rate, p50, p99 of all rounds
}

// compare measures one object for all rounds. The order of the two servers changes with each round.
func (b *bench) compare(ctx context.Context, n *node, x *nginx, object string) (deliveryResult, error) {
	c := b.plan.delivery
	r := deliveryResult{Object: object, Connections: c.connections}
	b.say("delivery: %s: %d rounds of %v on each of two servers", object, c.rounds, c.each)
	profile := b.profile(ctx, n, "delivery "+object, time.Duration(c.rounds)*2*(c.each+time.Second))
	var weir, other [4][]float64
	for round := range c.rounds {
		from, name := "", fmt.Sprintf("%s%d", object, round)
		content, err := n.object(ctx, object, &from)
		if err != nil {
			return r, err
		}
		r.Bytes = len(content)
		if err := x.put(name, content); err != nil {
			return r, err
		}
		if same, err := fetch(ctx, x.url(name)); err != nil || !bytes.Equal(same, content) {
			return r, fmt.Errorf("nginx does not serve the same bytes (%w)", err)
		}
		turns := []turn{{n.process, from, &r.Weir, &weir}, {x.process, x.url(name), &r.Nginx, &other}}
		if round%2 == 1 {
			turns[0], turns[1] = turns[1], turns[0]
		}
		if round == 0 {
			for _, t := range turns {
				if _, err := b.wrk(ctx, t.url, c.connections, c.warm); err != nil {
					return r, err
				}
			}
		}
		for _, t := range turns {
			if err := b.take(ctx, t); err != nil {
				return r, err
			}
		}
	}
	r.Weir.set(weir)
	r.Nginx.set(other)
	r.Efficiency, r.Rate = newSpread(quotients(other[0], weir[0])), newSpread(quotients(weir[1], other[1]))
	return r, profile()
}

// take loads one server and notes what it cost.
func (b *bench) take(ctx context.Context, t turn) error {
	before, err := t.p.cpu()
	if err != nil {
		return err
	}
	l, err := b.wrk(ctx, t.url, b.plan.delivery.connections, b.plan.delivery.each)
	if err != nil {
		return err
	}
	after, err := t.p.cpu()
	if err != nil {
		return err
	}
	if l.misanswers > 0 {
		return fmt.Errorf("%s: %d wrong answers of %d", t.url, l.misanswers, l.requests)
	}
	t.side.Timeouts += l.timeouts
	for i, v := range []float64{
		float64((after - before).Nanoseconds()) / 1000 / float64(l.requests), l.perSecond,
		float64(l.p50.Nanoseconds()) / 1e6, float64(l.p99.Nanoseconds()) / 1e6,
	} {
		t.every[i] = append(t.every[i], v)
	}
	return nil
}

// object fetches the playlist or the newest listed segment, and tells its URL.
func (n *node) object(ctx context.Context, object string, from *string) ([]byte, error) {
	p, err := n.playlist(ctx, 0)
	if err != nil {
		return nil, err
	}
	if object == "playlist" {
		*from = p.url
		return p.text, nil
	}
	if len(p.segments) == 0 {
		return nil, fmt.Errorf("%s lists no segments", p.url)
	}
	*from = p.segments[len(p.segments)-1]
	return fetch(ctx, *from)
}

func (s *side) set(all [4][]float64) {
	s.CPUMicros, s.PerSecond, s.P50Millis, s.P99Millis = newSpread(all[0]), newSpread(all[1]), newSpread(all[2]), newSpread(all[3])
}

// quotients divides pair by pair.
func quotients(a, b []float64) []float64 {
	q := make([]float64, len(a))
	for i := range a {
		q[i] = a[i] / b[i]
	}
	return q
}
