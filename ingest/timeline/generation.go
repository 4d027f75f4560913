package timeline

// maxGenerations is how many records are kept in mind: far more than a window can hold.
const maxGenerations = 16

// known appends a generation to those in mind.
func (tl *Timeline) known(g *Generation) {
	tl.gens = append(tl.gens, g)
	if len(tl.gens) > maxGenerations {
		tl.gens = append(tl.gens[:0], tl.gens[1:]...)
	}
	tl.joins = nil
	for i := range g.Tracks {
		t := tl.trackOf(g.Tracks[i].Name, g.Tracks[i].Kind)
		if t == nil || t.slots != nil {
			continue
		}
		t.slots = make([]slot, slotRing)
		t.next = g.N0
		tl.enter(t, g.N0)
	}
	for _, t := range tl.tracks {
		if t.slots != nil {
			tl.refresh(t)
		}
	}
}

// adopt puts a generation that the store holds in force. mine is what was proposed.
func (tl *Timeline) adopt(now int64, g, mine *Generation) {
	tl.known(g)
	tl.emit(Event{Kind: Opened, Generation: g, N: g.N0, Slot: g.K0, Ordinal: g.Ordinal})
	if g.Ordinal == 0 {
		tl.listing = true
	}
	b := &timebase{Base: g.base(), ordinal: g.Ordinal, late: g.Late}
	for _, in := range tl.inputs {
		if grid := g.grid(in.t.name); grid != nil && len(in.q) > 0 {
			in.base = b
			in.m = b.mapping(grid, in.info.Timescale)
			k := sketchOf(in)
			k.pace = pace{timescale: int64(grid.Timescale), cadence: grid.Cadence}
			k.lay(g, &b.Base)
			in.t.late.set(now, k.late)
			in.t.usual.set(now, k.late)
		}
	}
	tl.follow(now)
}
