//go:build linux

package harness

import (
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"weir/bench/histogram"
)

// A curve is one distribution of latencies in a picture.
type curve struct {
	name  string
	times *histogram.Histogram
}

// draw draws the distributions of latencies, a panel for each number of players, into an SVG file; "" draws nothing.
func (r *report) draw(path string) error {
	if path == "" {
		return nil
	}
	var panels []panel
	for _, l := range r.Latency {
		if title := fmt.Sprintf("Chunk in to chunk out, %d players", l.Players); len(panels) == 0 || panels[len(panels)-1].title != title {
			panels = append(panels, panel{title: title})
		}
		p := &panels[len(panels)-1]
		times := l.First
		if l.Way == "reload" || l.Way == "hint" {
			times = l.Last
		}
		p.curves = append(p.curves, curve{labels[l.Way], times})
	}
	for _, w := range r.Waiting {
		if title := fmt.Sprintf("Release of %d waiting requests", w.Waiters); len(panels) == 0 || panels[len(panels)-1].title != title {
			panels = append(panels, panel{title: title})
		}
		p := &panels[len(panels)-1]
		p.curves = append(p.curves, curve{labels[w.Server], w.Answers})
	}
	return os.WriteFile(path, []byte(drawPanels(panels)), 0o644)
}

var labels = map[string]string{
	"relay": "relay", "dash": "LL-DASH, first byte", "reload": "LL-HLS by reload, whole part", "hint": "LL-HLS by hint, whole part",
	"weir": "weir", "bare": "bare server",
}

// A panel is one diagram: time across, logarithmic; share of the slower ones up, logarithmic too, so that the tail shows.
type panel struct {
	title  string
	curves []curve
}

// The measures of a panel.
const (
	panelWidth, panelHeight = 480, 330
	left, right             = 62, 16
	top, bottom             = 34, 66
	leastShare              = 1e-4
)

var colours = []string{"#6b7280", "#0f766e", "#1d4ed8", "#b45309"}

func drawPanels(panels []panel) string {
	const columns = 2
	rows := (len(panels) + columns - 1) / columns
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", columns*panelWidth, max(1, rows)*panelHeight)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#fff"/>`+"\n")
	for i, p := range panels {
		fmt.Fprintf(&b, `<g transform="translate(%d %d)">`+"\n", i%columns*panelWidth, i/columns*panelHeight)
		p.draw(&b)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (p panel) draw(b *strings.Builder) {
	low, high := p.bounds()
	x := func(d time.Duration) float64 {
		v := (math.Log10(math.Max(float64(d), 1)) - math.Log10(float64(low))) / (math.Log10(float64(high)) - math.Log10(float64(low)))
		return left + min(1, max(0, v))*(panelWidth-left-right)
	}
	y := func(share float64) float64 {
		return top + math.Log10(math.Max(share, leastShare))/math.Log10(leastShare)*(panelHeight-top-bottom)
	}
	fmt.Fprintf(b, `<text x="%d" y="20" font-size="14" font-weight="bold">%s</text>`+"\n", left, p.title)
	for decade := low; decade <= high; decade *= 10 {
		fmt.Fprintf(b, `<path d="M%.1f %d V%d" stroke="#e5e7eb"/><text x="%.1f" y="%d" text-anchor="middle">%v</text>`+"\n",
			x(decade), top, panelHeight-bottom, x(decade), panelHeight-bottom+16, decade)
	}
	for _, q := range []float64{0.5, 0.9, 0.99, 0.999, 0.9999} {
		fmt.Fprintf(b, `<path d="M%d %.1f H%d" stroke="#e5e7eb"/><text x="%d" y="%.1f" text-anchor="end">p%s</text>`+"\n",
			left, y(1-q), panelWidth-right, left-6, y(1-q)+4, strings.TrimSuffix(fmt.Sprintf("%.4g", 100*q), "."))
	}
	for i, c := range p.curves {
		colour := colours[i%len(colours)]
		fmt.Fprintf(b, `<path fill="none" stroke="%s" stroke-width="1.8" d="`, colour)
		for j, step := 0, 0.05; ; j++ {
			share := math.Pow(10, -step*float64(j))
			if c.times.Count() == 0 || share < max(leastShare, 0.9/float64(c.times.Count())) {
				break
			}
			fmt.Fprintf(b, "%c%.1f %.1f ", "ML"[min(j, 1)], x(c.times.Quantile(1-share)), y(share))
		}
		fmt.Fprintf(b, `"/>`+"\n")
		lx, ly := left+i%2*200, panelHeight-bottom+36+i/2*16
		fmt.Fprintf(b, `<path d="M%d %d h18" stroke="%s" stroke-width="3"/><text x="%d" y="%d">%s</text>`+"\n", lx, ly-4, colour, lx+24, ly, c.name)
	}
}

// bounds are powers of ten that hold all curves.
func (p panel) bounds() (low, high time.Duration) {
	least, most := time.Duration(math.MaxInt64), time.Millisecond
	for _, c := range p.curves {
		if c.times.Count() > 0 {
			least, most = min(least, c.times.Quantile(0)), max(most, c.times.Max())
		}
	}
	for low = 10 * time.Microsecond; low*10 <= least && low < time.Second; {
		low *= 10
	}
	for high = 10 * low; high < most && high < 1000*time.Second; {
		high *= 10
	}
	return low, high
}
