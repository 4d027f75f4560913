//go:build linux

package harness

import (
	"context"
	"time"
)

// An idleResult is what channels cost that have media and an encoder that has gone.
type idleResult struct {
	Channels int     `json:"channels"`
	CPU      spread  `json:"corePercent"`    // of all together
	Memory   float64 `json:"memoryMiBEach"`  // RSS beyond a weir with one channel and no media, less the media
	Bare     float64 `json:"unfedMiBEach"`   // RSS of a channel that never had an encoder
	Media    float64 `json:"mediaBytesEach"` // that each holds
}

// idle feeds many channels for a while, stops, and watches what goes on: nothing should.
func (b *bench) idle(ctx context.Context, r *report) error {
	c := b.plan.idle
	one, err := b.startNode(ctx, nodeCase{channels: 1, window: ingestWindow, memory: ingestMemory})
	if err != nil {
		return err
	}
	reference, err := one.memory()
	one.stop()
	if err != nil {
		return err
	}
	n, err := b.startNode(ctx, nodeCase{channels: c.channels, window: ingestWindow, memory: ingestMemory})
	if err != nil {
		return err
	}
	defer n.stop()
	unfed, err := n.memory()
	if err != nil {
		return err
	}
	tracks, err := media(c.bits)
	if err != nil {
		return err
	}
	b.say("idle: feeding %d channels for %v, then waiting %v", c.channels, c.feed, c.settle)
	e := startEncoders(ctx, n, c.channels, tracks, 200*time.Millisecond, nil)
	err = b.settle(ctx, n, c.channels, c.feed)
	if stopped := e.stop(); err == nil {
		err = stopped
	}
	if err == nil {
		err = sleep(ctx, c.settle)
	}
	if err != nil {
		return err
	}
	profile := b.profile(ctx, n, "idle", time.Duration(c.rounds)*c.each)
	var percent []float64
	for range c.rounds {
		m, err := measure(n.process, e)
		if err != nil {
			return err
		}
		if err := sleep(ctx, c.each); err != nil {
			return err
		}
		if err := m.end(); err != nil {
			return err
		}
		percent = append(percent, 100*m.cpu.Seconds()/m.took.Seconds())
	}
	now, err := n.memory()
	if err != nil {
		return err
	}
	held, err := n.metric(ctx, "weir_segcache_media_bytes")
	if err != nil {
		return err
	}
	const mib = 1 << 20
	each := float64(c.channels) * mib
	r.Idle = &idleResult{
		Channels: c.channels, CPU: newSpread(percent), Memory: (float64(now.RSS-reference.RSS) - held) / each,
		Bare: float64(unfed.RSS-reference.RSS) / each, Media: held / float64(c.channels),
	}
	r.goal("idle", "100 idle channels: CPU", "% of a core", false, 1, 0.2, scale(percent, 100/float64(c.channels)))
	r.goal("idle", "an idle channel: memory beyond its media", "MiB", false, 2, 1, []float64{r.Idle.Memory})
	if err := b.heap(ctx, n, "idle"); err != nil {
		return err
	}
	return profile()
}

func scale(all []float64, by float64) []float64 {
	scaled := make([]float64, len(all))
	for i, v := range all {
		scaled[i] = v * by
	}
	return scaled
}
