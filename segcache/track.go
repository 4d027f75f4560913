package segcache

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"weir/media"
)

// Errors of the writer's calls. They mean that the caller and the timeline disagree with the window: log them; the
// window stays correct.
var (
	ErrLate     = errors.New("segment is older than the window")
	ErrWhole    = errors.New("segment is whole already")
	ErrNotWhole = errors.New("segment has no body")
	ErrOrder    = errors.New("segment listed out of order")
	ErrFar      = errors.New("segment number too far ahead")
	ErrEmpty    = errors.New("chunk without bytes")
)

// TrackConfig is a track's identity.
type TrackConfig struct {
	Name      string
	ID        int64 // nominal bitrate: the {id} of QualityLevels({id})
	Kind      media.Kind
	Bandwidth int // bits per second to advertise
}

// A Track is one track of a channel: its window of segments and their init segments.
type Track struct {
	TrackConfig
	channel *Channel

	ring  atomic.Pointer[ring]
	inits atomic.Pointer[[]Init] // in order of ordinal; copied to change

	floor atomic.Uint64 // oldest number held
	top   atomic.Uint64 // one past the newest number held

	// The writer's own.
	first, end uint64 // listed: [first,end)
	gone       uint64 // numbers below were evicted
	listed     bool   // something was ever listed
	chunks     int    // of the last whole segment: how large to make the next index

	stats trackCounters
}

// An Init is the description of a track within one generation.
type Init struct {
	Ordinal int
	Media   *media.Track
}

// A Chunk is one moof+mdat in slabs, placed by the timeline. Times are ticks of the track since the Unix epoch.
type Chunk struct {
	N          uint64
	Slot       int64
	Ordinal    int
	Start, End int64
	Sync       bool // starts with a sync sample
	First      bool // opens the segment
	Extents    [2]Extent
	NumExtents int
}

// An Entry is one entry of a track's list.
type Entry struct {
	N          uint64
	Slot       int64
	Ordinal    int
	Start, End int64 // ticks
	Gap        bool
}

// SetInit states the track's description from generation ordinal on. Writer.
func (t *Track) SetInit(ordinal int, m *media.Track) {
	old := *t.inits.Load()
	i, found := slices.BinarySearchFunc(old, ordinal, func(x Init, o int) int { return x.Ordinal - o })
	inits := slices.Clone(old)
	if found {
		inits[i].Media = m
	} else {
		inits = slices.Insert(inits, i, Init{Ordinal: ordinal, Media: m})
	}
	t.inits.Store(&inits)
}

// Commit makes a chunk visible to whoever follows its segment, by one atomic store. Its bytes belong to the readers from
// then on. It allocates once per segment, and nothing per chunk. Writer.
//
// ErrLate, ErrFar, ErrWhole: the chunk was not taken; its bytes are unused. A segment that is whole takes no more.
func (t *Track) Commit(c Chunk) error {
	if c.NumExtents < 1 || c.NumExtents > len(c.Extents) || c.Extents[0].n == 0 {
		return t.fail(c.N, ErrEmpty)
	}
	s := t.Segment(c.N)
	switch {
	case s == nil:
		s = &Segment{N: c.N, Slot: c.Slot, Ordinal: c.Ordinal, Start: c.Start, growth: newGrowth(t.expectedChunks())}
		s.growth.append(&c)
		if err := t.put(s); err != nil {
			s.growth.release()
			return t.fail(c.N, err)
		}
	case s.growth == nil: // listed as GAP, and something comes after all
		late := *s
		late.growth = newGrowth(t.expectedChunks())
		late.growth.append(&c)
		t.ring.Load().put(&late)
	case s.growth.whole.Load() != nil:
		return t.fail(c.N, ErrWhole)
	default:
		s.growth.append(&c)
	}
	t.count(&c)
	return nil
}

// expectedChunks is a little more than what the last segment had.
func (t *Track) expectedChunks() int { return max(t.chunks+t.chunks/4+2, 8) }

// Complete fixes segment n: all its chunks are committed, it runs from start to end (ticks), and it is served by name
// from now on. ErrNotWhole: nothing was committed for n; ErrWhole: it was complete before. Writer.
func (t *Track) Complete(n uint64, start, end int64) error {
	s := t.Segment(n)
	if s == nil || s.growth == nil {
		return t.fail(n, ErrNotWhole)
	}
	if s.growth.whole.Load() != nil {
		return t.fail(n, ErrWhole)
	}
	ix := s.growth.index.Load()
	t.chunks = int(ix.n.Load())
	body := ix.gather(t.chunks)
	body.etag = fmt.Sprintf("\"%016x\"", s.growth.digest.Sum64())
	if !s.Gap { // a listed entry keeps its times
		whole := *s
		whole.Start, whole.Duration = start, end-start
		t.ring.Load().put(&whole)
	}
	s.growth.whole.Store(body)
	t.stats.segments.Add(1)
	return nil
}

// List appends an entry to the track's list; readers see it with the next Publish. Numbers are consecutive.
//
// ErrNotWhole: the segment has no body, so that it was listed as GAP. ErrOrder: N is not the next number; an older one
// is ignored, with a newer one the list starts anew there. ErrLate, ErrFar: N cannot be held, and was ignored. Writer.
func (t *Track) List(e Entry) error {
	if t.listed && e.N < t.end {
		return t.fail(e.N, ErrOrder)
	}
	var problem error
	s := t.Segment(e.N)
	if !e.Gap {
		if whole := s != nil && s.growth != nil && s.growth.whole.Load() != nil; !whole {
			e.Gap, problem = true, ErrNotWhole
		}
	}
	if e.Gap {
		gap := &Segment{N: e.N, Slot: e.Slot, Ordinal: e.Ordinal, Start: e.Start, Duration: e.End - e.Start, Gap: true}
		if s != nil {
			gap.growth = s.growth
		}
		if err := t.put(gap); err != nil {
			return t.fail(e.N, err)
		}
		t.stats.gaps.Add(1)
	}
	if !t.listed || e.N > t.end {
		if t.listed {
			problem = ErrOrder
		}
		t.first = e.N
	}
	t.listed, t.end = true, e.N+1
	return t.fail(e.N, problem)
}

// put stores a descriptor in the ring, which grows where it must.
func (t *Track) put(s *Segment) error {
	if s.N < t.gone {
		return ErrLate
	}
	floor, top := t.floor.Load(), t.top.Load()
	if floor == top { // nothing is held
		floor, top = s.N, s.N
	}
	low, high := min(floor, s.N), max(top, s.N+1)
	if high-low > maxRingSlots {
		return ErrFar
	}
	r := t.ring.Load()
	if r == nil {
		r = newRing(max(t.channel.ringSlots(), int(high-low)))
		t.ring.Store(r)
	} else if !r.spans(int(high - low)) {
		r = r.grown(int(high-low), floor, top)
		t.ring.Store(r) // readers of the old ring see what was there before
	}
	r.put(s)
	t.floor.Store(low)
	t.top.Store(high)
	return nil
}

// fail names track and segment in err.
func (t *Track) fail(n uint64, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: segment %d: %w", t.Name, n, err)
}

// Segment is the segment of number n, or nil when the track does not hold it: it is not there yet, or no more. It takes
// no lock and does not allocate. Anybody.
func (t *Track) Segment(n uint64) *Segment {
	if r := t.ring.Load(); r != nil {
		return r.get(n)
	}
	return nil
}

// SegmentAt is the segment that starts exactly at startTicks, or nil. It does not allocate. Anybody.
func (t *Track) SegmentAt(startTicks int64) *Segment {
	low, high := t.floor.Load(), t.top.Load()
	for low < high { // the first that starts at or after startTicks; a number not held counts as before
		mid := low + (high-low)/2
		s := t.Segment(mid)
		if s == nil || s.Start < startTicks {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if s := t.Segment(low); s != nil && s.Start == startTicks {
		return s
	}
	return nil
}

// Init is the description whose init segment has the given hash, while the window may need it; else nil. Anybody.
func (t *Track) Init(hash string) *media.Track {
	for _, i := range *t.inits.Load() {
		if i.Media.InitHash == hash {
			return i.Media
		}
	}
	return nil
}
