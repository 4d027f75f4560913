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
	ErrClosed   = errors.New("channel is closed")
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
	inits atomic.Pointer[[]Init]  // in order of ordinal; copied to change
	kept  atomic.Pointer[Segment] // left the ring, and is held all the same: see View.Kept

	waiting atomic.Pointer[chan struct{}] // see Grown

	held  atomic.Int64  // bytes of media in retained segments
	floor atomic.Uint64 // oldest number held
	top   atomic.Uint64 // one past the newest number held

	// The writer's own.
	first, end uint64   // listed: [first,end)
	parts      int      // listed of segment end
	gone       uint64   // numbers below were evicted
	listed     bool     // something was ever listed
	passed     *Segment // newest media segment below first
	chunks     int      // of the last whole segment: how large to make the next index
}

// An Init is the description of a track within one generation, and the grid of its samples there.
type Init struct {
	Ordinal int
	Media   *media.Track
	Cadence int64 // ticks from sample to sample; 0: variable
	Phase   int64 // samples start at multiples of Cadence plus Phase
}

// SetInit states the track's description from a generation on. Writer.
func (t *Track) SetInit(init Init) {
	old := *t.inits.Load()
	i, found := slices.BinarySearchFunc(old, init.Ordinal, func(x Init, o int) int { return x.Ordinal - o })
	inits := slices.Clone(old)
	if found {
		inits[i] = init
	} else {
		inits = slices.Insert(inits, i, init)
	}
	t.inits.Store(&inits)
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

// Segment is the segment of number n, or nil when the track does not hold it: it is not there yet, or no more. It takes
// no lock and does not allocate. Anybody.
func (t *Track) Segment(n uint64) *Segment {
	if r := t.ring.Load(); r != nil {
		if s := r.get(n); s != nil {
			return s
		}
	}
	if k := t.kept.Load(); k != nil && k.N == n {
		return k
	}
	return nil
}

// SegmentAt is the segment that starts exactly at startTicks, or nil. It does not allocate. Anybody.
func (t *Track) SegmentAt(startTicks int64) *Segment {
	if k := t.kept.Load(); k != nil && k.Start == startTicks {
		return k
	}
	low, high := t.floor.Load(), t.top.Load()
	for low < high { // what is sought lies in [low,high)
		mid := low + (high-low)/2
		s, at := t.heldFrom(mid, high)
		switch {
		case s == nil || s.Start > startTicks:
			high = mid
		case s.Start == startTicks:
			return s
		default:
			low = at + 1
		}
	}
	return nil
}

// heldFrom is the first segment held in [n,end), and its number; nil where there is none.
func (t *Track) heldFrom(n, end uint64) (*Segment, uint64) {
	for ; n < end; n++ {
		if s := t.Segment(n); s != nil {
			return s, n
		}
	}
	return nil, n
}

// put stores a descriptor in the ring, which grows where it must. Writer.
func (t *Track) put(s *Segment) error {
	if t.channel.closed {
		return ErrClosed
	}
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

// Held is how many bytes of media the track's retained segments have: those listed, and those kept for a while after.
// Anybody.
func (t *Track) Held() int64 { return t.held.Load() }
