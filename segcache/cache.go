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
	Memory int64 // bytes that the live windows of all channels may take (cache.memory)

	// Dir is a folder for the files behind slabs, not shared with another process; "": anonymous memory. Files have no
	// name once they are mapped, so that nothing stays behind. It is used on Linux only.
	Dir string
}

// Cache is the memory of all channels of a process. Safe for concurrent use.
type Cache struct {
	config Config

	mapped   atomic.Int64 // bytes of slabs mapped now
	live     atomic.Int64 // of them, bytes of slabs that a window or an arena needs
	slabs    atomic.Int64 // slabs mapped now
	dropped  atomic.Int64 // bytes of slabs that stopped being live since the collector was last nudged
	collects atomic.Int64 // collections asked for
	refused  atomic.Int64 // inputs that Admit turned away
	failed   atomic.Int64 // rooms that Reserve could not give

	spares spares

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
	if config.Dir != "" {
		removeSlabFiles(config.Dir)
	}
	c.wg.Add(2)
	go c.keep()
	go c.collect()
	return c
}

// Close ends the cache's goroutines and waits for them. Close the channels first, and call it once. Bodies that readers
// still hold stay valid until they let go.
func (c *Cache) Close() {
	close(c.stop)
	c.wg.Wait()
	c.unmap(c.spares.close()...)
}
