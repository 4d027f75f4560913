package timeline

import "slices"

// amend is the state of a channel whose set of tracks is to change: a track came late, or its decoder configuration
// changed. Slots, and the tracks that it does not concern, go on meanwhile.
type amend struct {
	on    bool
	since int64
}

// moveOn takes a track to the newest generation where its input's configuration belongs there.
func (tl *Timeline) moveOn(in *input) bool {
	g, t := tl.gen(), in.t
	grid := g.grid(t.name)
	if grid == nil || grid.Config != in.info.Config {
		return false
	}
	if t.cur.g != g {
		tl.moveTo(t, g)
	}
	return true
}

// change is asked where an input's track or configuration is not in the newest generation. The chunk waits for the next
// one.
//
// Rule: docs/time.md, section 5.
func (tl *Timeline) change(now int64, in *input, h *held) bool {
	if !in.open && len(in.q) == 0 || tl.superseded(in) || now-h.arrival > add(tl.waitMost(), maxLearn) {
		tl.dropAll(in.t, h, OffSet)
		return true
	}
	if in.t.slots == nil && tl.setSize() >= maxTracks {
		tl.dropAll(in.t, h, OffSet)
		return true
	}
	if in.base == nil && in.t.kind != Sparse {
		if b := tl.explain(in, h); b != nil {
			tl.accept(in, b, h)
		} else if master := tl.gen().Master; master == in.t.name || master == "" {
			tl.startRelearn(now, true)
			return false
		} else {
			if tl.seek(now, in, tl.run(in, h)) == drop {
				tl.dropAll(in.t, h, OffTime)
				return true
			}
			return in.base != nil
		}
	}
	if !tl.amend.on {
		tl.amend = amend{on: true, since: now}
	}
	tl.wakeAt(in, add(now, second/4))
	return false
}

func (tl *Timeline) setSize() int {
	n := 0
	for _, t := range tl.tracks {
		if t.slots != nil {
			n++
		}
	}
	return n
}

// superseded tells whether a newer input of the track is there.
func (tl *Timeline) superseded(in *input) bool {
	for i := len(tl.inputs) - 1; i >= 0; i-- {
		if o := tl.inputs[i]; o.t == in.t && o.info.Source == in.info.Source {
			return o != in
		}
	}
	return false
}

// explain finds the base that a changed input's clock is on: the one that its track's last input goes on with, else the
// one that explains the arrival and, for video, the phase.
func (tl *Timeline) explain(in *input, h *held) *timebase {
	run := tl.run(in, h)
	newest := run[len(run)-1]
	if p := tl.priorOf(in); p.base != nil && in.lost == 0 {
		d := scale(h.time-p.next, second, int64(p.scale))
		if off := abs(tl.off(p.base, in, newest)); abs(d) <= tl.gen().PartTarget && off <= catchUp || d > 0 && off <= tl.window(p.base) {
			return p.base
		}
	}
	for i := len(tl.bases) - 1; i >= 0; i-- {
		b := tl.bases[i]
		slack := tl.window(b) + 2*second
		if !tl.sharesClock(in, b) {
			slack = clockSlack
		}
		if (b.track == "" || b.track == in.t.name) && abs(tl.off(b, in, newest)) <= slack {
			return b
		}
	}
	return nil
}

// amended asks for the generation of the changed set as soon as it is known.
func (tl *Timeline) amended(now int64) {
	if tl.ask.pending() || now < tl.ask.retry {
		return
	}
	old := tl.gen()
	var changed []*sketch
	for _, k := range tl.sketches() {
		if grid := old.grid(k.t.name); grid == nil || grid.Config != k.in.info.Config {
			changed = append(changed, k)
		}
	}
	texts := len(tl.texts(old)) > 0
	if len(changed) == 0 && !texts {
		tl.amend = amend{}
		return
	}
	until := tl.amend.since + old.dNanos() + grace
	waiting := now < until
	if waiting && len(changed) == 0 { // the languages of an encoder come one after the other
		tl.wakeBy(until)
		return
	}
	if waiting && !tl.unaffected(now, changed) || tl.flapping(now) {
		tl.wakeBy(add(now, second/4))
		return
	}
	g := clone(old)
	b := *tl.session()
	g.Base, g.Epoch, g.Late = &b.Base, b.epoch, b.late
	var added []*sketch
	for _, k := range changed {
		k.pace = paceOf(&k.in.info, k.times, tl.published(k.t.name))
		if waiting && (k.in.base == nil || k.pace.doubt || k.t.kind == Video && len(k.syncs) == 0) {
			return // it may make it
		}
		if k.in.base == nil {
			continue
		}
		k.base = &k.in.base.Base
		k.lay(g)
		if k.in.base.track == "" {
			k.grid.Late = sub(k.late, b.late)
		}
		if k.t.name == old.Master && !k.keeps(g, old) {
			tl.startRelearn(now, false)
			return
		}
		if k.t.kind == Video && g.Regular && !k.inPhase(g) {
			if len(k.syncs) > 0 {
				tl.tell(k.t, now, OffPhase, "sync samples miss the slots: the track is not used until they fit")
			}
			continue
		}
		g.insert(k.grid)
		added = append(added, k)
	}
	if tl.addTexts(g)+len(added) == 0 {
		return
	}
	tl.nameSources(g)
	g.K0 = old.K0
	g.reach(added)
	tl.succeed(now, g, old)
	if !g.valid() {
		return
	}
	tl.put(now, g, nil)
}

// keeps tells whether the master's changed input keeps cadence and phase.
func (k *sketch) keeps(g, old *Generation) bool {
	before := old.grid(k.t.name)
	return before != nil && before.Cadence == k.grid.Cadence && before.Timescale == k.grid.Timescale &&
		(!old.Regular || len(k.syncs) == 0 || k.inPhase(g))
}

// inPhase tells whether a sync sample opens a slot.
func (k *sketch) inPhase(g *Generation) bool {
	m := k.base.mapping(&k.grid, k.in.info.Timescale)
	for _, i := range k.syncs {
		s := m.At(k.times[i])
		if s == g.edge(&k.grid, g.slotOf(&k.grid, s)) {
			return true
		}
	}
	return false
}

// unaffected tells whether every other track of the set that lately delivered goes on as before where the changed ones
// begin, so that no further change is to be expected.
func (tl *Timeline) unaffected(now int64, changed []*sketch) bool {
	from := int64(0)
	for _, k := range changed {
		if k.in.base == nil {
			return false
		}
		from = max(from, k.in.base.nanos(k.times[0], k.in.info.Timescale))
	}
	for _, t := range tl.tracks {
		if t.slots == nil || t.kind == Sparse || t.cur.grid == nil || tl.gone(now, t) || slices.ContainsFunc(changed, func(k *sketch) bool { return k.t == t }) {
			continue
		}
		if scale(t.cur.pos, second, int64(t.cur.grid.Timescale)) < from+second/4 {
			return false
		}
	}
	return true
}
