package segcache

import (
	"fmt"
	"sync/atomic"
)

const (
	slabSeconds     = 2         // a slab holds about so much of its track, or a little more to have huge pages
	minArenaBytes   = 256 << 10 // slabs are not smaller: each costs a mapping
	maxArenaBytes   = 64 << 20  // nor larger, unless one room needs it
	maxSlabs        = 16 << 10  // so many slabs at most should fill the cache: the kernel allows 64 Ki mappings
	assumedBitsPerS = 4_000_000 // where the bitrate is not known
)

// An Arena hands out room in slabs to one input's track. It belongs to its channel's writer; Close it when the input
// ends.
//
// Rooms follow each other without a gap where the slab has space, so that the chunks of a segment merge into few slices.
type Arena struct {
	cache *Cache
	bits  int          // per second, as declared
	bytes atomic.Int64 // of a slab; grows when rooms are large

	cur  *slab
	off  int // cur.buf[off:] is free
	next atomic.Pointer[slab]
	busy atomic.Bool // the keeper prepares next

	closed  atomic.Bool
	channel *Channel // admitted to; nil: not
	need    int64    // bytes admitted
}

// NewArena makes an arena for media of about bitsPerSecond (0: not known). It takes no memory before the first Reserve.
// Whether the media will fit is asked with Channel.Admit; without that only the hard bound of Reserve guards memory.
func (c *Cache) NewArena(bitsPerSecond int) *Arena {
	if bitsPerSecond <= 0 {
		bitsPerSecond = assumedBitsPerS
	}
	a := &Arena{cache: c, bits: bitsPerSecond}
	least := max(minArenaBytes, c.config.Memory/maxSlabs)
	a.bytes.Store(slabSize(max(int64(bitsPerSecond)/8*slabSeconds, least)))
	return a
}

// slabSize is the size of slabs that should have about n bytes: whole huge pages, unless that would be much more. (A slab
// goes as a whole: one of 4 s in a window of 60 s costs a twentieth of the memory.)
func slabSize(n int64) int64 {
	if n >= hugeBytes/4*3 {
		n = (n + hugeBytes - 1) / hugeBytes * hugeBytes
	}
	return min(n, maxArenaBytes)
}

// Reserve gives head+payload bytes in one piece, right behind the last reservation where the slab has room. It
// allocates only when it turns to a new slab that was not ready.
//
// ErrMemory means that the memory bound is reached: the media has to be dropped. Other errors come from the system
// (file descriptors, disk) and mean the same to the input. Stats.Failed counts both.
func (a *Arena) Reserve(head, payload int) (Room, error) {
	if head < 0 || payload < 0 || head > maxSlabBytes || payload > maxSlabBytes-head {
		a.cache.failed.Add(1)
		return Room{}, fmt.Errorf("room of %d+%d bytes: %w", head, payload, ErrMemory)
	}
	n := head + payload
	if a.cur == nil || n > len(a.cur.buf)-a.off {
		if err := a.turn(n); err != nil {
			a.cache.failed.Add(1)
			return Room{}, err
		}
	}
	r := Room{slab: a.cur, off: uint32(a.off), head: uint32(head), to: uint32(n)}
	a.off += n
	if left := len(a.cur.buf) - a.off; left < max(len(a.cur.buf)/8, n) && a.next.Load() == nil {
		a.ask()
	}
	return r, nil
}

// Resize makes the payload of the newest reservation n bytes long, in place: for media whose length shows while it comes. It
// reports false, and changes nothing, where r is not the newest or its slab has no more space.
func (a *Arena) Resize(r Room, n int) (Room, bool) {
	if r.slab == nil || r.slab != a.cur || int(r.off+r.to) != a.off || n < 0 || n > len(a.cur.buf)-int(r.off+r.head) {
		return r, false
	}
	r.to = r.head + uint32(n)
	a.off = int(r.off + r.to)
	return r, true
}

// turn makes a slab with n free bytes the current one.
func (a *Arena) turn(n int) error {
	if want := slabSize(2 * int64(n)); want > a.bytes.Load() {
		a.bytes.Store(want) // chunks of whole segments, or a bitrate that was declared too low
	}
	s := a.next.Swap(nil)
	if s != nil && len(s.buf) < n {
		s.release()
		s = nil
	}
	if s == nil {
		if size := max(a.bytes.Load(), int64(n)); !a.mayGrow(size) {
			return fmt.Errorf("channel %s: %d bytes beyond what it was admitted with: %w", a.channel.Name, size, ErrMemory)
		}
		var err error
		if s, err = a.cache.makeSlab(max(int(a.bytes.Load()), n)); err != nil {
			return err
		}
	}
	a.letGo()
	a.cur, a.off = s, 0
	return nil
}

// letGo ends the use of the current slab.
func (a *Arena) letGo() {
	if a.cur != nil {
		a.cur.trim(a.off)
		a.cur.release()
		a.cur = nil
	}
}

// ask has the next slab prepared by the keeper, if that has time.
func (a *Arena) ask() {
	if a.closed.Load() || !a.busy.CompareAndSwap(false, true) {
		return
	}
	select {
	case a.cache.chores <- chore{arena: a}:
	default:
		a.busy.Store(false)
	}
}

// prepare makes the next slab. Keeper only.
func (a *Arena) prepare() {
	defer a.busy.Store(false)
	if a.closed.Load() || a.next.Load() != nil || !a.mayGrow(a.bytes.Load()) {
		return
	}
	s, err := a.cache.makeSlab(int(a.bytes.Load()))
	if err != nil {
		return // Reserve meets the same error when it has to turn, and reports it
	}
	a.next.Store(s) // nobody else stores here
	if a.closed.Load() {
		a.drop() // Close may have looked before
	}
}

// drop lets go of the prepared slab.
func (a *Arena) drop() {
	if s := a.next.Swap(nil); s != nil {
		s.release()
	}
}

// Cancel gives back the newest reservation, when r is it and nothing of it was committed; otherwise it does nothing:
// the bytes stay unused until their slab goes.
func (a *Arena) Cancel(r Room) {
	if r.slab != nil && r.slab == a.cur && int(r.off+r.to) == a.off {
		a.off = int(r.off)
	}
}

// Copy stores b out of line, for the second moof of a chunk that was split. Errors as Reserve.
func (a *Arena) Copy(b []byte) (Extent, error) {
	r, err := a.Reserve(len(b), 0)
	if err != nil {
		return Extent{}, err
	}
	copy(r.Head(), b)
	return r.Extent(0, len(b)), nil
}

// Closed tells whether the input has ended.
func (a *Arena) Closed() bool { return a.closed.Load() }

// Close ends the input's use of the arena and gives its admission back. Rooms and extents stay valid.
func (a *Arena) Close() {
	if a.closed.Swap(true) {
		return
	}
	a.letGo()
	a.drop()
	if a.channel != nil {
		a.channel.need.Add(-a.need)
	}
}
