package segcache

import (
	"fmt"
	"sync/atomic"
)

const (
	slabSeconds      = 4         // a slab holds about so much of its track
	minArenaBytes    = 256 << 10 // slabs are not smaller: each costs a file descriptor and a mapping
	maxArenaBytes    = 64 << 20  // nor larger, unless one room needs it
	assumedBitsPerS  = 4_000_000 // where the bitrate is not known
	prepareNumerator = 3         // the next slab is prepared when the current one is 3/4 full
)

// An Arena hands out room in slabs to one input's track. It is used by one goroutine; Close it when the input ends.
//
// Rooms follow each other without a gap where the slab has space, so that the chunks of a segment merge into few slices.
type Arena struct {
	cache *Cache
	bits  int // per second, as declared
	bytes int // of a slab

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
	return &Arena{
		cache: c,
		bits:  bitsPerSecond,
		bytes: min(max(bitsPerSecond/8*slabSeconds, minArenaBytes), maxArenaBytes),
	}
}

// A Room is space reserved in a slab. Keep the Room while its slices are in use: slices alone do not keep memory mapped.
type Room struct {
	slab     *slab
	off      uint32 // of the head in the slab
	head, to uint32 // payload starts at off+head and ends at off+to
}

// Head is the space before the payload: write the re-timed moof and the mdat header into its end.
func (r Room) Head() []byte { return r.slab.buf[r.off : r.off+r.head : r.off+r.head] }

// Payload is the space to read the socket into. It starts where Head ends.
func (r Room) Payload() []byte {
	return r.slab.buf[r.off+r.head : r.off+r.to : r.off+r.to]
}

// Len is the length of head and payload in bytes.
func (r Room) Len() int { return int(r.to) }

// Extent names bytes [from,to) of the room, counted from the first byte of Head. It panics outside of the room.
func (r Room) Extent(from, to int) Extent {
	if from < 0 || to < from || to > int(r.to) {
		panic(fmt.Sprintf("segcache: extent [%d,%d) of a room of %d bytes", from, to, r.to))
	}
	return Extent{slab: r.slab, off: r.off + uint32(from), n: uint32(to - from)}
}

// An Extent is a run of bytes in a slab, and keeps them mapped. The zero Extent is empty.
type Extent struct {
	slab   *slab
	off, n uint32
}

// Len is the extent's length in bytes.
func (e Extent) Len() int { return int(e.n) }

// Bytes are the extent's bytes; keep the Extent while they are in use.
func (e Extent) Bytes() []byte {
	if e.slab == nil {
		return nil
	}
	return e.slab.buf[e.off : e.off+e.n : e.off+e.n]
}

// Reserve gives head+payload bytes in one piece, right behind the last reservation where the slab has room. It
// allocates only when it turns to a new slab that was not ready.
//
// ErrMemory means that the memory bound is reached: the media has to be dropped. Other errors come from the system
// (file descriptors, disk) and mean the same to the input.
func (a *Arena) Reserve(head, payload int) (Room, error) {
	if head < 0 || payload < 0 || head > maxSlabBytes || payload > maxSlabBytes-head {
		return Room{}, fmt.Errorf("room of %d+%d bytes: %w", head, payload, ErrMemory)
	}
	n := head + payload
	if a.cur == nil || n > len(a.cur.buf)-a.off {
		if err := a.turn(n); err != nil {
			return Room{}, err
		}
	}
	r := Room{slab: a.cur, off: uint32(a.off), head: uint32(head), to: uint32(n)}
	a.off += n
	if a.off >= len(a.cur.buf)/4*prepareNumerator && a.next.Load() == nil && a.busy.CompareAndSwap(false, true) {
		a.ask()
	}
	return r, nil
}

// turn makes a slab with n free bytes the current one.
func (a *Arena) turn(n int) error {
	s := a.next.Swap(nil)
	if s != nil && len(s.buf) < n {
		a.next.Store(s) // the keeper does not write here: it was asked once, and has answered
		s = nil
	}
	if s == nil {
		var err error
		if s, err = a.cache.makeSlab(max(a.bytes, n)); err != nil {
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
	select {
	case a.cache.chores <- chore{arena: a}:
	default:
		a.busy.Store(false)
	}
}

// prepare makes the next slab. Keeper only.
func (a *Arena) prepare() {
	defer a.busy.Store(false)
	if a.closed.Load() {
		return
	}
	s, err := a.cache.makeSlab(a.bytes)
	if err != nil {
		return // Reserve meets the same error when it has to turn, and reports it
	}
	a.next.Store(s)
	if a.closed.Load() { // Close may have looked before
		a.drop()
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
