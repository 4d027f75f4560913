package timeline

// maxGenerations is how many records are kept in mind: far more than a window can hold.
const maxGenerations = 16

// know appends a generation to those in mind and lays its base.
func (tl *Timeline) know(g *Generation) {
	tl.gens = append(tl.gens, g)
	if len(tl.gens) > maxGenerations {
		tl.gens = append(tl.gens[:0], tl.gens[1:]...)
	}
	tl.bases = append(tl.bases[:0], anchorBase(g))
	copy(tl.opening[:], tl.opening[1:])
	tl.opening[len(tl.opening)-1] = max(g.startNanos(g.K0), 1)
	for i := range g.Tracks {
		t := tl.trackOf(g.Tracks[i].Name, g.Tracks[i].Kind)
		if t == nil || t.slots != nil {
			continue
		}
		t.slots = make([]slot, slotRing)
		t.next = g.N0
		tl.enter(t, g.N0)
		t.cur.why = BeforeStart
	}
	for _, t := range tl.tracks {
		if t.slots != nil {
			tl.look(t)
		}
	}
}

// nextOrdinal is the next generation's.
func (tl *Timeline) nextOrdinal() int {
	if len(tl.gens) == 0 {
		return 0
	}
	return tl.gen().Ordinal + 1
}

// adopt puts a generation that the store holds in force.
func (tl *Timeline) adopt(now int64, g *Generation) {
	old, lone := tl.gen(), []*timebase(nil)
	var before *timebase
	if old != nil {
		before = tl.session()
		for _, b := range tl.bases {
			if b.track != "" {
				lone = append(lone, b)
			}
		}
	}
	tl.tellSources(now, g)
	tl.know(g)
	tl.emit(Event{Kind: Opened, Generation: g, N: g.N0, Slot: g.K0, Ordinal: g.Ordinal})
	b := tl.bases[0]
	for _, l := range lone {
		l.ordinal = g.Ordinal
		tl.lay(l)
	}
	goesOn := before != nil && before.same(&b.Base)
	if goesOn {
		b.hash = before.hash
	}
	same := old != nil && goesOn && g.sameSlots(old)
	for _, t := range tl.tracks {
		t.warm = true
		tl.carry(t, g, b, before, goesOn, same)
	}
	if old == nil {
		tl.listing = true
	}
	mine := tl.relearn.on || old == nil
	tl.smooth, tl.learner = same, learner{}
	tl.relearn, tl.amend = relearn{}, amend{}
	for _, in := range tl.inputs {
		if in.t.kind == Sparse {
			continue // each of its chunks finds its base
		}
		grid := g.grid(in.t.name)
		switch {
		case grid == nil:
			in.base = nil
		case in.base != nil && (in.base == before && goesOn || in.base.track != ""):
			if in.base.track == "" {
				in.base = b
			}
			tl.accept(in, in.base, nil)
		case mine:
			in.base = nil
		} // else it goes on under the old base in the old slots
		if grid != nil && mine && len(in.q) > 0 && in.base == nil {
			tl.welcome(now, in, grid, b)
		}
	}
	tl.expectTexts(now)
	tl.follow(now)
}

// welcome gives an input that waited while the cadence was learnt the base that came out of it, if it is the one that
// its own arrival speaks for.
func (tl *Timeline) welcome(now int64, in *input, grid *Grid, b *timebase) {
	k := sketchOf(in)
	k.pace = pace{timescale: int64(grid.Timescale), cadence: grid.Cadence}
	k.base = &b.Base
	k.measure()
	if off := sub(k.late, tl.expected(b, in.t)); abs(off) > tl.window(b) {
		return
	}
	tl.accept(in, b, nil)
	in.t.late.set(now, k.late)
	in.t.spare = k.spare(b, grid)
	in.t.usual.set(now, k.late)
}

// carry takes a track over into a new generation. Where slots and base stay, it goes on in its old slot; audio does so
// where at least the base stays. Otherwise it waits for the new generation's first slot.
func (tl *Timeline) carry(t *track, g *Generation, b, before *timebase, goesOn, same bool) {
	if t.slots == nil {
		return
	}
	if t.base == before && goesOn {
		t.base = b
	}
	if t.prior.base == before && goesOn {
		t.prior.base = b
	} else if t.prior.base != nil && t.prior.base.track == "" {
		t.prior.base = nil
	}
	grid := g.grid(t.name)
	if grid == nil {
		return
	}
	clash := !same && t.has && t.opened >= g.N0
	if t.cur.grid != nil && !clash && (!tl.relearn.on || t.cur.grid.Config == grid.Config && (same || goesOn && t.kind != Video)) {
		return
	}
	if clash {
		for n := max(g.N0, t.opened-min(t.opened, slotRing)); n <= t.opened; n++ { // opened under the old slots: not the same bytes
			t.slots[n%slotRing] = slot{}
		}
		t.parts.cut(g.N0)
	}
	if t.cur.g == g {
		return // new in the set
	}
	tl.moveTo(t, g)
}

// moveTo makes the track wait for a generation's first slot that it has not opened.
func (tl *Timeline) moveTo(t *track, g *Generation) {
	n := g.N0
	if t.has {
		n = max(n, t.opened+1)
	}
	t.next = max(t.next, t.firstOf(g))
	tl.enter(t, n)
	t.cur.why = BeforeStart
}

// firstOf is where a track's list goes on in a generation, where it was not in the set before.
func (t *track) firstOf(g *Generation) uint64 {
	if t.cur.grid == nil {
		return g.N0
	}
	return t.next
}

// sameSlots tells whether a generation goes on with the slots of the one before, so that its numbers do, too.
func (g *Generation) sameSlots(old *Generation) bool {
	return g.Master == old.Master && g.MasterTimescale == old.MasterTimescale && g.D == old.D && g.Phase == old.Phase &&
		g.Regular == old.Regular && g.Cut == old.Cut && g.number(g.K0) == old.number(g.K0)
}

// succeed gives a generation its place after the one before: at the first of its slots, from K0 on, that starts at or
// after everything that has been opened or listed, here or by a node that gets to know the record a little later; under
// the next number.
//
// Rule: docs/time.md, section 5.
func (tl *Timeline) succeed(now int64, g, old *Generation) {
	g.Ordinal, g.DiscontinuitySequence = old.Ordinal+1, old.DiscontinuitySequence+1
	m, om := int64(g.MasterTimescale), int64(old.MasterTimescale)
	top, any := old.N0, false
	for _, t := range tl.tracks {
		if t.slots == nil {
			continue
		}
		if t.has {
			top, any = max(top, t.opened), true
		}
		if tl.listing && old.grid(t.name) != nil && t.next > 0 {
			top, any = max(top, t.next-1), true
		}
	}
	// What is GAP by now, or a little later, on a node that lists: its deadlines pass without this one.
	passed := old.slotAt(scale(sub(add(now, second), tl.lag), om, second)) - 1
	if old.irregular() {
		passed--
	}
	if passed >= old.K0 {
		top = max(top, old.number(passed))
	}
	if !any { // what other nodes have opened, and this one before it was restarted, is not known: nothing after now
		k := max(old.firstSlotFrom(scaleUp(g.slotStart(g.K0), om, m)), old.slotAt(scale(sub(now, min(g.Late, 0)), om, second))+1, old.K0)
		g.K0 = max(g.K0, g.firstSlotFrom(scaleUp(old.slotStart(k), m, om)))
		g.N0 = old.number(k)
		return
	}
	from := tl.relearn.from
	if !tl.relearn.on {
		from = tl.used()
	}
	if n := old.slotAt(scale(add(from, old.half()), om, second)); n >= old.K0 { // another node may be ahead
		top = max(top, old.number(n))
	}
	k := old.slot(top) + 1
	g.K0 = max(g.K0, g.firstSlotFrom(scaleUp(old.slotStart(k), m, om)))
	if at := old.slotAt(scale(g.slotStart(g.K0), om, m)); at > k {
		k = at
	}
	g.N0 = old.number(k)
}

// flapping tells whether three generations were opened within a minute of channel time.
func (tl *Timeline) flapping(now int64) bool {
	return tl.opening[0] != 0 && sub(now, tl.lag)-tl.opening[0] < flapTime
}

const flapTime = 60 * second
