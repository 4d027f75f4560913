//go:build linux

package harness

import (
	"context"
	"fmt"
	"time"

	"weir/bench/proc"
	"weir/bench/push"
)

// An ingestResult is what it cost weir to take media in real time.
type ingestResult struct {
	Case         string  `json:"case"`
	Channels     int     `json:"channels"`
	BitsEach     int     `json:"bitsPerSecondEach"`
	ChunkMillis  int64   `json:"chunkMillis"`
	Seconds      float64 `json:"seconds"`
	Bytes        int64   `json:"bytes"` // payload and boxes, without HTTP framing
	Chunks       int     `json:"chunks"`
	CPUSeconds   float64 `json:"cpuSeconds"`
	Kernel       float64 `json:"kernelSeconds"` // of it in the kernel: sockets, and the clearing of fresh memory
	GBPerCore    float64 `json:"gigabytesPerCPUSecond"`
	ChunksPerCPU float64 `json:"chunksPerCPUSecond"`
	LateMillis   float64 `json:"pusherLateMillis"` // the most that the pusher was behind: more than a chunk, and it is the limit
	Gaps         float64 `json:"gaps"`
	Dropped      float64 `json:"dropped"`     // pieces of chunks that weir did not use
	Interrupted  int     `json:"interrupted"` // encoder connections that broke: then the load was not what it says
	Interruption string  `json:"interruption,omitempty"`
}

// A burstResult is one socket at full speed.
type burstResult struct {
	BitsEach  int    `json:"bitsPerSecond"`
	Bytes     []int  `json:"bytes"`
	PerSecond spread `json:"gigabytesPerSecond"`
	PerCore   spread `json:"gigabytesPerCPUSecond"`
}

type ingestReport struct {
	Beside *besideResult  `json:"beside,omitempty"`
	Cases  []ingestResult `json:"cases"`
	Burst  *burstResult   `json:"burst,omitempty"`
}

func (b *bench) ingest(ctx context.Context, report *report) error {
	r := new(ingestReport)
	report.Ingest = r
	beside, err := b.besideRelay(ctx, report, b.plan.beside)
	if err != nil {
		return fmt.Errorf("beside the relay: %w", err)
	}
	r.Beside = beside
	for _, c := range b.plan.ingest {
		b.say("ingest: %s: %d channels of %d kb/s in chunks of %v", c.name, c.channels, c.bits/1000, c.chunk)
		result, err := b.ingestCase(ctx, c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		r.Cases = append(r.Cases, result)
	}
	if b.plan.burst != nil {
		b.say("ingest: one socket at full speed")
		if r.Burst, err = b.burst(ctx, *b.plan.burst); err != nil {
			return fmt.Errorf("burst: %w", err)
		}
	}
	return nil
}

// The window of ingest measurements is the shortest that weir takes, and what it holds is no limit.
const (
	ingestWindow = 6 * time.Second
	ingestMemory = 16 << 30
)

func (b *bench) ingestCase(ctx context.Context, c ingestCase) (ingestResult, error) {
	r := ingestResult{Case: c.name, Channels: c.channels, BitsEach: c.bits, ChunkMillis: c.chunk.Milliseconds()}
	tracks, err := media(c.bits)
	if err != nil {
		return r, err
	}
	n, err := b.startNode(ctx, nodeCase{channels: c.channels, window: ingestWindow, memory: ingestMemory})
	if err != nil {
		return r, err
	}
	defer n.stop()
	e := startEncoders(ctx, n, c.channels, tracks, c.chunk, nil)
	defer e.stop()
	if err := b.settle(ctx, n, c.channels, c.settle); err != nil {
		return r, err
	}
	profile := b.profile(ctx, n, "ingest "+c.name, c.measure)
	m, err := measure(n.process, e)
	if err != nil {
		return r, err
	}
	if err := sleep(ctx, c.measure); err != nil {
		return r, err
	}
	if err := m.end(); err != nil {
		return r, err
	}
	r.Seconds, r.Bytes, r.Chunks, r.CPUSeconds = m.took.Seconds(), m.bytes, m.chunks, m.cpu.Seconds()
	r.Kernel = m.kernel.Seconds()
	r.GBPerCore, r.ChunksPerCPU = float64(r.Bytes)/1e9/r.CPUSeconds, float64(r.Chunks)/r.CPUSeconds
	r.LateMillis = float64(e.sum().Late.Microseconds()) / 1000
	if r.Gaps, err = n.metric(ctx, "weir_ingest_gaps_total"); err != nil {
		return r, err
	}
	if r.Dropped, err = n.metric(ctx, "weir_ingest_dropped_total"); err != nil {
		return r, err
	}
	if r.Interrupted, r.Interruption = e.interruptions(); r.Interrupted > 0 {
		b.say("ingest: %s: interrupted: %s", c.name, r.Interruption)
	}
	return r, profile()
}

// settle waits for so long, and then until the first and the last channel list media.
func (b *bench) settle(ctx context.Context, n *node, channels int, d time.Duration) error {
	if err := sleep(ctx, d); err != nil {
		return err
	}
	return eventually(ctx, 10*time.Second, func() error {
		for _, i := range []int{0, channels - 1} {
			p, err := n.playlist(ctx, i)
			if err != nil {
				return err
			}
			if len(p.segments) == 0 {
				return fmt.Errorf("%s lists nothing", p.url)
			}
		}
		return n.ended()
	})
}

// A measurement is the time, the processor time and the media between two moments.
type measurement struct {
	p      *process
	e      *encoders
	at     time.Time
	took   time.Duration
	cpu    time.Duration
	kernel time.Duration // of it
	bytes  int64
	chunks int
}

func measure(p *process, e *encoders) (m *measurement, err error) {
	sum := e.sum()
	m = &measurement{p: p, e: e, at: time.Now(), bytes: -sum.Bytes, chunks: -sum.Chunks}
	cpu, err := p.cpu()
	if err != nil {
		return nil, err
	}
	kernel, err := proc.Kernel(p.pid())
	m.cpu, m.kernel = -cpu, -kernel
	return m, err
}

func (m *measurement) end() error {
	sum := m.e.sum()
	cpu, err := m.p.cpu()
	if err != nil {
		return err
	}
	kernel, err := proc.Kernel(m.p.pid())
	m.kernel += kernel
	m.took, m.cpu, m.bytes, m.chunks = time.Since(m.at), m.cpu+cpu, m.bytes+sum.Bytes, m.chunks+sum.Chunks
	return err
}

// burst holds up an encoder and lets it catch up, several times. The timeline takes media that comes late as it does
// any other; it is listed as GAP by then, and stored all the same.
func (b *bench) burst(ctx context.Context, c burstCase) (*burstResult, error) {
	tracks, err := media(c.bits)
	if err != nil {
		return nil, err
	}
	n, err := b.startNode(ctx, nodeCase{channels: 1, window: ingestWindow, memory: ingestMemory})
	if err != nil {
		return nil, err
	}
	defer n.stop()
	var e *encoders
	h := &hold{from: time.Now().Add(c.settle), length: c.hold, caught: make(chan *measurement)}
	h.begin = func() (*measurement, error) { return measure(n.process, e) }
	e = startEncoders(ctx, n, 1, tracks, c.chunk, func(chunk push.Chunk) push.Fault { return h.fault(ctx, chunk) })
	defer e.stop()
	var perSecond, perCore []float64
	r := &burstResult{BitsEach: c.bits}
	for range c.repeats {
		select {
		case m := <-h.caught:
			if m == nil {
				return nil, h.err
			}
			r.Bytes = append(r.Bytes, int(m.bytes))
			perSecond = append(perSecond, float64(m.bytes)/1e9/m.took.Seconds())
			perCore = append(perCore, float64(m.bytes)/1e9/m.cpu.Seconds())
		case <-time.After(c.settle + 4*c.hold):
			_, why := e.interruptions()
			return nil, fmt.Errorf("the pusher does not catch up (%s)", why)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	r.PerSecond, r.PerCore = newSpread(perSecond), newSpread(perCore)
	return r, nil
}

// A hold stops an encoder for some time, and measures from then until it has caught up with the clock. Used by the one
// goroutine of the encoder's track.
type hold struct {
	from    time.Time // chunks that are due from here on are held
	length  time.Duration
	begin   func() (*measurement, error)
	running *measurement
	caught  chan *measurement
	err     error
}

func (h *hold) fault(ctx context.Context, c push.Chunk) push.Fault {
	due := time.Unix(0, int64(c.Media+c.Length))
	end := h.from.Add(h.length)
	switch {
	case h.running == nil && !due.Before(h.from):
		if sleep(ctx, time.Until(end)) != nil {
			return push.Fault{}
		}
		if h.running, h.err = h.begin(); h.err != nil {
			close(h.caught)
		}
	case h.running != nil && due.After(time.Now()):
		if h.err = h.running.end(); h.err != nil {
			close(h.caught)
			break
		}
		select {
		case h.caught <- h.running:
		case <-ctx.Done():
		}
		h.running, h.from = nil, time.Now().Add(h.length)
	}
	return push.Fault{}
}
