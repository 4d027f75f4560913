//go:build linux

package harness

import (
	"context"
	"fmt"
	"time"
)

// A besideResult is what it costs to take in the same streams at the same time: weir, and relays.
type besideResult struct {
	Streams  int           `json:"streams"`
	BitsEach int           `json:"bitsPerSecondEach"`
	Weir     spread        `json:"weirCorePercentEach"`
	Relays   []relayResult `json:"relays"`
}

type relayResult struct {
	Name     string `json:"name"`
	Core     spread `json:"corePercentEach"`
	Quotient spread `json:"weirByIt"`
}

// The relays that weir is compared with: the floor; one that keeps what came, as an origin has to; and one of the make and
// with the keeping of that from whose figures the bound was taken.
var relays = []struct{ name, child, keep string }{
	{"the epoll relay", "relay", "0s"},
	{"an epoll relay that keeps 10 s", "relay", "10s"},
	{"a net/http relay that keeps 10 s", "plain", "10s"},
}

// besideRelay feeds all at once, so that each window of time is a round that they share, chunk for chunk.
func (b *bench) besideRelay(ctx context.Context, r *report, c besideCase) (*besideResult, error) {
	n, err := b.startNode(ctx, nodeCase{channels: c.streams, window: ingestWindow, memory: ingestMemory})
	if err != nil {
		return nil, err
	}
	defer n.stop()
	servers := []*process{n.process}
	var urls []string
	for i := range c.streams {
		urls = append(urls, n.publishing(i))
	}
	for _, kind := range relays {
		relay, err := b.startReference(ctx, kind.child, kind.keep)
		if err != nil {
			return nil, err
		}
		defer relay.stop()
		servers = append(servers, relay.process)
		for i := range c.streams {
			urls = append(urls, relay.url(fmt.Sprint("c", i)))
		}
	}
	tracks, err := media(c.bits)
	if err != nil {
		return nil, err
	}
	e := pushTo(ctx, urls, tracks, c.chunk, nil)
	defer e.stop()
	b.say("ingest: %d streams of %d kb/s, into weir and %d relays at once", c.streams, c.bits/1000, len(relays))
	if err := b.settle(ctx, n, c.streams, c.settle); err != nil {
		return nil, err
	}
	percent := make([][]float64, len(servers))
	for range c.rounds {
		before := make([]time.Duration, len(servers))
		began := time.Now()
		for i, s := range servers {
			if before[i], err = s.cpu(); err != nil {
				return nil, err
			}
		}
		if err := sleep(ctx, c.each); err != nil {
			return nil, err
		}
		for i, s := range servers {
			after, err := s.cpu()
			if err != nil {
				return nil, err
			}
			percent[i] = append(percent[i], 100*(after-before[i]).Seconds()/time.Since(began).Seconds()/float64(c.streams))
		}
	}
	if n, why := e.interruptions(); n > 0 {
		b.say("ingest: %d interruptions: %s", n, why)
	}
	result := &besideResult{Streams: c.streams, BitsEach: c.bits, Weir: newSpread(percent[0])}
	for i, kind := range relays {
		quotient := newSpread(quotients(percent[0], percent[i+1]))
		result.Relays = append(result.Relays, relayResult{kind.name, newSpread(percent[i+1]), quotient})
		r.goal("ingest", fmt.Sprintf("CPU of %d streams of %s Mb/s / that of %s", c.streams, digits(float64(c.bits)/1e6), kind.name), "", false, 1.3, 1, quotient.All)
	}
	return result, nil
}
