package timeline

// A part is a part of a segment that is complete and waits to be listed.
type part struct {
	n          uint64 // segment
	index      int    // in it
	start, end int64  // channel ticks
}

const (
	maxParts       = 1 << 12 // of a segment: from there on the last one runs to the segment's end
	maxPartsQueued = 1 << 14 // of a track; beyond them parts are not listed, only their segments
)

// A division is where a cursor stands among the parts of the open segment.
//
// On a grid parts end at multiples of length from the segment's start, whatever came of them, so that one is complete with
// its last sample. Without a grid a part ends before the first sample that would make it longer than length. A part in
// which no sample starts has no bytes: a sample that lasts through it belongs to a part that lasts as long.
//
// Rule: docs/time.md, section 3.
type division struct {
	length int64 // of a part: at most PART-TARGET
	index  int   // of the part that is being written
	start  int64 // of it
	some   bool  // it has a sample
	lost   bool  // too many wait: no more of the segment's parts are listed
}

// partLength is how long the parts of a track are: on a grid as many whole samples as PART-TARGET holds, one at least.
func (g *Generation) partLength(t *Grid) int64 {
	ticks := g.partTicks(t)
	if t.Cadence != 0 {
		return max(ticks/t.Cadence, 1) * t.Cadence
	}
	return max(ticks, 1)
}

// partLimit is where the part that is being written ends: on a grid samples that start before it belong to it, without one
// those that end by then.
func (c *cursor) partLimit() int64 { return c.parts.start + c.parts.length }

// parted tells whether a sample from at to end opens the next part.
func (c *cursor) parted(at, end int64) bool {
	switch {
	case c.parts.index >= maxParts-1:
		return false
	case c.grid.Cadence != 0:
		return at >= c.partLimit()
	}
	return at > c.parts.start && end > c.partLimit()
}

// divide ends parts by what has just been written up to c.pos: on a grid the one that is complete with it.
func (tl *Timeline) divide(t *track) {
	c := &t.cur
	if c.grid.Cadence == 0 || !c.parted(c.pos, c.pos) {
		return
	}
	tl.endPart(t, c.pos-(c.pos-c.parts.start)%c.parts.length)
}

// endPart ends the part that is being written; the next one starts there.
func (tl *Timeline) endPart(t *track, end int64) {
	c := &t.cur
	p := &c.parts
	if p.some {
		p.lost = p.lost || t.parts.len() >= maxPartsQueued
		if !p.lost && (c.n >= t.next || !tl.listing) {
			t.parts.push(part{n: c.n, index: p.index, start: p.start, end: end})
			tl.dirty = true
		}
		p.index++
	}
	p.start, p.some = end, false
}

// listParts lists the parts of the track's next segment that may be shown before it is whole: those that are complete, once
// the master has opened the slot and all live tracks have reached a new generation, and not too far ahead of the lag (early).
//
// Rule: docs/time.md, section 4.
func (tl *Timeline) listParts(now int64, t *track, g *Generation, grid *Grid) {
	n := t.next
	for t.parts.len() > 0 && t.parts.first().n < n {
		t.parts.pop()
	}
	for t.parts.len() > 0 && t.parts.first().n == n {
		p := t.parts.first()
		if !tl.masterOpened(g, n) || n == g.N0 && !tl.allReached(g, n) || !tl.follows(t, g, grid, n, p.start) {
			return
		}
		if at := tl.early(g, grid, p.end); at > now {
			tl.wake(at)
			return
		}
		tl.listPart(t, g)
	}
}

// listPart lists the next part.
func (tl *Timeline) listPart(t *track, g *Generation) {
	p := t.parts.pop()
	tl.emit(Event{
		Kind: PartListed, Track: t.name, N: p.n, Part: p.index, Slot: g.slot(p.n), Ordinal: g.Ordinal, Start: p.start, End: p.end,
	})
}

// early is from when on what ends at end is not too far ahead of the lag to be listed.
func (tl *Timeline) early(g *Generation, grid *Grid, end int64) int64 {
	return add(scale(end, second, int64(grid.Timescale)), tl.lag-g.lead())
}

// lead is how far ahead of the lag a track may be listed: players that keep the PART-HOLD-BACK from its end have a part of
// the latest track left.
func (g *Generation) lead() int64 { return g.PartTarget + max(g.PartTarget, g.Burst) }

// A queue holds parts in the order of their segments. It allocates until it has had its usual length once.
type queue struct {
	all  []part
	head int
}

func (q *queue) len() int     { return len(q.all) - q.head }
func (q *queue) first() *part { return &q.all[q.head] }

func (q *queue) push(p part) {
	if q.head > 0 && len(q.all) == cap(q.all) {
		q.all, q.head = append(q.all[:0], q.all[q.head:]...), 0
	}
	q.all = append(q.all, p)
}

func (q *queue) pop() part {
	p := q.all[q.head]
	if q.head++; q.head == len(q.all) {
		q.all, q.head = q.all[:0], 0
	}
	return p
}

// cut forgets the parts of segments from n on.
func (q *queue) cut(n uint64) {
	for q.len() > 0 && q.all[len(q.all)-1].n >= n {
		q.all = q.all[:len(q.all)-1]
	}
}
