package segcache

import (
	"runtime"
	"time"
)

const (
	minTrimBytes   = 8 << 10 // a smaller tail is not worth a system call
	nudgeShare     = 32      // the collector is nudged when it could unmap this part of the windows
	smallShare     = 10      // of small windows, this part
	smallBytes     = 8 << 20 // but for no more than that
	minNudgeBytes  = 2 << 20 // nor for less than that
	reclaimSpacing = 100 * time.Millisecond
)

// A chore is what the keeper does off the writers' path.
type chore struct {
	arena *Arena // prepare its next slab
	trim  *slab  // or give back this slab's tail, from off on
	off   int
	cache *Cache // or give back the spares that there is no room for
}

// do hands a trim to the keeper, or does it on the spot when the keeper is behind.
func (c *Cache) do(w chore) {
	select {
	case c.chores <- w:
	default:
		w.run()
	}
}

func (w chore) run() {
	switch {
	case w.arena != nil:
		w.arena.prepare()
	case w.cache != nil:
		w.cache.unmap(w.cache.spares.shrink(w.cache.room())...)
	default:
		discard(w.trim.mapping, w.off)
		runtime.KeepAlive(w.trim)
	}
}

// keep is the keeper: it prepares slabs and trims tails until Close.
func (c *Cache) keep() {
	defer c.wg.Done()
	for {
		select {
		case <-c.stop:
			return
		case w := <-c.chores:
			w.run()
		}
	}
}

// forgotten counts bytes of slabs that no window needs any more, and nudges the collector when they are a noticeable
// part of the windows: garbage stays near that, whatever GOGC says, and a collection costs little because slabs are not
// scanned.
func (c *Cache) forgotten(size int64) {
	if c.spares.bytes.Load() > c.room() {
		c.do(chore{cache: c})
	}
	if c.dropped.Add(size) < max(c.garbage(), minNudgeBytes) {
		return
	}
	c.dropped.Store(0)
	select {
	case c.nudge <- struct{}{}:
	default:
	}
}

// garbage is how many bytes may be mapped that nobody needs. A collection takes the same time whatever it finds: at small
// windows, of 10 s of ten streams of 4 Mb/s, one for each 32nd was a quarter of all that ingest took.
func (c *Cache) garbage() int64 {
	live := c.live.Load()
	return max(live/nudgeShare, min(live/smallShare, smallBytes))
}

// room is how much memory may be kept for the next slabs: what is left of garbage beside what waits for the collector, or is
// held by readers.
func (c *Cache) room() int64 { return max(c.garbage()-c.pinned(), 0) }

// collect is the collector's goroutine: one collection per nudge, until Close.
func (c *Cache) collect() {
	defer c.wg.Done()
	for {
		select {
		case <-c.stop:
			return
		case <-c.nudge:
			c.collects.Add(1)
			runtime.GC()
		}
	}
}

// reclaim collects at once and waits briefly for the cleanups: the bound on mapped memory was met. It does so at most
// every reclaimSpacing, so that a full cache does not collect for each chunk that it refuses.
func (c *Cache) reclaim() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.last) < reclaimSpacing {
		return
	}
	before := c.mapped.Load()
	c.collects.Add(1)
	runtime.GC()
	for range 20 { // cleanups run on a goroutine of the runtime: give it a few milliseconds
		if c.mapped.Load() < before {
			break
		}
		time.Sleep(time.Millisecond)
	}
	c.last = time.Now()
}
