package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The garbage collector. Media lies in slabs outside of the heap, and what is asked all day allocates nothing: the live heap
// is a few MB for an idle node, 18 MB with 400 players that wait, and grows with connections, not with media. By Go's own
// rule a heap of 4 MB is collected after 4 MB more. That costs next to no processor time (0 % by gctrace, 6 collections in
// 20 s with those players), but each collection takes a share of both cores for some milliseconds, and stops all goroutines
// twice, just when a release would have them run. So at least collectAfter is allocated between two collections.
// From a live heap of that size on Go's own rule holds, and memory stays within twice the live heap
// and the floor. Slabs are not found later by it: segcache asks for a collection when there are some to unmap.
//
// An operator who sets GOGC has it his way.

const (
	collectAfter = 16 << 20    // bytes
	tuneEvery    = time.Second // a heap that grows must not be let go by the rule of a small one: TestHostile's crowds took 194 MiB
)

// tuneCollector follows the live heap until ctx ends.
func tuneCollector(ctx context.Context) error {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(tuneEvery)
	defer tick.Stop()
	for now := 100; ; {
		metrics.Read(sample)
		if p := collectPercent(sample[0].Value.Uint64()); p < now*3/4 || p > now*4/3 { // a change stops the world
			now = p
			debug.SetGCPercent(p)
		}
		select {
		case <-ctx.Done():
			debug.SetGCPercent(100)
			return nil
		case <-tick.C:
		}
	}
}

// collectPercent is the GOGC by which a heap of so many live bytes grows by collectAfter, or by its own size.
func collectPercent(live uint64) int {
	const most = 400 // of 4 MB, what a node has at least
	return int(min(max(collectAfter*100/max(live, 1), 100), most))
}
