package timeline

// step decides about the chunk at the head of an input, and settles it. It reports false where it has to wait.
func (tl *Timeline) step(now int64, in *input, h *held) bool {
	t := in.t
	if len(tl.gens) > 0 && t.kind == Sparse {
		return tl.hear(now, in, h)
	}
	if len(tl.gens) == 0 || tl.relearn.on && !tl.overdue(in, h) {
		return false
	}
	if tl.foreign(in, h) {
		return tl.stand(now, in, h)
	}
	if (t.cur.grid == nil || t.cur.grid.Config != in.info.Config) && !tl.moveOn(in) {
		return tl.change(now, in, h)
	}
	if in.base != nil && in.base.ordinal < t.cur.g.Ordinal { // the old base ends with the old slots
		in.base, in.cont = nil, false
	}
	if in.base == nil || !in.cont || abs(h.time-in.next) > in.near {
		switch tl.judge(now, in, h) {
		case wait:
			return false
		case drop:
			in.odd = true
			tl.dropAll(t, h, OffTime)
			return true
		case stray:
			tl.place(in, h)
			if h.from < len(h.dur) {
				tl.dropAll(t, h, OffTime)
			}
			return true
		case keep:
		}
	}
	if tl.foreign(in, h) { // now that its clock is known
		return tl.stand(now, in, h)
	}
	if tl.heldUp(now, in, tl.headOf(in, h)) {
		return false
	}
	return tl.use(now, in, h)
}

// settle places a chunk whose clock is known. It reports false where the chunk has to wait after all.
func (tl *Timeline) settle(now int64, in *input, h *held) bool {
	t := in.t
	if off := sub(lateness(in.base, in, h), tl.lag); off < -maxAhead || off > tl.cfg.Window+catchUp || tl.beyond(in, h) {
		why := Late
		if off < 0 {
			why = Early
		}
		tl.taken(in, h)
		tl.dropAll(t, h, why)
		return true
	}
	if !tl.place(in, h) {
		if in.base.ordinal < t.cur.g.Ordinal {
			return tl.step(now, in, h)
		}
		tl.startRelearn(now, false)
		return false
	}
	tl.serves(in, h)
	if !in.cont || h.end > in.next {
		tl.measure(now, in, h)
	}
	tl.taken(in, h)
	return true
}

// maxAhead is how far ahead of the lag media may be.
const maxAhead = 60 * second

// beyond tells whether a chunk lies further ahead of the track's list than can be kept in mind.
func (tl *Timeline) beyond(in *input, h *held) bool {
	t := in.t
	return tl.listing && t.cur.n >= t.next+slotRing-8 && in.m.At(h.end) > t.cur.begin
}

// taken notes where an input goes on.
func (tl *Timeline) taken(in *input, h *held) {
	if !in.cont || h.end > in.next {
		in.next = h.end
	}
	in.odd = false
	in.last, in.cont, in.length = h.arrival, true, scale(h.end-h.time, second, int64(in.info.Timescale))
	in.near = min((h.end-h.time)/2, scale(tl.gen().PartTarget, int64(in.info.Timescale), second))
	in.t.arrived, in.t.warm = h.arrival, true
	in.t.prior = prior{base: in.base, next: in.next, scale: in.info.Timescale, arrival: h.arrival}
	tl.wakeCopies(in)
}

// A prior is where a track's last input stopped.
type prior struct {
	base    *timebase // nil: there was none
	next    int64
	scale   uint32
	arrival int64
}

// priorOf is what an input's next chunk is measured against.
func (tl *Timeline) priorOf(in *input) prior {
	if in.cont && in.base != nil {
		return prior{base: in.base, next: in.next, scale: in.info.Timescale, arrival: in.last}
	}
	if p := in.t.prior; p.base != nil && p.scale == in.info.Timescale && p.base.ordinal == tl.gen().Ordinal {
		return p
	}
	return prior{}
}

type verdict uint8

const (
	wait  verdict = iota // for more chunks, a record, or time
	keep                 // the input has its base: place the chunk
	stray                // the chunk is out of line, the input goes on as before: place what can be placed
	drop                 // no time base fits
)

// judge is asked where a chunk does not follow the one before it: which time base is it on? A hole that the arrival
// explains, a repetition and a burst stay on the old one. A jump is believed when the next chunk confirms it.
//
// Rules: docs/time.md, sections 1 and 5.
func (tl *Timeline) judge(now int64, in *input, h *held) verdict {
	if in.base != nil && !in.cont { // it has just been given its base
		return keep
	}
	run := tl.run(in, h)
	newest := run[len(run)-1]
	p := tl.priorOf(in)
	if p.base != nil && in.lost == 0 {
		d := scale(h.time-p.next, second, int64(p.scale))
		off, window := tl.off(p.base, in, newest), tl.window(p.base)
		near := tl.gen().PartTarget
		switch {
		case abs(d) <= near && off >= -window && off <= catchUp,
			d < 0 && -d <= window && abs(off) <= catchUp, // by the encoder's own time: all tracks and nodes see the same
			d > 0 && abs(off) <= window:
			if tl.reorder(now, in, h, d) {
				return wait
			}
			tl.accept(in, p.base, h)
			return keep
		}
		if len(in.q) > len(run) && abs(scale(in.q[len(run)].time-p.next, second, int64(p.scale))) <= near && in.base != nil {
			return stray
		}
	}
	far, unsure := true, false
	for i := len(tl.bases) - 1; i >= 0; i-- {
		b := tl.bases[i]
		switch tl.fits(b, in, run) {
		case yes:
			tl.accept(in, b, h)
			return keep
		case maybe:
			unsure = true
		case no:
			// Its siblings are on this base, and so is its arrival: its GOPs have changed, not its clock.
			if !in.cont && b == tl.session() && abs(tl.off(b, in, newest)) <= tl.window(b) && tl.siblings(now, in) != no {
				tl.accept(in, b, h)
				return keep
			}
		}
		if (b.track == "" || b.track == in.t.name) && abs(tl.off(b, in, newest)) <= catchUp {
			far = false
		}
	}
	if len(in.q) > len(run) && in.lost == 0 { // neither goes on with the other
		return drop
	}
	if tl.epochOff(now, in, newest) {
		return drop
	}
	confirmed := !unsure && (len(run) > 1 && paced(run, in) || far && !in.cont)
	if confirmed || in.lost != 0 {
		return tl.seek(now, in, run)
	}
	patience := add(h.arrival, max(4*second, 2*scale(h.end-h.time, second, int64(in.info.Timescale)), add(tl.gen().gopNanos(), 2*second)))
	if now >= patience {
		return drop
	}
	tl.wakeAt(in, patience)
	return wait
}

// run is the chunks at the head of an input that follow each other.
func (tl *Timeline) run(in *input, h *held) []*held {
	if len(in.q) == 0 {
		in.one[0] = h
		return in.one[:]
	}
	n := 1
	for n < len(in.q) && n < maxRun && abs(in.q[n].time-in.q[n-1].end) <= int64(in.info.Timescale)/5 {
		n++
	}
	return in.q[:n]
}

// maxRun bounds how many chunks of a run are looked at.
const maxRun = 512

// paced tells whether a run came at the pace of a live encoder, not in a burst.
func paced(run []*held, in *input) bool {
	first, last := run[0], run[len(run)-1]
	media := scale(last.end-first.end, second, int64(in.info.Timescale))
	return sub(last.arrival, first.arrival) >= media/2 && media > 0
}

// reorder tells whether a chunk behind a hole should wait for the one that belongs there: up to two chunks, and not long.
func (tl *Timeline) reorder(now int64, in *input, h *held, hole int64) bool {
	length := scale(h.end-h.time, second, int64(in.info.Timescale))
	if o := tl.copyBehind(now, in, h); o != nil && hole > 0 && len(in.q) < maxRun {
		if until := add(h.arrival, 2*max(length, o.length)+tl.gen().half()/2); now < until {
			tl.wakeAt(in, until)
			return true
		}
	}
	if !in.cont || len(in.q) > 2 || hole < min(length, in.length)/2 || hole > 2*max(length, in.length) {
		return false
	}
	until := add(h.arrival, max(tl.gen().half()/2, second/10))
	if now >= until {
		return false
	}
	tl.wakeAt(in, until)
	return true
}

// copyBehind is another input that brings the same media and has not come as far: it may fill a hole.
func (tl *Timeline) copyBehind(now int64, in *input, h *held) *input {
	for _, o := range tl.inputs {
		if o != in && o.t == in.t && o.open && o.cont && o.base != nil && o.lost == 0 && tl.copies(o, in) && o.info.Timescale == in.info.Timescale &&
			h.time-o.next > int64(o.info.Timescale)/1000 && sub(now, o.last) < 2*o.length+second {
			return o
		}
	}
	return nil
}

// copies tells whether two inputs of a track bring the same media: one source's, or bit for bit.
func (tl *Timeline) copies(a, b *input) bool {
	return a.info.Source == b.info.Source || a.alike() && b.alike()
}

// wakeCopies makes inputs that wait for a copy to fill a hole look again.
func (tl *Timeline) wakeCopies(in *input) {
	for _, o := range tl.inputs {
		if o != in && o.t == in.t && len(o.q) > 0 {
			tl.wakeAt(o, in.last)
		}
	}
}

// wakeAt makes Tick look at an input's queue.
func (tl *Timeline) wakeAt(in *input, at int64) {
	in.due = at
	tl.wakeBy(at)
}

// wakeBy makes Tick look at what waits.
func (tl *Timeline) wakeBy(at int64) {
	if tl.wakeup == 0 || at < tl.wakeup {
		tl.wakeup = at
	}
}
