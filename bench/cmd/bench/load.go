package main

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// A load is what a load generator saw.
type load struct {
	requests   int
	perSecond  float64
	p50, p99   time.Duration
	misanswers int // answers that are not 2xx or 3xx, and connections that broke
	timeouts   int // answers that took longer than two seconds
}

// wrk loads one URL from the load's core over so many connections.
func (b *bench) wrk(ctx context.Context, url string, connections int, d time.Duration) (load, error) {
	if _, err := exec.LookPath("wrk"); err != nil {
		return load{}, skippedError("wrk is missing: apt-get install wrk")
	}
	seconds := max(1, int(d.Round(time.Second)/time.Second))
	cmd := pinned(ctx, b.cpus.Load, "wrk", "-t1", "-c"+strconv.Itoa(connections), "-d"+strconv.Itoa(seconds)+"s", "--latency", url)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return load{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	return parseWrk(string(out))
}

// parseWrk reads wrk's table.
func parseWrk(text string) (load, error) {
	var l load
	var e [3]int
	var err error
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		f := strings.Fields(lines.Text())
		switch {
		case len(f) >= 4 && f[1] == "requests" && f[2] == "in":
			l.requests, err = strconv.Atoi(f[0])
		case len(f) == 2 && f[0] == "Requests/sec:":
			l.perSecond, err = strconv.ParseFloat(f[1], 64)
		case len(f) == 2 && f[0] == "50%":
			l.p50, err = time.ParseDuration(f[1])
		case len(f) == 2 && f[0] == "99%":
			l.p99, err = time.ParseDuration(f[1])
		case len(f) == 5 && f[0] == "Non-2xx":
			var n int
			n, err = strconv.Atoi(f[4])
			l.misanswers += n
		case len(f) > 2 && f[0] == "Socket" && f[1] == "errors:":
			_, err = fmt.Sscanf(lines.Text(), " Socket errors: connect %d, read %d, write %d, timeout %d", &e[0], &e[1], &e[2], &l.timeouts)
			l.misanswers += e[0] + e[1] + e[2]
		}
		if err != nil {
			return load{}, fmt.Errorf("wrk: %q: %w", lines.Text(), err)
		}
	}
	if l.requests == 0 {
		return load{}, fmt.Errorf("wrk: no requests:\n%s", text)
	}
	return l, nil
}
