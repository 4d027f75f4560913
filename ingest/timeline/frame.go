package timeline

// Some protocols (RTMP) bring single frames, whose times are rounded to the tick of a coarse clock and which do not say how
// long they last: TrackInfo.Frames. The caller makes chunks of them, and asks where frames and chunks end. So a part is
// complete with its last frame, not with the one after it, and a chunk is the same on every node.
//
// Rule: docs/time.md, section 3.

// A Frame is where a frame lies on its track's grid.
type Frame struct {
	End  int64 // where it ends, encoder ticks
	More int   // how many frames of its chunk come after it; 0: the chunk is complete with it
}

// FrameAt tells where the frame of an input that starts at x (encoder ticks) lies. ok is false where the track has no grid,
// or it is not known yet: a frame ends where the next one starts then.
//
// Chunks are as many whole frames as Config.Chunk holds, one at least, counted from the start of the part that they lie in:
// a chunk is the same whichever source sends it, and whatever of it waits. (Where segments run on to a sync sample, chunks
// that the input has sent before must have been submitted.)
func (tl *Timeline) FrameAt(id InputID, x int64) (f Frame, ok bool) {
	in := tl.find(id)
	if in == nil || in.base == nil || len(tl.gens) == 0 || tl.relearn.on || !plausible(x, in.info.Timescale) {
		return f, false
	}
	c := &in.t.cur
	if c.grid == nil || c.grid.Cadence == 0 || c.grid.Config != in.info.Config || in.base.ordinal != c.g.Ordinal {
		return f, false
	}
	cadence := c.grid.Cadence
	at := in.m.At(x)
	if f.End = in.m.from(at + cadence); f.End <= x { // a frame of less than a tick
		return f, false
	}
	start, end := c.begin, c.end
	if c.open {
		start = c.parts.start
	}
	if !c.runsOn() && (at < start || at >= end) { // what is served is elsewhere
		n := tl.numberAt(in.t, at)
		if tl.genOf(n) != c.g {
			return f, false
		}
		start, end = c.g.edge(c.grid, c.g.slot(n)), tl.slotEnd(in.t, c.g, c.grid, n)
	}
	part := c.g.partLength(c.grid)
	start += floorDiv(at-start, part) * part
	chunk := tl.cfg.chunkFrames(c.grid) * cadence
	limit := min(start+(floorDiv(at-start, chunk)+1)*chunk, start+part)
	if !c.runsOn() {
		limit = min(limit, end)
	}
	f.More = int(max((limit-at)/cadence-1, 0))
	return f, true
}

// chunkFrames is how many frames of a grid a chunk has. A frame that is longer than the rest of the chunk by less than an
// eighth still fits: 100 ms are six frames of 59.94 a second.
func (c *Config) chunkFrames(grid *Grid) int64 {
	ticks := scale(c.Chunk, int64(grid.Timescale), second)
	return max((ticks+grid.Cadence/8)/grid.Cadence, 1)
}

// from is the encoder time nearest to a channel time, to within a tick.
func (m Mapping) from(y int64) int64 { return scaleNear(sub(y, m.off), m.den, m.num) }
