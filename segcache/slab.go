package segcache

import (
	"fmt"
	"runtime"
	"sync/atomic"
)

const (
	pageBytes    = 4096
	hugeBytes    = 2 << 20 // slabs of a multiple of it may have huge pages
	maxSlabBytes = 1 << 30 // one room is never larger; offsets in the chunk index are 32 bits wide
)

// A slab is a stretch of mapped memory that chunks live in. It is filled once from front to back by one arena: whoever can
// reach the slab may read what was committed in it for as long as it likes, and when nobody can reach it any more the
// collector has its memory unmapped, or used for another slab (AddCleanup). So there are no reader counts, epochs or hazard
// pointers.
//
// Slices of the memory do not keep it, only pointers to the slab do.
type slab struct{ *mapping }

// A mapping is what a slab's cleanup needs: it must not point back at the slab.
type mapping struct {
	cache *Cache
	buf   []byte       // the slab's bytes
	all   []byte       // what was mapped for them; nil: plain heap
	size  atomic.Int64 // bytes that count as mapped: len(buf) less the trimmed tail
	holds atomic.Int32 // the arena and the segments of the window that need the slab; readers are not counted
	lent  atomic.Bool  // the kernel may have pages of it: see Body.Lend
	file  int          // descriptor of the file behind buf, for those who will send without copying; -1: none
}

// makeSlab maps a slab of at least size bytes and touches every page, so that the writer meets no page fault. The slab
// is returned held once, for its arena. ErrMemory: the bound is reached.
func (c *Cache) makeSlab(size int) (*slab, error) {
	size = (size + pageBytes - 1) &^ (pageBytes - 1)
	if size <= 0 || size > maxSlabBytes {
		return nil, fmt.Errorf("slab of %d bytes: %w", size, ErrMemory)
	}
	m, err := c.memory(size)
	if err != nil {
		return nil, err
	}
	m.cache = c
	m.size.Store(int64(size))
	m.holds.Store(1)
	c.slabs.Add(1)
	s := &slab{mapping: m}
	runtime.AddCleanup(s, (*mapping).found, m)
	return s, nil
}

// memory is size bytes, counted against the bounds: some that has been used before, or fresh.
func (c *Cache) memory(size int) (m *mapping, err error) {
	if m = c.spares.take(size); m != nil {
		c.mapped.Add(-m.size.Load()) // claim counts it anew
	}
	if err := c.claim(int64(size)); err != nil {
		if m != nil {
			unmapMemory(m)
		}
		return nil, err
	}
	if m == nil {
		m, err = c.mapMemory(size)
	} else if err = populate(m.buf[m.size.Load():]); err != nil { // what was trimmed
		unmapMemory(m)
	}
	if err != nil {
		c.live.Add(int64(-size))
		c.mapped.Add(int64(-size))
		return nil, fmt.Errorf("slab of %d bytes: %w", size, err)
	}
	return m, nil
}

// claim takes size bytes from the bounds, or returns ErrMemory.
func (c *Cache) claim(size int64) error {
	if !take(&c.live, size, c.config.Memory) {
		return ErrMemory
	}
	bound := c.config.Memory + c.config.Memory/4
	if take(&c.mapped, size, bound) {
		return nil
	}
	c.reclaim() // readers pin much, or the collector is late
	if take(&c.mapped, size, bound) {
		return nil
	}
	c.live.Add(-size)
	return fmt.Errorf("%w: readers hold %d bytes", ErrMemory, c.mapped.Load()-c.live.Load())
}

// take adds size to a counter that must not pass bound.
func take(counter *atomic.Int64, size, bound int64) bool {
	for {
		now := counter.Load()
		if now+size > bound {
			return false
		}
		if counter.CompareAndSwap(now, now+size) {
			return true
		}
	}
}

// hold counts one more segment that needs the slab. Writers only.
func (s *slab) hold() {
	if s.holds.Add(1) == 1 { // its arena has gone on already, and this is its first segment
		s.cache.live.Add(s.size.Load())
	}
}

// release undoes one hold. When it was the last, the slab is the collector's, unless readers still have bodies in it.
func (s *slab) release() {
	if s.holds.Add(-1) == 0 {
		size := s.size.Load()
		s.cache.live.Add(-size)
		s.cache.forgotten(size)
	}
}

// lend has the memory be unmapped when the slab has gone, and not used again. Anybody.
func (s *slab) lend() {
	if !s.lent.Load() { // most do not dirty the line that all of them read
		s.lent.Store(true)
	}
}

// trim gives back the memory from off on, which was never reserved. Called once, by the arena while it holds the slab.
// What is given back stops counting here, and is returned to the system by the keeper.
func (s *slab) trim(off int) {
	off = (off + pageBytes - 1) &^ (pageBytes - 1)
	spare := int64(len(s.buf) - off)
	if s.all == nil || spare < minTrimBytes {
		return
	}
	s.size.Add(-spare)
	s.cache.live.Add(-spare)
	s.cache.mapped.Add(-spare)
	s.cache.do(chore{trim: s, off: off})
}

// found is the slab's cleanup: it runs when nothing can reach the slab.
func (m *mapping) found() {
	c := m.cache
	if m.holds.Load() > 0 { // its arena or channel was dropped without Close
		c.live.Add(-m.size.Load())
	}
	c.slabs.Add(-1)
	if !c.spares.keep(m) {
		c.unmap(m)
	}
	c.unmap(c.spares.shrink(c.room())...)
}

// touch faults in every page of b by writing to it. b is new: nobody else sees it.
func touch(b []byte) {
	for i := 0; i < len(b); i += pageBytes {
		b[i] = 0
	}
}
