package timeline

// A timebase is a Base with the record that it comes from. All tracks of one encoder session share one.
type timebase struct {
	Base
	ordinal int    // generation
	seq     int    // join that laid it; 0: the generation's own
	track   string // of a lone track; "": a session's
	epoch   bool   // encoder time is UTC
	late    int64  // ns: how late the master's chunks come under it, as last recorded
	laid    int64  // ns: and when it was laid
	hash    uint64
}

const (
	maxBases  = 8
	tolerance = second / 2 // of arrival, beyond half a GOP
	maxHalf   = 5 * second // of half a GOP: times closer than that could be either of two sessions
	catchUp   = 60 * second
)

// anchorBase is the base that a generation's record lays.
func anchorBase(g *Generation) *timebase {
	return &timebase{Base: g.base(), ordinal: g.Ordinal, epoch: g.Epoch, late: g.Late, laid: g.Late}
}

// joinBase is the base that a join's record lays.
func joinBase(g *Generation, j *Join) *timebase {
	return &timebase{
		Base: j.base(g), ordinal: g.Ordinal, seq: j.Seq, track: j.Track, late: j.Late, laid: j.Laid, hash: j.Hash,
	}
}

// lay makes a base the newest one that inputs are tried under.
func (tl *Timeline) lay(b *timebase) {
	if len(tl.bases) == maxBases {
		copy(tl.bases[1:], tl.bases[2:]) // the oldest join goes
		tl.bases = tl.bases[:maxBases-1]
	}
	tl.bases = append(tl.bases, b)
}

// window is how far an arrival may be off what is usual under a base.
func (tl *Timeline) window(b *timebase) int64 {
	if b.epoch {
		return epochSlack
	}
	return min(tl.gen().gopNanos()/2, maxHalf) + tolerance
}

// off is how much later than usual a chunk came, if the base were its own.
func (tl *Timeline) off(b *timebase, in *input, h *held) int64 {
	return sub(lateness(b, in, h), tl.expected(b, in.t))
}

func lateness(b *timebase, in *input, h *held) int64 {
	return min(max(sub(h.arrival, b.nanos(h.end, in.info.Timescale)), -1<<60), 1<<60)
}

// expected is how late the track's chunks usually come under a base: as this node has seen, else as recorded.
func (tl *Timeline) expected(b *timebase, t *track) int64 {
	if t.base == b && t.usual.has {
		return t.usual.value
	}
	return add(b.late, tl.gen().behind(t.name))
}

// behind is how much later than the master's a track's chunks usually come.
func (g *Generation) behind(name string) int64 {
	if grid := g.grid(name); grid != nil {
		return min(max(grid.Late, -catchUp), catchUp)
	}
	return 0
}

type belief uint8

const (
	no belief = iota
	maybe
	yes
)

// fits tells whether a base explains a run of chunks: the newest arrived as usual, and sync samples are on the phase.
//
// Rule: docs/time.md, section 1 (anchor).
func (tl *Timeline) fits(b *timebase, in *input, run []*held) belief {
	if b.track != "" && b.track != in.t.name {
		return no
	}
	if off := tl.off(b, in, run[len(run)-1]); abs(off) > tl.window(b) {
		return no
	}
	return tl.onPhase(b, in, run)
}

// onPhase tells whether a sync sample of the run lies where the generation has them.
func (tl *Timeline) onPhase(b *timebase, in *input, run []*held) belief {
	g := tl.gen()
	grid := g.grid(in.t.name)
	if in.t.kind != Video || !g.Regular || b.epoch || grid == nil {
		return yes
	}
	m := b.mapping(grid, in.info.Timescale)
	seen := false
	for _, h := range run {
		x, next := h.time, 0
		for i, d := range h.dur {
			if next < len(h.sync) && int(h.sync[next]) == i {
				next++
				if seen = true; g.phaseOf(grid, m.At(x)) {
					return yes
				}
			}
			x += int64(d)
		}
	}
	if span := scale(run[len(run)-1].end-run[0].time, second, int64(in.info.Timescale)); seen && span >= g.gopNanos() {
		return no
	}
	return maybe
}

// phaseOf tells whether a track's time is a whole number of GOPs from the slots' phase, to within half a frame.
func (g *Generation) phaseOf(grid *Grid, s int64) bool {
	m, p := int64(g.MasterTimescale), int64(grid.Timescale)
	slack := max(scaleUp(grid.Cadence, m, 2*p), m/500)
	return floorMod(scaleNear(s, m, p)-g.Phase+slack, g.GOP) <= 2*slack
}

// accept gives an input its time base.
func (tl *Timeline) accept(in *input, b *timebase, h *held) {
	t := in.t
	if in.base != b {
		in.cont = false
	}
	in.base, in.lost, in.offSince = b, 0, 0
	if t.base != b {
		t.base = b
		t.usual.has = false
	}
	in.near = scale(tl.gen().PartTarget, int64(in.info.Timescale), second)
	if g := tl.gen(); h != nil && !tl.smooth && b.ordinal == g.Ordinal && t.cur.g != g && g.grid(t.name) != nil && t.slots != nil {
		tl.moveTo(t, g) // its clock is the new generation's already
	}
	if t.cur.grid != nil {
		in.m = b.mapping(t.cur.grid, in.info.Timescale)
	}
}

// session is the newest base that is not a lone track's. There is always one: the generation's own.
func (tl *Timeline) session() *timebase {
	for i := len(tl.bases) - 1; i > 0; i-- {
		if tl.bases[i].track == "" {
			return tl.bases[i]
		}
	}
	return tl.bases[0]
}
