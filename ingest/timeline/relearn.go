package timeline

import "slices"

// relearn is the state of a channel whose time or cadence is being learnt again. All media waits.
type relearn struct {
	on    bool
	fresh bool // the time base, too
	since int64
	from  int64 // channel time that media had reached, ns
	upto  int64 // and that of the master
	due   int64
	tried int64

	source string // that the generation is for; "": the ones that are served
}

// startRelearn makes media wait until a new generation is written: the cadence breaks the slots, or (fresh) no base
// explains the encoder's clock.
func (tl *Timeline) startRelearn(now int64, fresh bool) {
	r := &tl.relearn
	if !r.on {
		*r = relearn{on: true, since: now, from: tl.used(), upto: tl.reached()}
	}
	r.fresh = r.fresh || fresh
	tl.amend = amend{}
}

// reached is the channel time up to which the master's media is placed, ns; 0 where there is no master.
func (tl *Timeline) reached() int64 {
	for _, t := range tl.tracks {
		if t.name == tl.gen().Master && t.cur.has && t.cur.grid != nil {
			return scale(t.cur.pos, second, int64(t.cur.grid.Timescale))
		}
	}
	return 0
}

// overdue tells whether a chunk continues what its track had before the master's cadence or clock broke, and ends before
// that: had it come in time, it would have been placed. Which track came first does not decide what is lost.
func (tl *Timeline) overdue(in *input, h *held) bool {
	c := &in.t.cur
	return c.grid != nil && c.g == tl.gen() && c.grid.Config == in.info.Config &&
		in.base != nil && in.base.ordinal == c.g.Ordinal && in.cont && abs(h.time-in.next) <= in.near &&
		scale(in.m.At(h.end), second, int64(c.grid.Timescale)) <= tl.relearn.upto
}

// learnAgain looks whether what waits is enough for a new generation.
func (tl *Timeline) learnAgain(now int64) {
	r := &tl.relearn
	r.due = 0
	tl.bound(now, 2*maxLearn)
	if tl.ask.pending() || now < tl.ask.retry || tl.tooSoon(now, &r.tried, &r.due) {
		return
	}
	sketches := tl.sketches()
	if !r.fresh && tl.backInPhase(now, sketches) {
		return
	}
	if len(sketches) == 0 {
		if now-r.since > maxLearn { // whoever broke the cadence is gone
			tl.relearn = relearn{}
		}
		return
	}
	old := tl.gen()
	if at := tl.returned(now, sketches, old); at > now {
		r.due = at
		return
	}
	var shared *timebase
	if r.fresh {
		sketches = tl.oneClock(sketches)
	} else {
		shared = tl.session()
		sketches = slices.DeleteFunc(sketches, func(k *sketch) bool { return k.in.base != shared })
		if len(sketches) == 0 {
			r.fresh = true
			return
		}
	}
	g, at := tl.compose(now, sketches, old, shared, add(r.since, maxLearn))
	if g == nil {
		r.due = at
		return
	}
	tl.keepAbsent(now, g, old)
	tl.nameSources(g)
	if !g.valid() {
		return
	}
	tl.put(now, g, nil)
}

// returned is when the set is taken as complete: when all tracks of the old one that lately delivered have media
// waiting, or after a slot and a grace time.
func (tl *Timeline) returned(now int64, sketches []*sketch, old *Generation) int64 {
	for _, t := range tl.tracks {
		if old.grid(t.name) == nil || t.kind == Sparse || tl.gone(now, t) {
			continue
		}
		if !slices.ContainsFunc(sketches, func(k *sketch) bool { return k.t == t }) {
			return add(tl.relearn.since, old.dNanos()+grace)
		}
	}
	return now
}

// keepAbsent adds the tracks of the old set that delivered within the last minute, or are declared, and have no media
// waiting.
func (tl *Timeline) keepAbsent(now int64, g, old *Generation) {
	for i := range old.Tracks {
		grid := old.Tracks[i]
		t := tl.trackOf(grid.Name, grid.Kind)
		if g.grid(grid.Name) != nil || t == nil || len(g.Tracks) >= maxTracks {
			continue
		}
		if !tl.gone(now, t) || slices.Contains(tl.cfg.Tracks, grid.Name) {
			g.insert(grid)
		}
	}
}

// insert adds a track to the set, or replaces it.
func (g *Generation) insert(grid Grid) {
	for i := range g.Tracks {
		switch {
		case g.Tracks[i].Name == grid.Name:
			g.Tracks[i] = grid
			return
		case g.Tracks[i].Name > grid.Name:
			g.Tracks = slices.Insert(g.Tracks, i, grid)
			return
		}
	}
	g.Tracks = append(g.Tracks, grid)
}

// backInPhase ends the wait where the master's next sync sample opens a slot after all: one GOP was odd, and its slot is
// GAP. Two odd GOPs within a minute are a new cadence.
func (tl *Timeline) backInPhase(now int64, sketches []*sketch) bool {
	g := tl.gen()
	if tl.odd != 0 && now-tl.odd < 60*second {
		return false
	}
	for _, k := range sketches {
		if k.t.name != g.Master || k.in.base == nil || k.t.cur.g != g || k.t.cur.grid == nil {
			continue
		}
		for _, i := range k.syncs {
			s := k.in.m.At(k.times[i])
			n := tl.numberAt(k.t, s)
			if late := s - g.edge(k.t.cur.grid, g.slot(n)); n <= k.t.cur.n || late > k.t.slack() {
				continue
			}
			tl.relearn = relearn{}
			tl.odd = now
			tl.enter(k.t, n)
			k.t.cur.why = OffPhase
			tl.pumpAll(now)
			return true
		}
		return false
	}
	return false
}
