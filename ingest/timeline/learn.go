package timeline

import "slices"

// A learner watches a channel's first media until a generation can be written: docs/time.md, sections 2 and 4.
type learner struct {
	first int64 // arrival of the first chunk; 0: none yet
	due   int64 // when to look again without a chunk; 0: never
	tried int64 // last look
}

const (
	grace         = second      // beyond a slot: for tracks that come later than the first
	maxWaitTracks = 30 * second // for open inputs that send nothing
	maxLearn      = 60 * second // for two GOPs
	longestGOP    = 10 * second // of an irregular cadence of which nothing is declared
	maxSketch     = 16384       // samples of a track that are looked at
)

// A sketch is what is known of a track while the channel is learnt.
type sketch struct {
	t      *track
	in     *input
	base   *Base   // under which it is laid
	times  []int64 // starts of samples, encoder ticks
	holes  []int   // samples before which something is missing
	syncs  []int   // video: sync samples
	end    int64   // encoder time
	ends   []int64 // of its chunks, in ns of encoder time
	arrive []int64 // and when they came
	pace   pace
	grid   Grid
	early  int64 // least arrival - end of its chunks: the track's own anchor, ns
	late   int64 // ns under the generation's base
	frame  int64 // longest sample, ns
}

// sketchOf reads what waits in an input's queue, from its last jump of time on.
func sketchOf(in *input) *sketch {
	k := &sketch{t: in.t, in: in}
	scaleIn := int64(in.info.Timescale)
	for _, h := range in.q {
		if n := len(k.times); n > 0 && h.time != k.end {
			switch d := h.time - k.end; {
			case d > 2*scaleIn || d < -2*scaleIn:
				*k = sketch{t: in.t, in: in}
			case d > 0 && d*4 > k.end-k.times[n-1]:
				k.holes = append(k.holes, n)
			}
		}
		x, next := h.time, 0
		for i, d := range h.dur {
			sync := next < len(h.sync) && int(h.sync[next]) == i
			if sync {
				next++
			}
			if n := len(k.times); (n == 0 || x > k.times[n-1]) && n < maxSketch {
				if sync {
					k.syncs = append(k.syncs, n)
				}
				k.times = append(k.times, x)
				k.frame = max(k.frame, scale(int64(d), second, scaleIn))
			}
			x += int64(d)
		}
		if len(k.ends) == 0 || h.end > k.end {
			k.end = h.end
			k.ends = append(k.ends, scale(h.end, second, scaleIn))
			k.arrive = append(k.arrive, h.arrival)
		}
	}
	for i := range k.ends {
		if a := sub(k.arrive[i], k.ends[i]); i == 0 || a < k.early {
			k.early = a
		}
	}
	return k
}

// gops are the lengths between the master's sync samples with nothing missing between them, in encoder ticks.
func (k *sketch) gops() []int64 {
	var gops []int64
	hole := 0
	for i := 1; i < len(k.syncs); i++ {
		for hole < len(k.holes) && k.holes[hole] <= k.syncs[i-1] {
			hole++
		}
		if hole < len(k.holes) && k.holes[hole] <= k.syncs[i] {
			continue
		}
		gops = append(gops, k.times[k.syncs[i]]-k.times[k.syncs[i-1]])
	}
	return gops
}

// learn writes the first generation as soon as it can.
func (tl *Timeline) learn(now int64) {
	l := &tl.learner
	l.due = 0
	if tl.ask.pending() {
		return
	}
	tl.bound(now, 2*maxLearn)
	if now < tl.ask.retry || tl.tooSoon(now, &l.tried, &l.due) {
		return
	}
	sketches := tl.oneClock(tl.sketches())
	if len(sketches) == 0 {
		l.first = 0
		return
	}
	for _, k := range sketches {
		if at := k.arrive[0]; l.first == 0 || at < l.first {
			l.first = at
		}
	}
	if at := tl.gathered(now, sketches); at > now {
		l.due = at
		return
	}
	if g, at := tl.compose(now, sketches, nil, nil, add(l.first, maxLearn)); g != nil {
		tl.put(now, g, nil)
	} else {
		l.due = at
	}
}

// tooSoon spaces attempts out where much waits, so that their cost does not depend on the size of chunks.
func (tl *Timeline) tooSoon(now int64, tried, due *int64) bool {
	if tl.heldChunks > 256 && now >= *tried && now < *tried+second/20 {
		*due = *tried + second/20
		return true
	}
	*tried = now
	return false
}

// bound drops what has waited longer than that.
func (tl *Timeline) bound(now, longest int64) {
	for _, in := range tl.inputs {
		for len(in.q) > 0 && now-in.q[0].arrival > longest {
			tl.dropHead(in, NoRecord)
		}
	}
}

// sketches of all tracks that media waits for, in order of name, each of the source to be served. Sparse ones have nothing
// to learn from.
func (tl *Timeline) sketches() []*sketch {
	var all []*sketch
	lead := tl.leadSource()
	for _, t := range tl.tracks {
		source := lead
		if len(tl.gens) > 0 && !(tl.relearn.on && tl.relearn.source != "") && t.slots != nil {
			source, _ = tl.newestSource(t)
		}
		var newest, other *input
		for _, in := range tl.inputs {
			switch {
			case in.t != t || t.kind == Sparse || len(in.q) == 0:
			case in.info.Source == source:
				newest = in
			case t.slots == nil && (other == nil || in.before(other)):
				other = in
			}
		}
		if newest != nil {
			all = append(all, sketchOf(newest))
		} else if other != nil {
			all = append(all, sketchOf(other))
		}
	}
	return tl.together(all, lead)
}

// leadSource is the source that a generation is made for: the one of the best rank, among those that bring video where any
// does.
func (tl *Timeline) leadSource() string {
	if tl.relearn.on && tl.relearn.source != "" {
		return tl.relearn.source
	}
	var lead *input
	for _, in := range tl.inputs {
		if len(in.q) == 0 || in.t.kind == Sparse {
			continue
		}
		if lead == nil || (in.t.kind == Video) != (lead.t.kind == Video) && in.t.kind == Video || in.t.kind == lead.t.kind && in.before(lead) {
			lead = in
		}
	}
	if lead == nil {
		return DefaultSource
	}
	return lead.info.Source
}

// together leaves out the tracks of other sources that are on another clock than the lead's.
func (tl *Timeline) together(all []*sketch, lead string) []*sketch {
	at := slices.IndexFunc(all, func(k *sketch) bool { return k.in.info.Source == lead })
	if at < 0 || !tl.redundant {
		return all
	}
	early := all[at].early
	return slices.DeleteFunc(all, func(k *sketch) bool {
		return k.in.info.Source != lead && (len(tl.gens) == 0 || tl.relearn.on && tl.relearn.fresh) && abs(sub(k.early, early)) > second
	})
}

// gathered is when the set of tracks is taken as complete: when the declared tracks are there, or a slot and a grace time
// after the first chunk; longer for inputs that are open and have sent nothing yet.
func (tl *Timeline) gathered(now int64, sketches []*sketch) int64 {
	first := tl.learner.first
	at := add(first, tl.cfg.Segment+grace)
	if len(tl.cfg.Tracks) > 0 {
		missing := false
		for _, name := range tl.cfg.Tracks {
			if !slices.ContainsFunc(sketches, func(k *sketch) bool { return k.t.name == name }) && !tl.brings(name) {
				missing = true
			}
		}
		if !missing {
			return now
		}
	}
	for _, in := range tl.inputs {
		if in.open && in.info.Kind != Sparse && !slices.ContainsFunc(sketches, func(k *sketch) bool { return k.t == in.t }) {
			at = add(first, max(tl.cfg.Segment+grace, maxWaitTracks))
		}
	}
	return at
}

// brings tells whether an input is there for a sparse track.
func (tl *Timeline) brings(name string) bool {
	return slices.ContainsFunc(tl.inputs, func(in *input) bool { return in.t.kind == Sparse && in.t.name == name })
}

// compose makes a generation out of what waits, or returns nil and when to try again. old is the generation that it
// follows, nil for the first; shared is the base that goes on, nil for a new anchor.
func (tl *Timeline) compose(now int64, sketches []*sketch, old *Generation, shared *timebase, patience int64) (*Generation, int64) {
	var master *sketch
	for _, k := range sketches {
		k.pace = paceOf(&k.in.info, k.times, tl.published(k.t.name))
		if k.pace.doubt && now < patience {
			return nil, patience
		}
		if k.t.kind == Video && master == nil {
			master = k
		}
	}
	g := &Generation{TargetDuration: 1, PartTarget: tl.cfg.Part}
	if old != nil {
		g.TargetDuration, g.PartTarget, g.Burst = old.TargetDuration, old.PartTarget, old.Burst
	}
	if shared != nil {
		b := shared.Base
		g.Base, g.Epoch, g.Anchor = &b, shared.epoch, scaleUp(b.nanos(0, 1), 25, second)
	} else {
		tl.anchor(g, sketches)
	}
	if master == nil {
		tl.audioSlots(g, sketches)
	} else if !tl.videoSlots(now, g, master, old, now < patience) {
		return nil, patience
	}
	base := g.base()
	for _, k := range sketches {
		k.base = &base
		k.lay(g)
		if before := k.goesOn(old, shared); before != nil {
			k.grid = *before
			k.grid.Source = k.in.info.Source
		}
		g.Tracks = append(g.Tracks, k.grid)
		if master == nil || k == master {
			g.Late = max(g.Late, k.late)
		}
	}
	if master != nil {
		g.phase(master)
		g.Late = master.late
	}
	for i, k := range sketches {
		g.Tracks[i].Late = k.late - g.Late
	}
	if old == nil {
		g.targets(&tl.cfg, sketches)
	}
	g.reach(sketches)
	tl.addTexts(g)
	tl.nameSources(g)
	if old != nil {
		tl.succeed(now, g, old)
	}
	if !g.valid() {
		tl.note("", BadTime, "a generation cannot be opened: its times make no sense")
		for _, k := range sketches {
			for len(k.in.q) > 0 {
				tl.dropHead(k.in, BadTime)
			}
		}
		return nil, 0
	}
	return g, 0
}

// goesOn is the grid that a track keeps in a new generation: under the same base, its samples follow as before.
func (k *sketch) goesOn(old *Generation, shared *timebase) *Grid {
	if old == nil || shared == nil {
		return nil
	}
	grid := old.grid(k.t.name)
	if grid == nil || grid.Config != k.grid.Config || grid.Cadence != k.grid.Cadence || grid.Timescale != k.grid.Timescale {
		return nil
	}
	return grid
}

// published is the timescale that a track has been given for the channel's life, or 0.
func (tl *Timeline) published(name string) int64 {
	for i := len(tl.gens) - 1; i >= 0; i-- {
		if grid := tl.gens[i].grid(name); grid != nil {
			return int64(grid.Timescale)
		}
	}
	return 0
}

// Announce tells where the encoder itself says that its time 0 lies, UTC ns (MPD@availabilityStartTime). It counts when a
// generation is anchored, where arrival bears it out.
func (tl *Timeline) Announce(start int64) { tl.announced = start }

// An announced anchor is believed where media comes no earlier than that says, but for two clocks' difference, and not much
// later: an encoder's own delay. Beyond it the encoder's clock is wrong, or its MPD is of another run.
const (
	announcedEarly = second / 2
	announcedLate  = 10 * second
)

// anchor decides where encoder time 0 lies: at the epoch, where configuration or encoder say, or where arrival puts it.
func (tl *Timeline) anchor(g *Generation, sketches []*sketch) {
	own := sketches[0].early
	for _, k := range sketches {
		if abs(sub(k.early, sketches[0].early)) <= epochSlack {
			own = min(own, k.early)
		}
	}
	switch {
	case tl.cfg.Anchor != nil && abs(sub(own, scale(*tl.cfg.Anchor, second, 25))) <= epochSlack:
		g.Anchor = *tl.cfg.Anchor
	case abs(own) <= epochSlack:
		g.Epoch = true
	case tl.announced != 0 && sub(own, tl.announced) >= -announcedEarly && sub(own, tl.announced) <= announcedLate:
		g.Anchor = scaleUp(tl.announced, 25, second)
	default:
		g.Anchor = scaleUp(own, 25, second)
	}
}

// epochSlack is how far epoch times may be off the clock: docs/time.md, section 1.
const epochSlack = 30 * second

// audioSlots cuts a channel without video: slots alone, from the epoch.
func (tl *Timeline) audioSlots(g *Generation, sketches []*sketch) {
	g.MasterTimescale = uint32(sketches[0].pace.timescale)
	g.D = scaleNear(tl.cfg.Segment, sketches[0].pace.timescale, second)
	g.GOP, g.Regular = g.D, true
}

// videoSlots finds the master's GOP and the slot length. It reports false where more media is needed. The first GOP is
// enough where the configuration, or the generation before, says the same; not while generations follow too fast.
func (tl *Timeline) videoSlots(now int64, g *Generation, k *sketch, old *Generation, wait bool) bool {
	p, s := k.pace.timescale, int64(k.in.info.Timescale)
	g.Master, g.MasterTimescale = k.t.name, uint32(p)
	ticks := func(x int64) int64 { // an encoder duration on the grid
		y := scaleNear(x, p, s)
		if c := k.pace.cadence; c != 0 {
			y = max(c, nearTo(y, c, 0))
		}
		return max(y, 1)
	}
	gops := k.gops()
	longest := int64(0)
	for _, x := range gops {
		longest = max(longest, ticks(x))
	}
	unit := scaleNear(tl.cfg.GOP, p, second)
	if unit == 0 {
		unit = scaleNear(longestGOP, p, second)
	}
	hints := [2]int64{scaleNear(tl.cfg.GOP, p, second)}
	if old != nil {
		if hints[1] = scaleNear(old.GOP, p, int64(old.MasterTimescale)); !old.Regular {
			hints[1] = 0
			longest = max(longest, scaleNear(old.GOP, p, int64(old.MasterTimescale)))
		}
		if tl.flapping(now) {
			hints = [2]int64{}
		}
	}
	n := len(gops)
	near := max(k.pace.cadence/2, p/500)
	switch {
	case n >= 1 && (hints[0] > 0 && abs(ticks(gops[0])-hints[0]) <= near || hints[1] > 0 && abs(ticks(gops[0])-hints[1]) <= near):
		g.GOP, g.Regular = ticks(gops[0]), true
	case n >= 2 && ticks(gops[n-1]) == ticks(gops[n-2]):
		g.GOP, g.Regular = ticks(gops[n-1]), true
	case n < 2 && wait:
		return false
	default:
		g.GOP = max(1, floorDiv(longest+unit-1, unit)) * unit
	}
	if old != nil {
		g.fit(old, k.pace.cadence)
		return true
	}
	least := max(scaleUp(tl.cfg.Segment*9/10, p, second), scaleUp(second/2, p, second))
	g.D = max(1, -floorDiv(-least, g.GOP)) * g.GOP
	return true
}

// fit sets D for a later generation: the largest multiple of its GOP that TARGETDURATION allows. Where none does,
// segments are cut at the slots of the generation before, with or without a sync sample.
func (g *Generation) fit(old *Generation, cadence int64) {
	p := int64(g.MasterTimescale)
	most := scale(int64(g.TargetDuration)*second+second/2-longestFrame, p, second)
	if !g.Regular {
		most = (scale(int64(g.TargetDuration)*second+second/2, p, second) - 1) / 2
	}
	if g.D = most / g.GOP * g.GOP; g.D > 0 && g.D >= p/2 {
		return
	}
	g.Regular, g.Cut = false, true
	g.D = scaleNear(old.D, p, int64(old.MasterTimescale))
	if old.irregular() {
		g.D *= 2
	}
	if cadence != 0 {
		g.D = max(cadence, nearTo(g.D, cadence, 0))
	}
}

// longestFrame is what a segment of audio may be longer than its slot.
const longestFrame = second / 20

// lay computes the track's grid under the generation's base.
func (k *sketch) lay(g *Generation) {
	p, c := k.pace.timescale, k.pace.cadence
	k.grid = Grid{Name: k.t.name, Kind: k.t.kind, Timescale: uint32(p), Cadence: c, Config: k.in.info.Config, Source: k.in.info.Source}
	if c != 0 {
		k.grid.Phase = k.gridPhase(g)
		free := k.base.mapping(&Grid{Timescale: k.grid.Timescale}, k.in.info.Timescale)
		k.grid.Lattice = floorMod(sub(k.grid.Phase, free.off), c)
	}
	k.measure()
}

// measure finds how late the newest chunks came under a base.
func (k *sketch) measure() {
	newest := k.ends[len(k.ends)-1]
	k.late = sub(k.arrive[len(k.arrive)-1], k.base.nanos(k.end, k.in.info.Timescale))
	for i := len(k.ends) - 1; i >= 0 && newest-k.ends[i] < 2*second; i-- {
		k.late = max(k.late, sub(k.arrive[i], add(k.base.nanos(0, 1), k.ends[i])))
	}
}

// gridPhase is the middle of where the samples lie between two points of the cadence. Epoch times that lie on the grid
// that starts at the epoch are taken as that, so that nodes that share nothing agree.
func (k *sketch) gridPhase(g *Generation) int64 {
	c := k.pace.cadence
	free := k.base.mapping(&Grid{Timescale: k.grid.Timescale}, k.in.info.Timescale)
	first := floorMod(free.At(k.times[0]), c)
	low, high := int64(0), int64(0)
	for _, x := range k.times {
		r := floorMod(free.At(x)-first+c/2, c) - c/2
		low, high = min(low, r), max(high, r)
	}
	rounding := scaleUp(1, k.pace.timescale, int64(k.in.info.Timescale))
	if g.Epoch && low != high {
		for _, at := range [...]int64{0, c} {
			if first+low <= at+rounding && first+high >= at-rounding {
				return 0
			}
		}
	}
	return floorMod(first+floorDiv(low+high, 2), c)
}

// phase sets where slots start: at the master's first sync sample, to within whole GOPs. Irregular slots of epoch times
// start at multiples of D, whatever a node saw first.
func (g *Generation) phase(k *sketch) {
	at := k.firstAt()
	switch {
	case g.Regular:
		g.Phase = floorMod(at, g.GOP)
	case g.Cut:
		g.Phase = floorMod(at, g.D)
	case !g.Epoch:
		g.Phase = floorMod(at, g.D)
	}
}

// firstAt is the channel time of a track's first sync sample, or first sample where all are.
func (k *sketch) firstAt() int64 {
	x := k.times[0]
	if k.t.kind == Video && len(k.syncs) > 0 {
		x = k.times[k.syncs[0]]
	}
	return k.base.mapping(&k.grid, k.in.info.Timescale).At(x)
}

// reach sets the first slot: one that every track can fill.
func (g *Generation) reach(sketches []*sketch) {
	for _, k := range sketches {
		at := k.firstAt()
		if k.t.kind != Video {
			at -= g.startTicks(&k.grid) // it may begin early
		}
		first := g.slotOf(&k.grid, at)
		if g.edge(&k.grid, first) < at {
			first++
		}
		g.K0 = max(g.K0, first)
	}
	g.N0 = uint64(g.K0)
}

// spare is how far the newest chunks reach beyond the slots that they end: nothing where a chunk ends with a slot.
func (k *sketch) spare(b *timebase, grid *Grid) int64 {
	longest := int64(0)
	m := b.mapping(grid, k.in.info.Timescale)
	for i := len(k.in.q) - 1; i >= 0 && i >= len(k.in.q)-16; i-- {
		h := k.in.q[i]
		longest = max(longest, scale(h.end-h.time, second, int64(k.in.info.Timescale)))
	}
	for _, i := range k.syncs {
		for _, h := range k.in.q {
			if h.end == k.times[i] && m.cadence != 0 { // video whose chunks end where sync samples stand
				return 0
			}
		}
	}
	return min(longest, maxSpare)
}
