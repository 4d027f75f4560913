//go:build linux

package harness

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// A report is what a run found.
type report struct {
	Began            time.Time         `json:"began"`
	Seconds          float64           `json:"seconds"`
	Plan             string            `json:"plan"`
	Machine          Machine           `json:"machine"`
	CPUs             cpus              `json:"cpus"`
	Nice             int               `json:"nice"`
	LoadAverageAfter string            `json:"loadAverageAfter"`
	Goals            []goal            `json:"goals"`
	Latency          []*latencyResult  `json:"latency,omitempty"`
	Waiting          []*waitingResult  `json:"waiting,omitempty"`
	Ingest           *ingestReport     `json:"ingest,omitempty"`
	Idle             *idleResult       `json:"idle,omitempty"`
	Delivery         []*deliveryResult `json:"delivery,omitempty"`
	Memory           *memoryResult     `json:"memory,omitempty"`
	Skipped          []string          `json:"skipped,omitempty"`
}

// write writes the report as Markdown: what may be concluded first, then the tables.
func (r *report) write(w io.Writer) error {
	p := &printer{w: w}
	m := r.Machine
	p.line("%s, %s plan, %.0f s. %s, %d cores, %d GiB, Linux %s, %s, nginx %s; load average %s before, %s after.",
		r.Began.Format("2006-01-02 15:04 MST"), r.Plan, r.Seconds, m.CPU, m.Cores, m.MemoryGiB, m.Kernel, m.Go, m.Nginx, m.LoadAverage, r.LoadAverageAfter)
	if r.Nice != 0 {
		p.line("\nServers and loads ran at niceness %d.", r.Nice)
	}
	if r.CPUs.Server == r.CPUs.Load {
		p.line("\nServers and load shared one core: rates mean little.")
	}
	r.writeGoals(p)
	r.writeLatency(p)
	r.writeWaiting(p)
	r.writeIngest(p)
	r.writeIdle(p)
	r.writeDelivery(p)
	r.writeMemory(p)
	for _, s := range r.Skipped {
		p.line("\nNot measured: %s.", s)
	}
	return p.err
}

func (r *report) writeGoals(p *printer) {
	if len(r.Goals) == 0 {
		return
	}
	p.line("\n### What may be concluded\n")
	p.line("Median (least-most) of the rounds. A bound counts as met or missed where the median and four rounds of five lie on one side of it.\n")
	p.line("| part | figure | measured | rounds | must | aim | conclusion |")
	p.line("|---|---|---|---|---|---|---|")
	for _, g := range r.Goals {
		sign := "≤"
		if g.More {
			sign = "≥"
		}
		_, said := g.verdict()
		p.line("| %s | %s | %s %s | %d | %s %s | %s | %s |", g.Part, g.Name, g.Value, g.Unit, len(g.Value.All), sign, digits(g.Must), digits(g.Aim), said)
	}
}

func (r *report) writeLatency(p *printer) {
	if len(r.Latency) == 0 {
		return
	}
	p.line("\n### Latency\n")
	p.line("Milliseconds from the sending of a chunk to its first and its last byte at a player (LL-HLS: of the part that it completes).\n")
	p.line("| players | way | chunks | first byte p50 | p99 | last byte p50 | p99 | server: CPU µs per chunk and player | load: the same | wrong |")
	p.line("|---|---|---|---|---|---|---|---|---|---|")
	for _, l := range r.Latency {
		p.line("| %d | %s | %d | **%s** | %s | %s | %s | %s | %s | %s |", l.Players, l.Way, l.Chunks, l.P50, l.P99, l.LastP50, l.LastP99, l.CPU, l.Load, wrong(l.Wrong))
	}
}

func (r *report) writeWaiting(p *printer) {
	if len(r.Waiting) == 0 {
		return
	}
	p.line("\n### Waiting requests\n")
	p.line("| server | waiting | CPU µs per answer | of it to release | memory of each, bytes | first answer after, ms | last | p99.9 of all | renders (versions of the list) | wrong |")
	p.line("|---|---|---|---|---|---|---|---|---|---|")
	for _, c := range r.Waiting {
		renders := "-"
		if c.Versions > 0 {
			renders = fmt.Sprintf("%.0f (%.0f)", c.Renders, c.Versions)
		}
		p.line("| %s | %d | **%s** | %s | %.0f | %s | %s | %s | %s | %s |", c.Server, c.Waiters, c.CPU, c.Release, c.Memory, c.First, c.Last,
			digits(millis(c.Answers.Quantile(0.999))), renders, wrong(c.Wrong))
	}
}

func (r *report) writeIngest(p *printer) {
	if r.Ingest == nil {
		return
	}
	p.line("\n### Ingest\n")
	if b := r.Ingest.Beside; b != nil {
		p.line("%d streams of %s Mb/s at the same time into each, per cent of a core and stream:\n", b.Streams, digits(float64(b.BitsEach)/1e6))
		p.line("| server | per cent of a core | weir's / its |")
		p.line("|---|---|---|")
		p.line("| weir | **%s** | - |", b.Weir)
		for _, x := range b.Relays {
			p.line("| %s | %s | **%s** |", x.Name, x.Core, x.Quotient)
		}
		p.line("")
	}
	p.line("| case | channels | Mb/s each | chunk | MB/s | chunks/s | weir's core busy | of it in the kernel | GB per CPU second | chunks per CPU second | pusher late by | GAPs, drops, broken connections |")
	p.line("|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, c := range r.Ingest.Cases {
		p.line("| %s | %d | %s | %d ms | %s | %s | %s %% | %s %% | **%s** | **%s** | %s ms | %.0f, %.0f, %d |",
			c.Case, c.Channels, digits(float64(c.BitsEach)/1e6), c.ChunkMillis, digits(float64(c.Bytes)/1e6/c.Seconds), digits(float64(c.Chunks)/c.Seconds),
			digits(100*c.CPUSeconds/c.Seconds), digits(100*c.Kernel/c.CPUSeconds), digits(c.GBPerCore), digits(c.ChunksPerCPU), digits(c.LateMillis), c.Gaps, c.Dropped, c.Interrupted)
	}
	if b := r.Ingest.Burst; b != nil {
		p.line("\nOne socket at full speed (%d times about %s MB): %s GB/s, %s GB per CPU second.",
			len(b.Bytes), digits(float64(b.Bytes[0])/1e6), b.PerSecond, b.PerCore)
	}
}

func (r *report) writeIdle(p *printer) {
	if i := r.Idle; i != nil {
		p.line("\n### Idle channels\n")
		p.line("%d channels that were fed and left alone: %s %% of a core together; %s MiB each beyond %s KB of media. A channel that was never fed: %s MiB.",
			i.Channels, i.CPU, digits(i.Memory), digits(i.Media/1000), digits(i.Bare))
	}
}

func (r *report) writeDelivery(p *printer) {
	if len(r.Delivery) == 0 {
		return
	}
	p.line("\n### Delivery\n")
	p.line("| object | bytes | connections | CPU µs per request: weir | nginx | bare | CPU efficiency, nginx's / weir's | bare's / weir's | requests/s: weir | nginx | bare | GB/s: weir | nginx | allocations per request |")
	p.line("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, d := range r.Delivery {
		p.line("| %s | %d | %d | %s | %s | %s | **%s** | **%s** | %s | %s | %s | %s | %s | %s |", d.Object, d.Bytes, d.Connections,
			d.Weir.CPUMicros, d.Nginx.CPUMicros, d.Bare.CPUMicros, d.Efficiency, d.ByBare, d.Weir.PerSecond, d.Nginx.PerSecond, d.Bare.PerSecond,
			d.Weir.GBytes, d.Nginx.GBytes, d.Allocations)
	}
}

func (r *report) writeMemory(p *printer) {
	m := r.Memory
	if m == nil {
		return
	}
	const mib = 1 << 20
	of := func(s spread) spread { return newSpread(scale(s.All, 1.0/mib)) }
	p.line("\n### Memory\n")
	p.line("%d channels of %s Mb/s, window of %s s, sliding; weir's core %s %% busy.\n", m.Channels, digits(float64(m.BitsEach)/1e6), digits(m.WindowSeconds), digits(m.CPUPercent))
	p.line("| what | figure |")
	p.line("|---|---|")
	p.line("| media that playlists list, MiB | %s |", digits(m.Listed/mib))
	p.line("| media that is cached, for playlists in use may ask for it, MiB | %s |", of(m.Media))
	p.line("| RSS, MiB | %s |", of(m.RSS))
	p.line("| RSS before the first byte, MiB | %s |", digits(float64(m.Empty.RSS)/mib))
	p.line("| RSS per cached media byte | **%s** |", m.PerByte)
	p.line("| growth of RSS per listed media byte | **%s** |", m.PerListed)
	p.line("| slabs that the windows need, MiB | %s |", of(m.Slabs))
	p.line("| slabs that wait for the collector or a reader, MiB | %s |", of(m.Pinned))
	p.line("| private memory at the end (heap, slabs, stacks), MiB | %s |", digits(float64(m.Newest.Anon)/mib))
	if x := m.Releases; x != nil {
		p.line("| p99.9 of releasing %d requests, ms: with all that, and with next to nothing in the cache | %s, %s |", x.Waiters, x.Large, x.Small)
	}
}

// wrong lists what went wrong.
func wrong(list map[string]int) string {
	said := ""
	for _, what := range slices.Sorted(maps.Keys(list)) {
		if said != "" {
			said += ", "
		}
		said += fmt.Sprintf("%d %s", list[what], what)
	}
	if said == "" {
		return "-"
	}
	return said
}

// A printer writes lines and remembers the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}
