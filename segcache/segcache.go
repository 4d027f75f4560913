// Package segcache owns the live window, and the only copy of it: slabs of mapped memory that encoders are read into,
// a lock-free ring of segments per track, and the immutable versions of a channel that readers wait for. It never knows
// HTTP, manifests or clocks, and never decides times, numbers or gaps (that is ingest/timeline). Start reading at
// Channel, then Track.Commit; for memory at Cache and slab.
//
// The way of a byte: Arena.Reserve gives room in a slab, the socket is read into it, Track.Commit makes it visible by
// one atomic store, Track.Complete fixes it as the body of a segment, Track.List puts the segment into the window and
// Channel.Publish makes the Version that manifests are rendered from.
//
// What always holds, with the test that checks it:
//
//	I1  bytes of a committed chunk never change; the writer alone touches what lies behind.   TestModel, TestStress
//	I2  a reader that sees n chunks of a segment sees all their bytes and index entries.      TestStress
//	I3  a whole segment's body, ETag and times never change.                                  TestModel, TestStress
//	I4  what a Version lists is held: each N in [First,End) is a GAP or has a body.           TestModel, TestStress
//	I5  a body's bytes stay mapped, and are the same, while the Body is reachable.            TestBodyOutlivesEviction
//	I6  a version's hooks have run before its predecessors' waiters are woken, and each
//	    superseded version's channel is closed exactly once.                                  TestNotifier, TestNotifierCoalesces
//	I7  slabs that neither the window nor a reader needs are unmapped, and soon.              TestSlabsAreUnmapped
//	I8  the window never takes more than Config.Memory, all slabs never a quarter more.       TestMemoryBound
//
// All methods of one channel and its tracks that change something are calls of its writer: the caller serialises them.
// Readers take no lock and may be any number. The memory-model edges are named where they are: the index's count
// (chunkIndex), the ring's slot (ring), the channel's version (Publish).
package segcache

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// ErrMemory means that cache.memory would be exceeded: refuse the input and say so to the operator.
var ErrMemory = errors.New("cache.memory exceeded")

// Config is what the operator decides.
type Config struct {
	Memory int64  // bytes that the live windows of all channels may take (cache.memory)
	Dir    string // folder for the files behind slabs, not shared with another process; "": memfd
}

// Cache is the memory of all channels of a process. Safe for concurrent use.
type Cache struct {
	config Config
	makeFn func(size int) (*mapping, error) // makes a slab's memory

	mapped   atomic.Int64 // bytes of slabs mapped now
	live     atomic.Int64 // of them, bytes of slabs that a window or an arena needs
	slabs    atomic.Int64 // slabs mapped now
	released atomic.Int64 // bytes of slabs that stopped being live since the collector was last nudged
	collects atomic.Int64 // nudges given

	chores chan chore
	nudge  chan struct{}
	stop   chan struct{}
	wg     sync.WaitGroup

	mu       sync.Mutex            // guards what follows; admission and reclaim only, never taken by readers
	channels map[*Channel]struct{} // those that count in admission
	last     time.Time             // when reclaim last ran
}

// New makes a cache and starts its two goroutines (keeper, collector); Close ends them. Slab files that an earlier
// process left in Config.Dir are removed. New does not fail: a folder that cannot be written shows in Arena.Reserve.
func New(config Config) *Cache {
	c := &Cache{
		config:   config,
		chores:   make(chan chore, 256),
		nudge:    make(chan struct{}, 1),
		stop:     make(chan struct{}),
		channels: make(map[*Channel]struct{}),
	}
	c.makeFn = c.mapMemory
	if config.Dir != "" {
		removeSlabFiles(config.Dir)
	}
	c.wg.Add(2)
	go c.keep()
	go c.collect()
	return c
}

// Close ends the cache's goroutines and waits for them. Close the channels first. Bodies that readers still hold stay
// valid until they let go.
func (c *Cache) Close() {
	close(c.stop)
	c.wg.Wait()
}

// Stats are the figures of a cache at one moment, in bytes of memory.
type Stats struct {
	Memory   int64 // the bound: Config.Memory
	Window   int64 // slabs that the live windows and the inputs need
	Pinned   int64 // slabs that no window needs any more: held by readers, or not yet found by the collector
	Media    int64 // media in the retained segments of all channels: at most Window
	Slabs    int64 // number of slabs mapped
	Collects int64 // collections asked for since the start
}

// Stats may be called at any time.
func (c *Cache) Stats() Stats {
	live, mapped := c.live.Load(), c.mapped.Load()
	s := Stats{
		Memory: c.config.Memory, Window: live, Pinned: max(mapped-live, 0),
		Slabs: c.slabs.Load(), Collects: c.collects.Load(),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for ch := range c.channels {
		s.Media += ch.held.Load()
	}
	return s
}
