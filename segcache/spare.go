package segcache

import (
	"slices"
	"sync"
	"sync/atomic"
)

// spares are the memory of slabs that the collector has found, for the slabs that are made next: a page that is there already
// costs nothing, and a fresh one more than to read a socket into it (mapMemory has the figures).
//
// What the collector finds nobody can reach: whoever was handed bytes of it has let go of them, or no longer kept what
// keeps them (Body). What was lent is not used again, nor are files: a socket may have their pages still, when nobody has the slab.
//
// What is kept and what waits for the collector are together no more than what waited for it alone: see Cache.room.
type spares struct {
	bytes atomic.Int64 // that they count as mapped

	mu   sync.Mutex
	list []*mapping // oldest first
	over bool       // the cache is closed: nothing is kept any more
}

// keep takes a mapping that nobody can reach, unless it is of no use.
func (s *spares) keep(m *mapping) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || m.all == nil || m.file >= 0 || m.lent.Load() {
		return false
	}
	s.list = append(s.list, m)
	s.bytes.Add(m.size.Load())
	return true
}

// take is the newest mapping of that size; nil: there is none.
func (s *spares) take(size int) *mapping {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, m := range slices.Backward(s.list) {
		if len(m.buf) == size {
			s.bytes.Add(-m.size.Load())
			s.list = slices.Delete(s.list, i, i+1)
			return m
		}
	}
	return nil
}

// shrink takes out what is more than limit, oldest first.
func (s *spares) shrink(limit int64) (rest []*mapping) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.list) > 0 && s.bytes.Load() > limit {
		s.bytes.Add(-s.list[0].size.Load())
		rest = append(rest, s.list[0])
		s.list = slices.Delete(s.list, 0, 1)
	}
	return rest
}

// close ends the use of spares, and takes out all.
func (s *spares) close() []*mapping {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	return s.shrink(-1)
}

// unmap gives memory back to the system.
func (c *Cache) unmap(all ...*mapping) {
	for _, m := range all {
		unmapMemory(m)
		c.mapped.Add(-m.size.Load())
	}
}
