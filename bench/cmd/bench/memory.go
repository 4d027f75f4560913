package main

import (
	"context"
	"time"
)

// A memoryResult is the memory of a weir whose window is full and goes on sliding.
type memoryResult struct {
	Channels      int       `json:"channels"`
	BitsEach      int       `json:"bitsPerSecondEach"`
	WindowSeconds float64   `json:"windowSeconds"`
	Empty         footprint `json:"empty"`   // before the first byte
	Newest        footprint `json:"newest"`  // at the end
	Media         spread    `json:"media"`   // bytes in the live windows, as weir counts them
	Slabs         spread    `json:"slabs"`   // bytes of slabs that the windows need, as weir counts them
	Pinned        spread    `json:"pinned"`  // bytes of slabs that no window needs any more
	RSS           spread    `json:"rss"`     // bytes
	PerByte       spread    `json:"perByte"` // RSS / media
	Growth        spread    `json:"growth"`  // (RSS - RSS before the first byte) / media
	Hidden        spread    `json:"hidden"`  // bytes of memfds beyond what RSS shows of them
	CPUPercent    float64   `json:"cpuPercent"`
}

// memory fills the live window, waits until it slides, and looks at the process once a second. A memfd's pages count as
// shared memory in RSS while they are mapped; what is open and not mapped is looked for apart.
func (b *bench) memory(ctx context.Context) (*memoryResult, error) {
	c := b.plan.memory
	// Bytes stay for twice the window and three target durations (of 2 s), and one segment grows meanwhile.
	retained := 2*c.window + 3*2*time.Second + time.Second
	bits := int(float64(c.media) * 8 / retained.Seconds() / float64(c.channels))
	r := &memoryResult{Channels: c.channels, BitsEach: bits, WindowSeconds: c.window.Seconds()}
	tracks, err := media(bits)
	if err != nil {
		return nil, err
	}
	n, err := b.startNode(ctx, c.channels, c.window, 2*c.media)
	if err != nil {
		return nil, err
	}
	defer n.stop()
	if r.Empty, err = n.memory(); err != nil {
		return nil, err
	}
	b.say("memory: filling %d channels of %d kb/s for %v", c.channels, bits/1000, retained)
	e := startEncoders(ctx, n, c.channels, tracks, 200*time.Millisecond, nil)
	defer e.stop()
	if err := b.settle(ctx, n, c.channels, retained+5*time.Second); err != nil {
		return nil, err
	}
	b.say("memory: watching for %v", c.steady)
	m, err := measure(n.process, e)
	if err != nil {
		return nil, err
	}
	var media, slabs, pinned, rss, perByte, growth, hidden []float64
	for end := time.Now().Add(c.steady); time.Now().Before(end); {
		if err := sleep(ctx, time.Second); err != nil {
			return nil, err
		}
		if r.Newest, err = n.memory(); err != nil {
			return nil, err
		}
		for name, to := range map[string]*[]float64{"media": &media, "window": &slabs, "pinned": &pinned} {
			v, err := n.metric(ctx, "weir_segcache_"+name+"_bytes")
			if err != nil {
				return nil, err
			}
			*to = append(*to, v)
		}
		held, f := media[len(media)-1], r.Newest
		rss = append(rss, float64(f.RSS))
		perByte = append(perByte, float64(f.RSS)/held)
		growth = append(growth, float64(f.RSS-r.Empty.RSS)/held)
		hidden = append(hidden, float64(max(f.Memfd-f.Shmem, 0)))
	}
	if err := m.end(); err != nil {
		return nil, err
	}
	r.CPUPercent = 100 * m.cpu.Seconds() / m.took.Seconds()
	r.Media, r.Slabs, r.Pinned, r.RSS = newSpread(media), newSpread(slabs), newSpread(pinned), newSpread(rss)
	r.PerByte, r.Growth, r.Hidden = newSpread(perByte), newSpread(growth), newSpread(hidden)
	if err := b.heap(ctx, n, "memory"); err != nil {
		return nil, err
	}
	if n, why := e.interruptions(); n > 0 {
		b.say("%d interruptions: %s", n, why)
	}
	return r, nil
}
