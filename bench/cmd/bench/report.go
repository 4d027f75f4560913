package main

import (
	"fmt"
	"io"
	"time"
)

// A report is what a run found.
type report struct {
	Began            time.Time        `json:"began"`
	Seconds          float64          `json:"seconds"`
	Plan             string           `json:"plan"`
	Machine          Machine          `json:"machine"`
	CPUs             cpus             `json:"cpus"`
	LoadAverageAfter string           `json:"loadAverageAfter"`
	Ingest           *ingestReport    `json:"ingest,omitempty"`
	Delivery         []deliveryResult `json:"delivery,omitempty"`
	Memory           *memoryResult    `json:"memory,omitempty"`
	Skipped          []string         `json:"skipped,omitempty"`
}

// write writes the report as Markdown.
func (r *report) write(w io.Writer) error {
	p := &printer{w: w}
	m := r.Machine
	p.line("%s, %s plan, %.0f s. %s, %d cores, %d GiB, Linux %s, %s, nginx %s; load average %s before, %s after.",
		r.Began.Format("2006-01-02 15:04 MST"), r.Plan, r.Seconds, m.CPU, m.Cores, m.MemoryGiB, m.Kernel, m.Go, m.Nginx, m.LoadAverage, r.LoadAverageAfter)
	if r.CPUs.Server == r.CPUs.Load {
		p.line("\nServers and load shared one core: rates mean little.")
	}
	r.writeIngest(p)
	r.writeDelivery(p)
	r.writeMemory(p)
	for _, s := range r.Skipped {
		p.line("\nNot measured: %s.", s)
	}
	return p.err
}

func (r *report) writeIngest(p *printer) {
	if r.Ingest == nil {
		return
	}
	p.line("\n### Ingest\n")
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

func (r *report) writeDelivery(p *printer) {
	if len(r.Delivery) == 0 {
		return
	}
	p.line("\n### Delivery\n")
	p.line("| object | bytes | connections | weir: CPU µs per request | nginx: CPU µs per request | CPU efficiency, nginx's / weir's | weir: requests/s | nginx: requests/s | rate, weir's / nginx's |")
	p.line("|---|---|---|---|---|---|---|---|---|")
	for _, d := range r.Delivery {
		p.line("| %s | %d | %d | %s | %s | **%s** | %s | %s | %s |", d.Object, d.Bytes, d.Connections,
			d.Weir.CPUMicros, d.Nginx.CPUMicros, d.Efficiency, d.Weir.PerSecond, d.Nginx.PerSecond, d.Rate)
	}
}

func (r *report) writeMemory(p *printer) {
	m := r.Memory
	if m == nil {
		return
	}
	mib := func(s spread) spread {
		scaled := make([]float64, len(s.All))
		for i, v := range s.All {
			scaled[i] = v / (1 << 20)
		}
		return newSpread(scaled)
	}
	p.line("\n### Memory\n")
	p.line("%d channels of %s Mb/s, window of %s s, sliding; weir's core %s %% busy.\n", m.Channels, digits(float64(m.BitsEach)/1e6), digits(m.WindowSeconds), digits(m.CPUPercent))
	p.line("| what | figure |")
	p.line("|---|---|")
	p.line("| media in the window, retained bytes included, MiB | %s |", mib(m.Media))
	p.line("| RSS, MiB | %s |", mib(m.RSS))
	p.line("| RSS before the first byte, MiB | %s |", digits(float64(m.Empty.RSS)/(1<<20)))
	p.line("| RSS per cached media byte | **%s** |", m.PerByte)
	p.line("| growth of RSS per cached media byte | **%s** |", m.Growth)
	p.line("| slabs that the windows need, MiB | %s |", mib(m.Slabs))
	p.line("| slabs that wait for the collector or a reader, MiB | %s |", mib(m.Pinned))
	p.line("| memfd memory that RSS does not show, MiB | %s |", mib(m.Hidden))
	p.line("| private memory at the end (heap, stacks), MiB | %s |", digits(float64(m.Newest.Anon)/(1<<20)))
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
