//go:build linux

package harness

import (
	"context"
	"fmt"
	"time"
)

// A besideResult is what it costs to take in the same streams at the same time: weir, the relay, and the relay that keeps
// what came for as long as the origin of the relay's first measurement did.
type besideResult struct {
	Streams  int    `json:"streams"`
	BitsEach int    `json:"bitsPerSecondEach"`
	Weir     spread `json:"weirCorePercentEach"`
	Relay    spread `json:"relayCorePercentEach"`
	Keeping  spread `json:"keepingRelayCorePercentEach"`
	Quotient spread `json:"weirByRelay"`
	Keeper   spread `json:"weirByKeepingRelay"`
}

// besideRelay feeds all three at once, so that each window of time is a round that they share, chunk for chunk.
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
	for _, keep := range []string{"0s", "10s"} {
		relay, err := b.startReference(ctx, "relay", keep)
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
	b.say("ingest: %d streams of %d kb/s, into weir and two relays at once", c.streams, c.bits/1000)
	if err := b.settle(ctx, n, c.streams, c.settle); err != nil {
		return nil, err
	}
	var percent [3][]float64
	for range c.rounds {
		var before [3]time.Duration
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
	result := &besideResult{
		Streams: c.streams, BitsEach: c.bits, Weir: newSpread(percent[0]), Relay: newSpread(percent[1]), Keeping: newSpread(percent[2]),
		Quotient: newSpread(quotients(percent[0], percent[1])), Keeper: newSpread(quotients(percent[0], percent[2])),
	}
	name := fmt.Sprintf("CPU of %d streams of %s Mb/s / ", c.streams, digits(float64(c.bits)/1e6))
	r.goal("ingest", name+"the relay's", "", false, 1.3, 1, result.Quotient.All)
	r.goal("ingest", name+"those of a relay that keeps 10 s", "", false, 1.3, 1, result.Keeper.All)
	return result, nil
}
