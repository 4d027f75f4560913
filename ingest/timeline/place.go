package timeline

// A cursor is where a track stands: the slot that is being written, or waited for.
type cursor struct {
	g     *Generation // of the slot
	grid  *Grid       // the track's, in it; nil: the track is not in the set
	n     uint64      // the slot's number
	begin int64       // its edges, in the track's ticks
	end   int64
	after int64 // the next slot's end: where an irregular segment is cut at the latest

	open  bool  // segment n is being written; else the track waits for its begin
	start int64 // of the open segment
	parts division

	has  bool   // pos and seen are set
	pos  int64  // everything before is settled
	seen int64  // start of the run without a hole that ends at pos
	why  Reason // why media before begin is dropped
}

// place puts the samples of a chunk whose clock is known into slots. Every sample that is left of it is settled, except
// where it reports false: the master has no sync sample where a slot begins, so that the cadence is broken; or a
// generation begins with another time base.
//
// Rules: docs/time.md, sections 2 and 3.
func (tl *Timeline) place(in *input, h *held) bool {
	t := in.t
	c := &t.cur
	for h.from < len(h.dur) {
		if c.grid == nil || c.grid.Config != in.info.Config {
			tl.dropAll(t, h, OffSet)
			return true
		}
		if in.base.ordinal < c.g.Ordinal {
			return false
		}
		s := in.m.At(h.x)
		e := in.m.At(h.x + int64(h.dur[h.from]))
		if c.has && s < c.pos && (e <= c.pos || c.pos-s > (e-s)/2) {
			why := Duplicate
			if !c.open && s < c.begin && s < c.seen && c.why != BeforeStart {
				why = Late
			}
			tl.dropUntil(in, h, c.pos, why)
			continue
		}
		tl.meet(t, s)
		if c.grid == nil {
			continue // the next slot is of a generation without the track
		}
		if c.open {
			tl.extend(in, h, s, e)
		} else if !tl.begin(in, h, s) {
			return false
		}
	}
	return true
}

// meet takes note of a hole before s. A short one is bridged: the sample after it starts early, because the one before
// it may have been served. A long one loses the segment, and the track waits for the next slot.
func (tl *Timeline) meet(t *track, s int64) {
	c := &t.cur
	switch {
	case !c.has:
		c.has, c.pos, c.seen = true, s, s
		tl.await(t, s, BeforeStart)
	case s-c.pos > c.g.partTicks(c.grid) || s > c.pos && c.mayCut():
		c.seen = s
		tl.await(t, s, Hole)
	}
}

// mayCut tells whether the next frame may begin an irregular segment: what is lost there may have been its sync sample.
func (c *cursor) mayCut() bool {
	if !c.runsOn() {
		return false
	}
	return c.open && c.pos >= c.end || !c.open && c.pos >= c.begin
}

// await makes the track wait for the first slot that begins at or after s and is later than what it has opened.
func (tl *Timeline) await(t *track, s int64, why Reason) {
	c := &t.cur
	if c.grid == nil {
		return
	}
	n := c.n
	if c.open {
		n++
	}
	if c.open || s > c.begin+t.slack() {
		n = max(n, tl.numberAt(t, s))
	}
	tl.enter(t, n)
	if c.grid != nil && s > c.begin+t.slack() {
		tl.enter(t, c.n+1)
	}
	c.why = why
}

// slack is how far after the edge a segment may begin. Audio that lost frames there starts early; so does audio that
// starts with its encoder, a frame or two after its video. Not the first audio that a restarted node sees: what came
// before it belongs to the slot.
func (t *track) slack() int64 {
	c := &t.cur
	switch {
	case c.g.irregular() && c.grid.Kind == Video:
		return 0
	case c.grid.Kind == Video && c.grid.Cadence != 0:
		return 0
	case c.grid.Kind == Video:
		return int64(c.grid.Timescale) / 250
	case c.seen < c.begin:
		return c.g.partTicks(c.grid)
	case t.warm:
		return c.g.startTicks(c.grid)
	}
	return 0
}

// begin looks for the sample that opens the slot that the track waits for. It reports false where the master's cadence is
// broken there.
func (tl *Timeline) begin(in *input, h *held, s int64) bool {
	t := in.t
	c := &t.cur
	video := c.grid.Kind == Video
	switch {
	case s < c.begin:
		tl.dropUntil(in, h, c.begin, c.why)
	case video && c.g.irregular():
		switch {
		case s >= c.end:
			tl.await(t, c.end, NoSync)
		case !h.isSync(h.from):
			tl.dropSample(in, h, NoSync)
		default:
			tl.write(in, h, max(s, c.pos), true)
		}
	case s > c.begin+t.slack() || video && c.g.Regular && !h.isSync(h.from):
		why := Hole
		if video && c.seen <= c.begin && s <= max(c.pos, c.begin) { // nothing is missing
			if why = OffPhase; c.g.Regular && tl.leads(t) {
				return false
			}
			tl.tell(t, h.arrival, OffPhase, "sync samples miss the slots: the track is GAP until they fit")
		}
		tl.enter(t, c.n+1)
		tl.await(t, s, why)
	case c.grid.Cadence != 0:
		tl.write(in, h, max(c.begin, c.pos), true) // the edge is the first frame's place
	default:
		tl.write(in, h, max(s, c.pos), true)
	}
	return true
}

// leads tells whether a track is the master of the newest generation.
func (tl *Timeline) leads(t *track) bool { return t.cur.g == tl.gen() && t.cur.g.Master == t.name }

// tell notes a track's trouble: once, until it has been over for a minute.
func (tl *Timeline) tell(t *track, now int64, why Reason, text string) {
	if t.noted != why || now-t.notedAt > 60*second {
		tl.note(t.name, why, text)
	}
	t.noted, t.notedAt = why, now
}

// extend adds to the open segment, or finds that the sample belongs to the next one.
func (tl *Timeline) extend(in *input, h *held, s, e int64) {
	t := in.t
	c := &t.cur
	if s < c.end {
		tl.write(in, h, c.pos, false)
		return
	}
	if !c.runsOn() {
		tl.complete(in, h, c.end)
		tl.enter(t, c.n+1)
		return
	}
	if !c.cuts(h, h.from, s, e) {
		tl.write(in, h, c.pos, false)
		return
	}
	tl.complete(in, h, s)
	tl.enter(t, c.n+1)
	if c.grid == nil || s < c.begin { // the next generation begins later
		return
	}
	tl.write(in, h, s, true)
}

// cuts tells whether a sample opens the slot after an irregular segment: it is a sync sample, or the last frame that
// starts there.
func (c *cursor) cuts(h *held, i int, s, e int64) bool {
	return s >= c.end && (h.isSync(i) || e >= c.after)
}

// write places samples into the slot, from the next one on: as many as belong to it.
func (tl *Timeline) write(in *input, h *held, start int64, first bool) {
	t := in.t
	c := &t.cur
	from, sync := h.from, true
	if c.grid.Kind == Video {
		sync = h.isSync(from)
	}
	if first {
		c.open, c.start = true, start
		c.parts = division{length: c.g.partLength(c.grid), start: start}
		if !t.has {
			t.has, t.began, t.beganAt = true, c.n, h.arrival
		}
		t.opened = max(t.opened, c.n)
		tl.dirty = true
	} else if c.parts.some && c.parted(start, in.m.At(h.x+int64(h.dur[from]))) {
		tl.endPart(t, start)
	}
	if !c.bridge(in, h, start) {
		c.pos = max(start, c.run(in, h))
	}
	c.parts.some = true
	several := false
	if tl.redundant {
		_, several = tl.sourceOf(t, c.n)
	}
	tl.emit(Event{
		Kind: Placed, Several: several, Track: t.name, Chunk: h.id, From: from, To: h.from, N: c.n, Part: c.parts.index, Slot: c.g.slot(c.n),
		Ordinal: c.g.Ordinal, Start: start, End: c.pos, First: first, Sync: sync, Map: in.m,
	})
	if c.pos < c.end || c.runsOn() {
		tl.divide(t)
		return
	}
	if c.grid.Cadence != 0 {
		tl.complete(in, h, c.end)
	} else {
		tl.complete(in, h, c.pos)
	}
	tl.enter(t, c.n+1)
}

// bridge places the one sample after a hole that reaches into the next part: it starts early, and ends with the part that it
// is put in, so that parts stay on the grid. The sample after it finds what is left of the hole. It reports false where there
// is no such hole, and where no sample would be left for the segment's last part.
func (c *cursor) bridge(in *input, h *held, start int64) bool {
	limit := c.partLimit()
	if c.grid.Cadence == 0 || limit >= c.end || in.m.At(h.x) < limit {
		return false
	}
	x := h.x + int64(h.dur[h.from])
	if in.m.At(x) >= c.end {
		return false
	}
	h.from, h.x, c.pos = h.from+1, x, limit
	return true
}

// runsOn tells whether the segment goes on to a sync sample, beyond its slot.
func (c *cursor) runsOn() bool { return c.grid.Kind == Video && c.g.irregular() }

// run moves h past the samples, one at least, that belong to the segment and the part that are being written, and returns
// where they end.
func (c *cursor) run(in *input, h *held) int64 {
	if end := in.m.At(h.end); end <= min(c.end, c.partLimit()) {
		h.from, h.x = len(h.dur), h.end
		return end
	}
	h.x += int64(h.dur[h.from])
	h.from++
	for at := in.m.At(h.x); ; {
		if h.from == len(h.dur) || at >= c.end && !c.runsOn() {
			return at
		}
		end := in.m.At(h.x + int64(h.dur[h.from]))
		if c.parted(at, end) || c.runsOn() && c.cuts(h, h.from, at, end) {
			return at
		}
		h.x += int64(h.dur[h.from])
		h.from++
		at = end
	}
}

// until moves h past the samples that start before a channel time, at least one, and returns where they end.
func until(in *input, h *held, limit int64) int64 {
	if end := in.m.At(h.end); end <= limit {
		h.from, h.x = len(h.dur), h.end
		return end
	}
	for {
		h.x += int64(h.dur[h.from])
		h.from++
		if at := in.m.At(h.x); at >= limit || h.from == len(h.dur) {
			return at
		}
	}
}

// dropUntil drops the samples that start before a channel time, at least one. An open segment goes on where its last
// sample ends: what a dropped one reaches beyond that is a hole, as any other.
func (tl *Timeline) dropUntil(in *input, h *held, limit int64, why Reason) {
	g := *h
	end := until(in, &g, limit)
	tl.drop(in.t, h, g.from, g.x, why)
	if c := &in.t.cur; !c.open {
		c.pos = max(c.pos, end)
	}
}

// dropSample drops one sample.
func (tl *Timeline) dropSample(in *input, h *held, why Reason) {
	x := h.x + int64(h.dur[h.from])
	tl.drop(in.t, h, h.from+1, x, why)
	in.t.cur.pos = max(in.t.cur.pos, in.m.At(x))
}

// complete says that the open segment has all its bytes; a chunk brought the last.
func (tl *Timeline) complete(in *input, h *held, end int64) {
	t := in.t
	c := &t.cur
	c.open = false
	end = max(end, c.start)
	tl.endPart(t, end)
	tl.emit(Event{
		Kind: Completed, Track: t.name, N: c.n, Slot: c.g.slot(c.n), Ordinal: c.g.Ordinal, Start: c.start, End: end,
	})
	if c.n >= t.next || !tl.listing {
		t.slots[c.n%slotRing] = slot{n: c.n, start: c.start, end: end, done: true}
		tl.dirty = true
	}
	tl.punctual(in, h, end)
}

// enter moves the cursor to the slot of number n; the track waits for its begin.
func (tl *Timeline) enter(t *track, n uint64) {
	c := &t.cur
	c.open = false
	c.n, c.why = n, Hole
	before := c.grid
	if g := tl.genOf(n); g != c.g {
		c.g, c.grid = g, g.grid(t.name)
		tl.remap(t)
	}
	if c.grid == nil {
		return
	}
	k := c.g.slot(n)
	if before != nil && before != c.grid {
		tl.overlap(t, before, c.g.edge(c.grid, k))
	}
	c.begin, c.end = c.g.edge(c.grid, k), tl.slotEnd(t, c.g, c.grid, n)
	tl.look(t)
}

// overlap lets a new grid begin up to a frame before the old one's last frame ends: a segment starts at the same time on
// every node, whatever that has seen before.
func (tl *Timeline) overlap(t *track, before *Grid, begin int64) {
	c := &t.cur
	if (before.Phase != c.grid.Phase || before.Cadence != c.grid.Cadence) && c.pos > begin && c.pos-begin <= max(before.Cadence, c.grid.Cadence) {
		c.pos = begin
	}
}

// look computes what depends on the slot after the cursor's, which a new generation may have changed.
func (tl *Timeline) look(t *track) {
	c := &t.cur
	if c.grid == nil {
		return
	}
	c.end = tl.slotEnd(t, c.g, c.grid, c.n)
	c.after = c.end
	g := tl.genOf(c.n + 1)
	if grid := g.grid(t.name); grid != nil {
		c.after = g.edge(grid, g.slot(c.n+1)+1)
	}
}

// remap gives the track's inputs the grid of the cursor's generation.
func (tl *Timeline) remap(t *track) {
	if t.cur.grid == nil {
		return
	}
	for _, in := range tl.inputs {
		if in.t == t && in.base != nil {
			in.m = in.base.mapping(t.cur.grid, in.info.Timescale)
		}
	}
}

// numberAt is the number of the slot that a time of the track lies in; between two generations, the later one's first.
func (tl *Timeline) numberAt(t *track, s int64) uint64 {
	top := uint64(1<<64 - 1)
	for i := len(tl.gens) - 1; i >= 0; i-- {
		g := tl.gens[i]
		if grid := g.grid(t.name); grid != nil && s >= g.edge(grid, g.K0) {
			return min(g.number(g.slotOf(grid, s)), top)
		} else if grid != nil {
			top = g.N0
		}
	}
	return top
}
