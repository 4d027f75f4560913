package segcache

import (
	"runtime"
	"time"
)

const (
	minTrimBytes   = 64 << 10 // a smaller tail is not worth a system call
	minNudgeBytes  = 4 << 20  // a window smaller than 16 times this may keep so much garbage
	reclaimSpacing = 100 * time.Millisecond
)

// A chore is what the keeper does for arenas, off their writers' path.
type chore struct {
	arena *Arena // prepare its next slab
	trim  *slab  // or give back this slab's tail, from off on
	off   int
}

// do hands a chore to the keeper. When the keeper is behind, a trim is done on the spot, and a slab is not prepared:
// the arena makes it when it needs it.
func (c *Cache) do(w chore) {
	select {
	case c.chores <- w:
	default:
		w.run()
	}
}

func (w chore) run() {
	if w.trim != nil {
		discard(w.trim.buf[w.off:])
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
			if w.arena != nil {
				w.arena.prepare()
			}
			w.run()
		}
	}
}

// evicted counts bytes of slabs that the window let go of, and nudges the collector when they are a sixteenth of the
// window: garbage stays near that, whatever GOGC says, and a collection costs little because slabs are not scanned.
func (c *Cache) evicted(size int64) {
	if c.released.Add(size) < max(c.live.Load()/16, minNudgeBytes) {
		return
	}
	c.released.Store(0)
	select {
	case c.nudge <- struct{}{}:
	default:
	}
}

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
