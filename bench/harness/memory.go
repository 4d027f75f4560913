//go:build linux

package harness

import (
	"context"
	"fmt"
	"time"

	"weir/bench/play"
	"weir/bench/proc"
)

// A memoryResult is the memory of a weir whose window is full and goes on sliding.
type memoryResult struct {
	Channels      int            `json:"channels"`
	BitsEach      int            `json:"bitsPerSecondEach"`
	WindowSeconds float64        `json:"windowSeconds"`
	Empty         proc.Footprint `json:"empty"`     // before the first byte
	Newest        proc.Footprint `json:"newest"`    // at the end
	Listed        float64        `json:"listed"`    // bytes that playlists list: the window at the encoders' rate
	Media         spread         `json:"media"`     // bytes that are cached, as weir counts them: those too that playlists in use may ask for
	Slabs         spread         `json:"slabs"`     // bytes of slabs that the windows need, as weir counts them
	Pinned        spread         `json:"pinned"`    // bytes of slabs that no window needs any more
	RSS           spread         `json:"rss"`       // bytes
	PerByte       spread         `json:"perByte"`   // RSS / media
	PerListed     spread         `json:"perListed"` // growth of RSS / listed
	CPUPercent    float64        `json:"cpuPercent"`
	Releases      *releases      `json:"releases,omitempty"`
}

// releases compares how long it takes to release waiting requests with much and with little in the cache.
type releases struct {
	Waiters int    `json:"waiters"`
	Large   spread `json:"largeP999Millis"`
	Small   spread `json:"smallP999Millis"`
	Ratio   spread `json:"ratio"`
}

// memory fills the live window, waits until it slides, and looks at the process once a second. Then crowds wait at it, and at
// another weir with next to nothing in its cache, in turns.
func (b *bench) memory(ctx context.Context, report *report) error {
	c := b.plan.memory
	bits := int(float64(c.media) * 8 / c.window.Seconds() / float64(c.channels))
	r := &memoryResult{Channels: c.channels, BitsEach: bits, WindowSeconds: c.window.Seconds()}
	tracks, err := media(bits)
	if err != nil {
		return err
	}
	// One channel more, of few bits, for the crowd.
	n, err := b.startNode(ctx, nodeCase{channels: c.channels + 1, window: c.window, memory: 6*c.media + 1<<30, part: crowdPart})
	if err != nil {
		return err
	}
	defer n.stop()
	if r.Empty, err = n.memory(); err != nil {
		return err
	}
	crowded, err := b.encoder(ctx, n.publishing(c.channels), crowdBits, 200*time.Millisecond)
	if err != nil {
		return err
	}
	defer crowded.stop()
	retained := 2*c.window + 3*2*time.Second // bytes stay for twice the window and three target durations (of 2 s)
	b.say("memory: filling %d channels of %d kb/s for %v", c.channels, bits/1000, retained)
	e := startEncoders(ctx, n, c.channels, tracks, 200*time.Millisecond, nil)
	defer e.stop()
	if err := b.settle(ctx, n, c.channels, retained+6*time.Second); err != nil {
		return err
	}
	if err := b.watch(ctx, n, e, r); err != nil {
		return err
	}
	report.Memory = r
	report.goal("memory", "growth of RSS per listed media byte", "", false, 2.2, 2.05, []float64{r.PerListed.Median})
	if err := b.heap(ctx, n, "memory"); err != nil {
		return err
	}
	if c.waiters > 0 {
		if err := b.release(ctx, report, r, n, c); err != nil {
			return fmt.Errorf("release: %w", err)
		}
	}
	if n, why := e.interruptions(); n > 0 {
		b.say("%d interruptions: %s", n, why)
	}
	return nil
}

// watch looks at the process once a second.
func (b *bench) watch(ctx context.Context, n *node, e *encoders, r *memoryResult) error {
	c := b.plan.memory
	b.say("memory: watching for %v", c.steady)
	p, err := n.playlist(ctx, 0)
	if err != nil {
		return err
	}
	r.Listed = p.seconds * float64(r.BitsEach) / 8 * float64(r.Channels)
	m, err := measure(n.process, e)
	if err != nil {
		return err
	}
	var media, slabs, pinned, rss, perByte, perListed []float64
	for end := time.Now().Add(c.steady); time.Now().Before(end); {
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
		if r.Newest, err = n.memory(); err != nil {
			return err
		}
		for name, to := range map[string]*[]float64{"media": &media, "window": &slabs, "pinned": &pinned} {
			v, err := n.metric(ctx, "weir_segcache_"+name+"_bytes")
			if err != nil {
				return err
			}
			*to = append(*to, v)
		}
		f := r.Newest
		rss = append(rss, float64(f.RSS))
		perByte = append(perByte, float64(f.RSS)/media[len(media)-1])
		perListed = append(perListed, float64(f.RSS-r.Empty.RSS)/r.Listed)
	}
	if err := m.end(); err != nil {
		return err
	}
	r.CPUPercent = 100 * m.cpu.Seconds() / m.took.Seconds()
	r.Media, r.Slabs, r.Pinned, r.RSS = newSpread(media), newSpread(slabs), newSpread(pinned), newSpread(rss)
	r.PerByte, r.PerListed = newSpread(perByte), newSpread(perListed)
	return nil
}

// release has crowds wait at the large node and at a small one in turns. The large one's encoders go on.
func (b *bench) release(ctx context.Context, report *report, r *memoryResult, large *node, c memoryCase) error {
	small, err := b.startNode(ctx, nodeCase{channels: 1, window: ingestWindow, memory: 1 << 30, part: crowdPart})
	if err != nil {
		return err
	}
	defer small.stop()
	e, err := b.encoder(ctx, small.publishing(0), crowdBits, 200*time.Millisecond)
	if err != nil {
		return err
	}
	defer e.stop()
	if err := b.settle(ctx, small, 1, 8*time.Second); err != nil {
		return err
	}
	b.say("memory: %d rounds of %d releases of %d requests, with much and with little in the cache", c.rounds, c.releases, c.waiters)
	spec := play.Spec{Players: c.waiters, Rounds: c.releases, Warm: 100 * time.Millisecond}
	much := newCrowd("large", spec, play.Wait, large.presentation(c.channels)+"manifest(format=m3u8-cmaf)", large.process)
	little := newCrowd("small", spec, play.Wait, small.presentation(0)+"manifest(format=m3u8-cmaf)", small.process)
	profile := b.profile(ctx, large, "release", time.Duration(c.rounds*c.releases)*4*time.Second)
	if err := turns(ctx, c.rounds, much.turn(ctx, b), little.turn(ctx, b)); err != nil {
		return err
	}
	r.Releases = &releases{Waiters: c.waiters, Large: newSpread(much.p999), Small: newSpread(little.p999), Ratio: newSpread(quotients(much.p999, little.p999))}
	report.goal("memory", fmt.Sprintf("p99.9 of releasing %d, %.3g GiB cached / 16 MiB or less", c.waiters, r.Media.Median/(1<<30)), "", false, 1.2, 1.05, r.Releases.Ratio.All)
	return profile()
}
