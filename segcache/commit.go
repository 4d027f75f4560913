package segcache

// A Chunk is one moof+mdat in slabs, placed by the timeline. Times are ticks of the track since the Unix epoch.
type Chunk struct {
	N          uint64
	Slot       int64
	Ordinal    int
	Part       int // index of the part that the chunk lies in; it does not go back within a segment
	Start, End int64
	Arrived    int64 // when its last byte had arrived, by Clock: Body.Arrived; 0: not known
	Sync       bool  // starts with a sync sample
	First      bool  // opens the segment
	Extents    [2]Extent
	NumExtents int
}

// Commit makes a chunk visible to whoever follows its segment, by one atomic store. Its bytes belong to the readers from
// then on. It allocates twice per segment, and nothing per chunk. Writer.
//
// ErrLate, ErrFar, ErrWhole, ErrClosed: the chunk was not taken; its bytes are unused. A segment that is whole takes no
// more.
func (t *Track) Commit(c Chunk) error {
	if c.Part < 0 || c.Part >= maxParts {
		return t.fail(c.N, ErrFar)
	}
	if c.NumExtents < 1 || c.NumExtents > len(c.Extents) || c.Extents[0].n == 0 {
		return t.fail(c.N, ErrEmpty)
	}
	s := t.Segment(c.N)
	switch {
	case s == nil:
		s = newSegment(&c, t.expectedChunks())
		s.growth.append(&c)
		if err := t.put(s); err != nil {
			s.growth.release()
			return t.fail(c.N, err)
		}
	case s.growth == nil: // listed as GAP, and something comes after all
		late := *s
		late.growth = newSegment(&c, t.expectedChunks()).growth
		late.growth.append(&c)
		t.ring.Load().put(&late)
	case s.whole():
		return t.fail(c.N, ErrWhole)
	default:
		s.growth.append(&c)
	}
	for i := range c.NumExtents {
		t.channel.held.Add(int64(c.Extents[i].n))
		t.held.Add(int64(c.Extents[i].n))
	}
	t.wake()
	return nil
}

// expectedChunks is a little more than what the last segment had.
func (t *Track) expectedChunks() int { return max(t.chunks+t.chunks/4+2, 8) }

// Complete fixes segment n: all its chunks are committed, it runs from start to end (ticks), and it is served by name
// from now on. ErrNotWhole: nothing was committed for n; ErrWhole: it was complete before. It allocates the final
// descriptor and the entity tag. Writer.
func (t *Track) Complete(n uint64, start, end int64) error {
	s := t.Segment(n)
	if s == nil || s.growth == nil {
		return t.fail(n, ErrNotWhole)
	}
	if s.whole() {
		return t.fail(n, ErrWhole)
	}
	t.chunks = int(s.growth.index.Load().n.Load())
	if !s.Gap { // a listed entry keeps its times
		whole := *s
		whole.Start, whole.Duration = start, end-start
		t.ring.Load().put(&whole)
	}
	s.growth.finish()
	t.wake()
	return nil
}
