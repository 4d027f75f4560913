package timeline

import "slices"

// foreign tells whether the head of an input's chunk is of a source that is not served there.
func (tl *Timeline) foreign(in *input, h *held) bool {
	if !tl.redundant {
		return false
	}
	t := in.t
	if t.slots == nil { // not in the set: as its siblings
		return tl.aside(in)
	}
	source, _ := tl.sourceOf(t, tl.headOf(in, h))
	return source != in.info.Source
}

// aside tells whether a track that is not in the set comes from another source than the master's, on another clock.
func (tl *Timeline) aside(in *input) bool {
	for _, t := range tl.tracks {
		if t.name == tl.gen().Master && t.slots != nil {
			source, _ := tl.newestSource(t)
			return source != in.info.Source && in.base == nil && tl.shared(in, in.newest()) == nil
		}
	}
	return false
}

// mute tells whether text is of a source that is not served, while that has text: text goes by the pictures' source, for its
// silence says nothing.
func (tl *Timeline) mute(in *input) bool {
	if !tl.redundant {
		return false
	}
	for _, t := range tl.tracks {
		if t.name != tl.gen().Master || t.slots == nil {
			continue
		}
		source, _ := tl.newestSource(t)
		return source != in.info.Source && slices.ContainsFunc(tl.inputs, func(o *input) bool {
			return o.t == in.t && o.open && o.info.Source == source
		})
	}
	return false
}

// newest is the newest chunk that waits, or nil.
func (in *input) newest() *held {
	if len(in.q) == 0 {
		return nil
	}
	return in.q[len(in.q)-1]
}

// headOf is the number of the segment that the head of a chunk belongs to; the track's own where its clock is not known.
func (tl *Timeline) headOf(in *input, h *held) uint64 {
	t := in.t
	if in.base == nil || in.base.ordinal < tl.gen().Ordinal || t.cur.grid == nil {
		return max(t.cur.n, t.next)
	}
	return tl.numberAt(t, in.m.At(h.x))
}

// shared is the time base that explains an input's chunks, or nil: those that wait, and h where none do.
func (tl *Timeline) shared(in *input, h *held) *timebase {
	if h == nil {
		return nil
	}
	run := tl.run(in, h)
	for i := len(tl.bases) - 1; i >= 0; i-- {
		if b := tl.bases[i]; b.track == "" && tl.fits(b, in, run) == yes {
			return b
		}
	}
	return nil
}

// stand decides about a chunk of a source that is not served: it waits in a ring of a few slots, for the case that its
// source is served from its slot on. A copy that is bit-exact fills in for what is served as soon as that is late.
//
// Rule: docs/time.md, section 6.
func (tl *Timeline) stand(now int64, in *input, h *held) (settled bool) {
	t := in.t
	in.lost = 0
	if in.base == nil || in.base.ordinal < tl.gen().Ordinal || !in.cont || abs(h.time-in.next) > in.near {
		if tl.lean(in, tl.shared(in, h), h); in.base != nil && !tl.foreign(in, h) {
			return tl.step(now, in, h)
		}
	}
	if in.base != nil && t.cur.grid != nil && in.info.Config == t.cur.grid.Config {
		n := tl.headOf(in, h)
		source, several := tl.sourceOf(t, n)
		if several && in.alike() {
			served := tl.server(now, t, source)
			late := served == nil || !served.open || now >= add(h.arrival, copyWait) || t.marked(source, in.m.At(h.time))
			if late {
				return tl.use(now, in, h)
			}
			tl.wakeAt(in, add(h.arrival, copyWait))
			return false
		}
		if next, ok := tl.pending(t, n); ok {
			if s, _ := tl.sourceOf(t, next); s == in.info.Source {
				return tl.approach(now, in, h, next)
			}
		}
	}
	if !in.open || now-h.arrival > tl.ring() {
		in.next, in.cont = h.end, in.base != nil
		tl.dropAll(t, h, Standby)
		return true
	}
	return false
}

// ring is how long media stands by: a few slots, and what a generation is made of.
func (tl *Timeline) ring() int64 {
	g := tl.gen()
	return min(max(ringSlots*g.dNanos(), 3*g.gopNanos())+second, longestRing)
}

// lean gives an input that stands by its time base, or takes it away.
func (tl *Timeline) lean(in *input, b *timebase, h *held) {
	if in.base = b; b == nil {
		in.cont = false
		return
	}
	in.next, in.cont = h.time, true
	in.near = min(max((h.end-h.time)/2, int64(in.info.Timescale)/50), scale(tl.gen().PartTarget, int64(in.info.Timescale), second))
	if in.t.cur.grid != nil {
		in.m = b.mapping(in.t.cur.grid, in.info.Timescale)
	}
}

// startOf is where segment n of a track begins, by its slot.
func (tl *Timeline) startOf(t *track, n uint64) int64 {
	g := tl.genOf(n)
	if grid := g.grid(t.name); grid != nil {
		return g.edge(grid, g.slot(n))
	}
	return 1 << 62
}

// approach takes a chunk to segment next, from which on its source is served: what starts before that is never used. The
// track's cursor knows nothing of it.
func (tl *Timeline) approach(now int64, in *input, h *held, next uint64) (settled bool) {
	t := in.t
	grid := tl.genOf(next).grid(t.name)
	if grid == nil {
		return false
	}
	in.m = in.base.mapping(grid, in.info.Timescale)
	limit := tl.startOf(t, next)
	if in.m.At(h.x) < limit {
		g := *h
		until(in, &g, limit)
		tl.drop(t, h, g.from, g.x, Standby)
	}
	switch {
	case h.from == len(h.dur):
		in.next, in.cont = h.end, true
		return true
	case tl.heldUp(now, in, next):
		return false
	case t.cur.n < next:
		tl.enter(t, next)
	}
	return tl.use(now, in, h)
}

// heldUp tells whether the head of a chunk has to wait for media of another source that is served before it: while that
// still delivers, and has not come as far.
func (tl *Timeline) heldUp(now int64, in *input, n uint64) bool {
	t := in.t
	c := &t.cur
	if !tl.redundant || c.grid == nil || in.base == nil || !c.has && !t.has {
		return false
	}
	before, _ := tl.sourceOf(t, c.n)
	if c.n >= n || before == in.info.Source || c.n < t.next && tl.listing {
		return false
	}
	o := tl.server(now, t, before)
	if o == nil || !tl.well(now, o) || o.base == nil {
		return false
	}
	if k := o.newest(); k != nil && o.m.At(k.end) > tl.startOf(t, n) {
		return false
	}
	tl.wakeAt(in, add(o.heard, tl.patience(o))+1)
	return true
}

// use places a chunk as far as its source is served, or a bit-exact copy of what is, and settles the rest.
func (tl *Timeline) use(now int64, in *input, h *held) bool {
	dur, end := h.dur, h.end
	if tl.redundant && in.base != nil && in.t.cur.grid != nil {
		if next, ok := tl.pending(in.t, tl.headOf(in, h)); ok && in.m.At(end) > tl.startOf(in.t, next) {
			if s, _ := tl.sourceOf(in.t, next); s != in.info.Source && !in.alike() {
				k := *h
				until(in, &k, tl.startOf(in.t, next))
				h.dur, h.end = h.dur[:k.from], k.x
			}
		}
	}
	ok := tl.settle(now, in, h)
	if len(h.dur) == len(dur) {
		return ok
	}
	h.dur, h.end = dur, end
	if ok {
		tl.dropAll(in.t, h, Standby)
	}
	return ok
}
