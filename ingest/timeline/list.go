package timeline

import "slices"

// A slot is what a track has of a slot that is not listed yet.
type slot struct {
	n          uint64
	start, end int64
	done       bool
}

const (
	slotRing   = 256     // how far ahead of its list a track may be
	listBudget = 1 << 10 // entries listed in one call; the next deadline is at once then
	maxBehind  = 1 << 14 // slots that are listed one by one after the caller was away
)

// list appends to the tracks' lists what is due, in order and without holes, and computes when to look again.
//
// Rules: docs/time.md, section 4.
func (tl *Timeline) list(now int64) {
	tl.due = 0
	if !tl.listing {
		if tl.startList(now); !tl.listing {
			return
		}
	}
	budget := listBudget
	for before := -1; budget != before; { // until no track waits for another that has just been listed
		before, tl.due = budget, 0
		for _, t := range tl.tracks {
			if t.slots != nil {
				budget = tl.listTrack(now, t, budget)
			}
		}
	}
}

func (tl *Timeline) listTrack(now int64, t *track, budget int) int {
	for {
		g := tl.genOf(t.next)
		grid := g.grid(t.name)
		if grid == nil && !tl.returns(t) {
			tl.silence(t)
			return budget // no more in the set
		}
		if grid == nil {
			continue
		}
		if budget == 0 {
			tl.wake(now)
			return 0
		}
		tl.listParts(now, t, g, grid)
		if at := tl.ripe(now, t, g, grid); at > now {
			tl.wake(at)
			return budget
		}
		tl.listOne(t, g, grid)
		budget--
	}
}

// returns takes a track that was out of the set to the generation in which it is back, if there is one.
func (tl *Timeline) returns(t *track) bool {
	for _, g := range tl.gens {
		if g.N0 > t.next && g.grid(t.name) != nil {
			t.next = g.N0
			return true
		}
	}
	return false
}

// wake makes Tick look at the lists at that time.
func (tl *Timeline) wake(at int64) {
	if tl.due == 0 || at < tl.due {
		tl.due = at
	}
}

// ripe is when the track's next entry can be listed, as far as is known now: media as soon as it is whole, its master
// has opened the slot, all live tracks have reached a new generation, and it is not too far ahead of the lag
// (early). Otherwise at the slot's deadline.
func (tl *Timeline) ripe(now int64, t *track, g *Generation, grid *Grid) int64 {
	n := t.next
	deadline := add(g.endNanos(g.slot(n)), tl.lag+tl.spareOf(t)+g.half()) + 1
	if tl.relearn.on && tl.relearn.source == "" || tl.amend.on || tl.ask.pending() && tl.ask.gen != nil {
		deadline += g.half() // another node's record may put the new generation here
	}
	end, whole := tl.whole(t, g, grid)
	if whole {
		if tl.masterOpened(g, n) && (n != g.N0 || tl.allReached(g, n)) {
			return min(deadline, tl.early(g, grid, end))
		}
	} else if tl.left(now, t, n) {
		return min(deadline, tl.early(g, grid, tl.slotEnd(t, g, grid, n)))
	}
	return deadline
}

// left tells whether slot n, which is not whole, is of a source that is gone, while another is served from a later slot on:
// nothing more comes for it, and viewers need not wait. Not before a generation: its slots begin up to a slot later, and a list
// that stands still for so long is taken for dead.
func (tl *Timeline) left(now int64, t *track, n uint64) bool {
	if !tl.redundant || t.kind == Sparse || tl.genOf(n) != tl.gen() {
		return false
	}
	source, several := tl.sourceOf(t, n)
	if newest, _ := tl.newestSource(t); newest == source {
		return false
	}
	if t.cur.open && t.cur.n > n {
		return true
	}
	if in := tl.server(now, t, source); in != nil && tl.well(now, in) {
		return false
	}
	return !several || !slices.ContainsFunc(tl.inputs, func(in *input) bool { // a copy may fill it
		return in.t == t && in.alike() && tl.well(now, in)
	})
}

// whole tells whether all of the track's next segment is there, and where it ends.
func (tl *Timeline) whole(t *track, g *Generation, grid *Grid) (end int64, ok bool) {
	if t.kind == Sparse {
		end = tl.slotEnd(t, g, grid, t.next)
		return end, t.reach >= end-grid.slack()
	}
	s := &t.slots[t.next%slotRing]
	return s.end, s.n == t.next && s.done
}

// spareOf is how much later than the lag a slot's last chunk may come. Text gets what sound and picture get at least.
func (tl *Timeline) spareOf(t *track) int64 {
	spare := t.spare
	if t.kind != Sparse {
		return spare
	}
	for _, o := range tl.tracks {
		if o.kind != Sparse && o.cur.grid != nil {
			spare = max(spare, o.spare)
		}
	}
	return spare
}

func (tl *Timeline) masterOpened(g *Generation, n uint64) bool {
	for _, t := range tl.tracks {
		if t.name == g.Master && t.slots != nil {
			return t.has && t.opened >= n || t.next > n
		}
	}
	return true
}

// allReached tells whether every live track of the generation has opened its slot n, or listed it.
func (tl *Timeline) allReached(g *Generation, n uint64) bool {
	for _, t := range tl.tracks {
		if t.slots == nil || t.kind == Sparse || g.grid(t.name) == nil || t.next > n || t.has && t.opened >= n {
			continue
		}
		if tl.live(t, g) {
			return false
		}
	}
	return true
}

// live tells whether the track has an open input that has delivered something lately.
func (tl *Timeline) live(t *track, g *Generation) bool {
	for _, in := range tl.inputs {
		if in.t == t && in.open && t.arrived != 0 {
			return true
		}
	}
	return false
}

// listOne lists the track's next entry: media where it is whole, else GAP; in a sparse track what there is, and blanks.
func (tl *Timeline) listOne(t *track, g *Generation, grid *Grid) {
	n := t.next
	k := g.slot(n)
	ev := Event{Kind: Listed, Track: t.name, N: n, Slot: k, Ordinal: g.Ordinal}
	ev.Source, _ = tl.sourceOf(t, n)
	if t.kind == Sparse {
		ev.Start, ev.End = tl.fill(t, g, grid, n)
	} else if s := &t.slots[n%slotRing]; s.n == n && s.done && tl.follows(t, g, grid, n, s.start) {
		ev.Start, ev.End = s.start, s.end
		for t.parts.len() > 0 && t.parts.first().n == n {
			tl.listPart(t, g)
		}
	} else {
		ev.Gap = true
		ev.Start, ev.End = g.edge(grid, k), tl.slotEnd(t, g, grid, n)
		if t.listed {
			ev.Start = max(ev.Start, t.lastEnd)
			ev.End = max(ev.End, ev.Start)
		}
	}
	t.lastEnd, t.listed = ev.End, true
	t.next++
	tl.emit(ev)
}

// follows tells whether what starts at start may be listed next, in segment n.
func (tl *Timeline) follows(t *track, g *Generation, grid *Grid, n uint64, start int64) bool {
	return !t.listed || start >= t.lastEnd-tl.overlapMost(t, g, grid, n)
}

// overlapMost is how far an entry may begin before the one listed last ends: a frame where a generation opens, else not at
// all. A record of the store that says otherwise costs the media that it puts there: lists do not go back.
func (tl *Timeline) overlapMost(t *track, g *Generation, grid *Grid, n uint64) int64 {
	if n != g.N0 || n == 0 {
		return 0
	}
	if before := tl.genOf(n - 1).grid(t.name); before != nil {
		return max(before.Cadence, grid.Cadence)
	}
	return 0
}

// slotEnd is where slot n ends for a track: at its next edge, or where the next generation begins.
func (tl *Timeline) slotEnd(t *track, g *Generation, grid *Grid, n uint64) int64 {
	end := g.edge(grid, g.slot(n)+1)
	if next := tl.genOf(n + 1); next != g && next.N0 == n+1 {
		if grid := next.grid(t.name); grid != nil {
			end = min(end, next.edge(grid, next.K0))
		}
	}
	return end
}

// startList sets the first number to list after a restart: the first slot that every track which delivers has whole. A
// node's own downtime is no GAP.
//
// Rule: docs/time.md, section 4.
func (tl *Timeline) startList(now int64) {
	g := tl.gen()
	first, since, missing := uint64(0), int64(0), false
	for _, t := range tl.tracks {
		if g.grid(t.name) == nil || t.slots == nil || t.kind == Sparse {
			continue
		}
		if !t.has {
			missing = true
			continue
		}
		first = max(first, t.began)
		if since == 0 || t.beganAt < since {
			since = t.beganAt
		}
	}
	if since == 0 {
		return
	}
	if at := add(since, g.dNanos()+grace); missing && now < at {
		tl.wake(at)
		return
	}
	for _, t := range tl.tracks {
		t.next = max(first, g.N0)
	}
	tl.listing = true
}
