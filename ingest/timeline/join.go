package timeline

const (
	holdJoins = 60 * second // no more than len(Timeline.joining) joins in that time
	lipSync   = second / 10 // how far a lone video track may be moved to fit its siblings
)

// remember takes a join's record into what inputs are tried under.
func (tl *Timeline) remember(j *Join) {
	tl.seq = max(tl.seq, j.Seq)
	g := tl.gen()
	if g == nil || j.Ordinal != g.Ordinal {
		return
	}
	b := joinBase(g, j)
	if !b.valid() {
		return
	}
	if old := tl.sameBase(b); old != nil {
		old.late, old.seq = b.late, b.seq
		return
	}
	tl.lay(b)
}

// sameBase is the base in mind that lays time where b does, for the same tracks.
func (tl *Timeline) sameBase(b *timebase) *timebase {
	for _, old := range tl.bases {
		if old.track == b.track && old.same(&b.Base) {
			return old
		}
	}
	return nil
}

// seek finds a new time base for an input whose clock no base explains: its session's lead is laid on the channel, by a
// record, and the others follow. While a sibling goes on as before the track is alone, and is not moved.
//
// Rule: docs/time.md, section 5.
func (tl *Timeline) seek(now int64, in *input, run []*held) verdict {
	if in.lost == 0 {
		in.lost = run[0].arrival
	}
	if tl.rival(now, in) {
		tl.tell(in.t, now, OffTime, "a second input of the track has another clock: it is not used")
		return drop
	}
	if now-run[0].arrival > tl.waitMost() {
		return drop
	}
	if tl.ask.pending() {
		return wait
	}
	switch tl.siblings(now, in) {
	case no: // all are gone or lost, too
		if lead := tl.lead(now); lead != in {
			tl.wakeAt(in, add(now, second/4))
			return wait
		}
		return tl.propose(now, in, run, "")
	case yes:
		return tl.propose(now, in, run, in.t.name)
	case maybe:
	}
	tl.wakeAt(in, add(now, second/4))
	return wait
}

// waitMost is how long media waits for a time base.
func (tl *Timeline) waitMost() int64 {
	return add(2*tl.gen().dNanos(), 2*tl.gen().gopNanos()) + 10*second
}

// rival tells whether another input of the same track delivers.
func (tl *Timeline) rival(now int64, in *input) bool {
	for _, o := range tl.inputs {
		if o != in && o.t == in.t && o.info.Source == in.info.Source && o.open && o.base != nil && o.lost == 0 && o.cont && now-o.last < tl.gen().dNanos()+2*second {
			return true
		}
	}
	return false
}

// siblings tells whether other tracks of the set go on as before while an input is lost.
func (tl *Timeline) siblings(now int64, in *input) belief {
	d := tl.gen().dNanos()
	answer := no
	for _, o := range tl.inputs {
		if o.t == in.t || !o.open || o.base == nil || o.lost != 0 || !o.cont || now-o.last >= d+2*second {
			continue
		}
		if tl.gen().grid(o.t.name) == nil {
			continue
		}
		if o.last >= in.lost+d+second {
			return yes
		}
		answer = maybe
	}
	return answer
}

// lead is the lost input that is laid first: the master's, else another video's, else an audio's. A better one than is
// there is waited for.
func (tl *Timeline) lead(now int64) *input {
	var best *input
	rank := 0
	for _, in := range tl.inputs {
		if in.lost == 0 {
			continue
		}
		r := 1
		if in.t.kind == Video {
			r = 2
		}
		if in.t.name == tl.gen().Master || tl.gen().Master == "" {
			r = 3
		}
		if r > rank || r == rank && in.t.name < best.t.name {
			best, rank = in, r
		}
	}
	if rank < 3 && best != nil && now < best.lost+tl.gen().dNanos()+2*second {
		return nil
	}
	return best
}

// propose asks for the record of a join: the first sync sample of the run is laid on the first point of the slots' phase
// at or after its estimated time, and after everything that the channel has used unless that is too far ahead. A lone track
// is laid where it arrives.
func (tl *Timeline) propose(now int64, in *input, run []*held, lone string) verdict {
	g := tl.gen()
	grid := g.grid(in.t.name)
	x, ok := run[0].x, true
	var hash uint64
	if in.t.kind == Video {
		ok = false
		for _, h := range run {
			if x, ok = h.firstSync(); ok {
				hash = h.hash
				break
			}
		}
	}
	if grid == nil { // a track that comes late
		grid = &Grid{Name: in.t.name, Kind: in.t.kind}
	}
	if !ok {
		tl.wakeAt(in, add(now, second/4))
		return wait
	}
	if tl.joining[0] != 0 && now-tl.joining[0] < holdJoins {
		tl.tell(in.t, now, OffTime, "the encoder's clock jumps again and again: the input is held back for a minute")
		return drop
	}
	s, m := int64(in.info.Timescale), int64(g.MasterTimescale)
	early := sub(run[0].arrival, scale(run[0].end, second, s))
	for _, h := range run {
		early = min(early, sub(h.arrival, scale(h.end, second, s)))
	}
	behind := g.behind(in.t.name)
	usual := min(max(add(g.Late, behind), 0), catchUp)
	nanos := scale(x, second, s)
	at := sub(add(early, nanos), usual)
	if !tl.placed() { // what another process placed is not known: it was never ahead of the newest base
		at = max(at, sub(add(early, nanos), min(max(tl.session().late, -g.leadMost()-g.gopNanos()), usual)))
	}
	y := scaleUp(at, m, second)
	switch {
	case lone != "" && in.t.kind == Video:
		if g.Regular {
			z := nearTo(y, g.GOP, g.Phase)
			if scale(abs(z-y), second, m) > lipSync && in.t.name == g.Master && !tl.otherVideo(now, in) {
				tl.tell(in.t, now, OffPhase, "the video came back on a clock of its own, and its sync samples miss the slots: they are laid anew")
				tl.startRelearn(now, true)
				return wait
			}
			if scale(abs(z-y), second, m) > lipSync {
				tl.tell(in.t, now, OffPhase, "the track came back alone and its sync samples miss its siblings' slots: it is GAP until they fit")
				return drop
			}
			y = z
		}
	case lone == "":
		step, phase := int64(1), int64(0)
		if in.t.kind == Video && g.Regular {
			step, phase = g.GOP, g.Phase
		} else if in.t.name == g.Master && grid.Cadence != 0 {
			step, phase = grid.Cadence, grid.Phase
		}
		y = ceilTo(y, step, phase)
		// Behind all that was used nothing is lost. But each restart adds to how far the channel is ahead, so past a bound
		// what comes before that is given up.
		if behind := ceilTo(max(y, scaleUp(tl.used(), m, second)), step, phase); scale(behind-y, second, m) <= g.leadMost() {
			y = behind
		}
	}
	late := sub(add(early, nanos), scale(y, second, m))
	late = min(max(sub(late, behind), -1<<60), 1<<60)
	j := &Join{
		Seq: tl.seq + 1, Ordinal: g.Ordinal, Track: lone, Hash: hash, Time: x, Scale: in.info.Timescale, At: y, Late: late, Laid: late,
	}
	if !j.valid() {
		return drop
	}
	if !tl.put(now, nil, j) {
		tl.wakeAt(in, max(tl.ask.retry, add(now, second/4)))
	}
	return wait
}

// otherVideo tells whether another track's video is there, which goes by the slots.
func (tl *Timeline) otherVideo(now int64, in *input) bool {
	for _, t := range tl.tracks {
		if t != in.t && t.kind == Video && t.cur.grid != nil && t.arrived != 0 && now-t.arrived < silent {
			return true
		}
	}
	return false
}

// leadMost is how far beyond its place a session may be laid so that none of it is lost: the error that section 1 of the
// rules tolerates.
func (g *Generation) leadMost() int64 { return max(g.dNanos(), 4*second) }

// placed tells whether this timeline has placed anything.
func (tl *Timeline) placed() bool {
	for _, t := range tl.tracks {
		if t.has {
			return true
		}
	}
	return false
}

// used is the channel time up to which a track has media or an entry, ns.
func (tl *Timeline) used() int64 {
	top := int64(0)
	for _, t := range tl.tracks {
		if t.cur.grid == nil {
			continue
		}
		p := int64(t.cur.grid.Timescale)
		if t.has {
			top = max(top, scaleUp(t.cur.pos, second, p))
		}
		if t.listed {
			top = max(top, scaleUp(t.lastEnd, second, p))
		}
	}
	return top
}

// joined takes the join that the store holds under the number that was asked for: the own one, or another node's. Inputs
// that it does not explain ask again under the next number.
func (tl *Timeline) joined(now int64, j, mine *Join) {
	if j.Ordinal == tl.gen().Ordinal && tl.sameBase(joinBase(tl.gen(), j)) == nil {
		copy(tl.joining[:], tl.joining[1:])
		tl.joining[len(tl.joining)-1] = max(now, 1)
	}
	tl.remember(j)
	if j.Ordinal > tl.gen().Ordinal { // another node has opened a generation: see which
		g := clone(tl.gen())
		g.Ordinal++
		g.DiscontinuitySequence++
		tl.put(now, g, nil)
		return
	}
	if j.Hash != mine.Hash || j.Time != mine.Time || j.Scale != mine.Scale || j.Track != mine.Track || len(tl.bases) == 0 {
		return
	}
	b := tl.sameBase(joinBase(tl.gen(), j))
	for _, in := range tl.inputs {
		if in.lost == 0 || len(in.q) == 0 || b == nil || in.info.Timescale != j.Scale || b.track != "" && b.track != in.t.name {
			continue
		}
		if run := tl.run(in, in.q[0]); run[0].time <= j.Time && j.Time < run[len(run)-1].end && (in.t.kind != Video || tl.onPhase(b, in, run) == yes) {
			tl.accept(in, b, in.q[0])
		}
	}
}

// drift looks at how far a running session's clock has gone from the channel's. The record's lateness is refreshed, so
// that a restarted node believes the base; a clock that stays too far off for a minute is anchored anew.
//
// Rules: docs/time.md, sections 1 and 5.
func (tl *Timeline) drift(now int64, in *input) {
	g, b, t := tl.gen(), in.base, in.t
	if b != tl.session() || g.Master != "" && t.name != g.Master || b.ordinal != g.Ordinal {
		return
	}
	late := sub(t.usual.value, g.behind(t.name))
	limit := g.leadMost()
	if b.epoch {
		limit = epochSlack
	}
	if abs(sub(late, max(b.laid, -g.gopNanos()))) <= limit {
		in.offSince = 0
	} else if in.offSince == 0 {
		in.offSince = now
	} else if now-in.offSince >= offTime {
		tl.tell(t, now, OffTime, "the encoder's clock has gone too far from the channel's: it is anchored anew")
		tl.startRelearn(now, true)
		return
	}
	if !b.epoch && abs(sub(late, b.late)) > max(min(g.gopNanos()/4, 2*second), second/4) && now-tl.refreshed >= offTime {
		tl.refreshed = now
		tl.put(now, nil, &Join{
			Seq: tl.seq + 1, Ordinal: g.Ordinal, Hash: b.hash, Time: b.Time, Scale: uint32(b.Scale), At: b.At, AtScale: uint32(b.AtScale),
			Late: late, Laid: b.laid,
		})
	}
}

// offTime is how long a clock must be off before it is anchored anew.
const offTime = 60 * second

// epochOff tells whether an epoch time is too far off to be believed: it is refused, and after a minute of it the channel
// is anchored anew. A time that is no epoch time at all is another matter.
//
// Rule: docs/time.md, section 1.
func (tl *Timeline) epochOff(now int64, in *input, h *held) bool {
	g := tl.gen()
	if !g.Epoch || h.time/int64(in.info.Timescale) < firstEpoch {
		return false
	}
	tl.tell(in.t, now, OffTime, "the encoder's UTC is more than 30 s off: its media is not used")
	if in.offSince == 0 {
		in.offSince = now
	}
	if now-in.offSince >= offTime && (g.Master == "" || g.Master == in.t.name) {
		tl.startRelearn(now, true)
	}
	return true
}

// firstEpoch is the least time that is taken for UTC, in seconds: September 2001.
const firstEpoch = 1_000_000_000
