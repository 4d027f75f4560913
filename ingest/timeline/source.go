package timeline

import "slices"

// DefaultSource is the source of inputs that name none, and of records from before there were sources.
const DefaultSource = "primary"

// A Handover is an append-only record: from segment N on this source of the track is served (docs/time.md, section 6).
type Handover struct {
	Seq     int    `json:"seq"`     // 1, 2, … within the channel: the first writer of a number wins
	Ordinal int    `json:"ordinal"` // generation; a later one says itself which source it begins with
	Track   string `json:"track"`
	N       uint64 `json:"n"`
	Source  string `json:"source"`
	Why     Why    `json:"why"`
}

// Why is what a handover was made for; it labels a metric, so the set is small and fixed.
type Why string

// Reasons for handovers.
const (
	WhySecond Why = "second_source" // none: a second source has come, and what is served stays
	WhyClosed Why = "closed"        // the connection of what was served has ended
	WhySilent Why = "silent"        // it is open and brings nothing, or nothing that can be used
	WhyLacked Why = "lacked"        // it never came here
	WhyReturn Why = "returned"      // a source of a better rank has been well for long enough
	WhyTime   Why = "other_time"    // as closed or silent; the other source shares no time: a generation
)

// Whys lists every Why.
func Whys() []Why { return []Why{WhySecond, WhyClosed, WhySilent, WhyLacked, WhyReturn, WhyTime} }

const (
	maxHandovers = 32           // of a track that are kept in mind
	notice       = second / 5   // between a handover and its first slot, for other nodes to get to know it
	jitterTime   = second / 10  // beyond two parts: longer silence is trouble
	copyWait     = second / 10  // how long a bit-exact copy waits for what is served
	alikeEnough  = 4            // chunks in a row that have to be the same
	marks        = 64           // chunks of a track whose contents are compared
	firstHold    = 10 * second  // how long a source has to be well before it is returned to
	lastHold     = 600 * second // the same where it failed again and again
	steadyTime   = 300 * second // after which a failure is forgotten
	ringSlots    = 3            // of media that stands by
	longestRing  = 40 * second
)

// sources is a track's state of redundancy. Until a second source comes it is empty.
type sources struct {
	handovers []Handover  // of this track, in order of Seq
	marks     [marks]mark // contents of the newest chunks, in the order of their coming
	mark      int
	lacking   int64  // since when what is served has never been here; 0: it was
	hold      int64  // what a better source has to be well for
	changed   int64  // when the source changed last
	serving   string // that has been well since it is served
	placed    string // of which media was placed last
}

// A mark is what a source sent for a channel time.
type mark struct {
	at     int64
	print  uint64
	source string
	met    bool // another source has sent one of the same time
}

func sourceName(s string) string {
	if s == "" {
		return DefaultSource
	}
	return s
}

// sourceOf is the source that is served for segment n of a track, and whether that is known to have several: then bytes are
// weir's own where sources would differ in them, and copies that are bit-exact may be used.
//
// Rule: docs/time.md, section 6.
func (tl *Timeline) sourceOf(t *track, n uint64) (source string, several bool) {
	g := tl.genOf(n)
	grid := g.grid(t.name)
	for i := len(t.src.handovers) - 1; i >= 0; i-- {
		if h := &t.src.handovers[i]; h.Ordinal == g.Ordinal && h.N <= n {
			return h.Source, true
		}
	}
	if grid == nil {
		return DefaultSource, false
	}
	return sourceName(grid.Source), grid.Several
}

// newestSource is the source that is served from the newest record on.
func (tl *Timeline) newestSource(t *track) (source string, several bool) {
	return tl.sourceOf(t, 1<<63)
}

// pending is the number from which on an input's source is no longer, or not yet, what is served for segment n.
func (tl *Timeline) pending(t *track, n uint64) (next uint64, ok bool) {
	now, _ := tl.sourceOf(t, n)
	next = 1 << 63
	for i := range t.src.handovers {
		if h := &t.src.handovers[i]; h.N > n && h.N < next {
			if s, _ := tl.sourceOf(t, h.N); s != now {
				next, ok = h.N, true
			}
		}
	}
	for _, g := range tl.gens {
		if grid := g.grid(t.name); grid != nil && g.N0 > n && g.N0 < next && sourceName(grid.Source) != now {
			next, ok = g.N0, true
		}
	}
	return next, ok
}

// alike tells whether an input's newest chunks were those of what is served, bit for bit.
func (in *input) alike() bool { return in.same >= alikeEnough }

// compare takes note of what a chunk holds, and compares it with what other sources sent for the same time.
func (tl *Timeline) compare(in *input, h *held) {
	t := in.t
	if !tl.redundant || in.base == nil || t.cur.grid == nil || h.print == 0 || in.info.Config != t.cur.grid.Config {
		return
	}
	at, met := in.m.At(h.time), false
	for i := range t.src.marks {
		m := &t.src.marks[i]
		if m.print == 0 || m.at != at || m.source == in.info.Source {
			continue
		}
		m.met, met = true, true
		tl.liken(t, in.info.Source, m.source, m.print == h.print)
	}
	old := &t.src.marks[t.src.mark]
	if old.print != 0 && !old.met { // chunks that begin elsewhere are not the same either
		for i := range t.src.marks {
			if m := &t.src.marks[i]; m.print != 0 && m.at > old.at && m.source != old.source && tl.sentAt(t, m.source, old.at) {
				tl.liken(t, old.source, m.source, false)
			}
		}
	}
	if in.began == 0 {
		in.began = at
	}
	*old = mark{at: at, print: h.print, source: in.info.Source, met: met}
	t.src.mark = (t.src.mark + 1) % marks
}

// sentAt tells whether a source was there at a channel time already.
func (tl *Timeline) sentAt(t *track, source string, at int64) bool {
	return slices.ContainsFunc(tl.inputs, func(in *input) bool {
		return in.t == t && in.info.Source == source && in.began != 0 && in.began <= at
	})
}

// liken notes that chunks of two sources were, or were not, the same.
func (tl *Timeline) liken(t *track, a, b string, same bool) {
	for _, in := range tl.inputs {
		switch {
		case in.t != t || in.info.Source != a && in.info.Source != b:
		case same:
			in.same++
		default:
			in.same = 0
		}
	}
}

// compareAnew forgets what is known of how alike a source is to others, for its next connection may be of another run.
func (tl *Timeline) compareAnew(t *track, source string) {
	for _, in := range tl.inputs {
		if in.t == t {
			in.same = 0
		}
	}
	for i := range t.src.marks {
		if t.src.marks[i].source == source {
			t.src.marks[i] = mark{}
		}
	}
}

// marked tells whether a source has sent a chunk of that time.
func (t *track) marked(source string, at int64) bool {
	return slices.ContainsFunc(t.src.marks[:], func(m mark) bool { return m.print != 0 && m.at == at && m.source == source })
}

// countSources finds out whether any track has, or had, a source beside the one that is served.
func (tl *Timeline) countSources() {
	tl.redundant = slices.ContainsFunc(tl.tracks, func(t *track) bool { return len(t.src.handovers) > 0 })
	for _, in := range tl.inputs {
		for _, o := range tl.inputs {
			tl.redundant = tl.redundant || o.t == in.t && o.info.Source != in.info.Source
		}
		for _, g := range tl.gens {
			grid := g.grid(in.t.name)
			tl.redundant = tl.redundant || grid != nil && (grid.Several || sourceName(grid.Source) != in.info.Source)
		}
	}
}

// patience is how long an input may be silent: two parts and 100 ms beyond its usual rhythm.
//
// Rule: docs/time.md, section 6.
func (tl *Timeline) patience(in *input) int64 {
	part := tl.gen().PartTarget
	return max(2*part, add(in.rhythm, part)) + jitterTime
}

// hark takes note of a chunk's coming, whatever becomes of it.
func (tl *Timeline) hark(now int64, in *input, h *held) {
	if len(tl.gens) == 0 {
		in.since, in.heard = now, now
		return
	}
	if in.heard == 0 || now-in.heard > tl.patience(in) {
		in.since = now
	}
	in.heard, in.rhythm = now, min(scale(h.end-h.time, second, int64(in.info.Timescale)), maxSpare)
}

// well tells whether an input delivers. Of one whose chunks no time base explains, that is not said of what is served.
func (tl *Timeline) well(now int64, in *input) bool {
	return in.open && !in.odd && in.lost == 0 && in.heard != 0 && now-in.heard <= tl.patience(in)
}

// server is the input that brings a source of a track best: one that is well, else the newest.
func (tl *Timeline) server(now int64, t *track, source string) *input {
	var best *input
	for _, in := range tl.inputs {
		if in.t == t && in.info.Source == source && (best == nil || tl.well(now, in) || !tl.well(now, best)) {
			best = in
		}
	}
	return best
}

// guard looks after the sources of all tracks: it finds the silence of what is served, a source that may be returned to,
// and a second source.
//
// Rules: docs/time.md, section 6.
func (tl *Timeline) guard(now int64) {
	if !tl.redundant || len(tl.gens) == 0 || tl.relearn.on {
		return
	}
	for _, t := range tl.tracks {
		if t.kind != Sparse && tl.gen().grid(t.name) != nil {
			tl.guardTrack(now, t)
		}
	}
}

func (tl *Timeline) guardTrack(now int64, t *track) {
	served, several := tl.newestSource(t)
	in := tl.server(now, t, served)
	if in != nil && tl.well(now, in) {
		t.src.lacking = 0
		t.src.serving = served
		tl.wakeBy(add(in.heard, tl.patience(in)) + 1)
		better := tl.standIn(now, t, served, in.info.Rank)
		switch {
		case better != nil && tl.gen().Regular && several:
			if at := add(max(better.since, t.src.changed), max(t.src.hold, firstHold)); now < at {
				tl.wakeBy(at)
			} else {
				tl.handOver(now, t, better.info.Source, WhyReturn)
			}
		case !several && tl.standIn(now, t, served, 1<<30) != nil:
			tl.handOver(now, t, served, WhySecond)
		}
		return
	}
	why := WhySilent
	switch {
	case t.src.serving != served: // it has not been here since it is served
		if t.src.lacking == 0 {
			t.src.lacking = now
		}
		if at := add(t.src.lacking, max(t.src.hold, firstHold)); now < at {
			tl.wakeBy(at)
			return
		}
		why = WhyLacked
	case in == nil || !in.open:
		why = WhyClosed
	}
	if o := tl.standIn(now, t, served, 1<<30); o != nil {
		tl.handOver(now, t, o.info.Source, why)
		return
	}
	if t.name == tl.gen().Master || tl.gen().Master == "" {
		tl.takeOver(now, t, served, why)
	}
}

// standIn is the best of the other sources of a track that is well, shares its time and configuration, and ranks before
// rank.
func (tl *Timeline) standIn(now int64, t *track, served string, rank int) *input {
	grid := tl.gen().grid(t.name)
	var best *input
	for _, in := range tl.inputs {
		if in.t != t || in.info.Source == served || in.base == nil || in.info.Config != grid.Config || !tl.well(now, in) ||
			in.base.ordinal != tl.gen().Ordinal || in.info.Rank >= rank {
			continue
		}
		if best == nil || in.before(best) {
			best = in
		}
	}
	return best
}

// before orders sources by rank, then by name.
func (in *input) before(o *input) bool {
	if in.info.Rank != o.info.Rank {
		return in.info.Rank < o.info.Rank
	}
	return in.info.Source < o.info.Source
}

// handOver asks for the record that a source is served from the first slot on that starts 200 ms or more later and that this
// node has not opened.
func (tl *Timeline) handOver(now int64, t *track, source string, why Why) {
	g := tl.gen()
	at := sub(now, min(tl.lag, tl.lateOf(t)))
	if t.has && t.cur.grid != nil {
		at = max(at, scale(t.cur.pos, second, int64(t.cur.grid.Timescale)))
	}
	n := max(g.N0, g.number(max(g.K0, g.firstSlotFrom(scaleUp(add(at, notice), int64(g.MasterTimescale), second)))))
	if t.has {
		n = max(n, t.opened+1)
	}
	for i := range t.src.handovers {
		if h := &t.src.handovers[i]; h.Ordinal == g.Ordinal {
			n = max(n, h.N)
		}
	}
	tl.putHandover(now, &Handover{Seq: tl.handed + 1, Ordinal: g.Ordinal, Track: t.name, N: n, Source: source, Why: why})
}

// lateOf is how late a track's media usually is.
func (tl *Timeline) lateOf(t *track) int64 {
	if t.usual.has {
		return t.usual.value
	}
	return tl.lag
}

// takeOver opens a generation for a source that shares no time, or no configuration, with what was served.
func (tl *Timeline) takeOver(now int64, t *track, served string, why Why) {
	if why == WhyLacked && tl.flapping(now) {
		return
	}
	var best *input
	for _, in := range tl.inputs {
		if in.t == t && in.info.Source != served && tl.well(now, in) && len(in.q) > 0 && (best == nil || in.before(best)) {
			best = in
		}
	}
	if best == nil {
		return
	}
	tl.note(t.name, OffTime, "source "+served+" is gone ("+string(why)+"), and "+best.info.Source+
		" does not share its time or configuration: a generation is opened for it")
	tl.startRelearn(now, true)
	tl.relearn.source = best.info.Source
}

// hand puts a handover that the store holds in force. What was opened here of the other source, and is not listed, is GAP:
// its slots never have other bytes than the record says.
func (tl *Timeline) hand(now int64, h *Handover) {
	tl.handed = max(tl.handed, h.Seq)
	i := slices.IndexFunc(tl.tracks, func(t *track) bool { return t.name == h.Track })
	if i < 0 || tl.tracks[i].slots == nil {
		return
	}
	t := tl.tracks[i]
	old, _ := tl.sourceOf(t, h.N)
	s := &t.src
	if len(s.handovers) == maxHandovers {
		s.handovers = append(s.handovers[:0], s.handovers[1:]...)
	}
	s.handovers = append(s.handovers, *h)
	tl.redundant = true
	if old == h.Source {
		return
	}
	if s.hold = max(s.hold, firstHold); s.changed != 0 && now-s.changed < steadyTime {
		s.hold = min(2*s.hold, lastHold)
	} else {
		s.hold = firstHold
	}
	s.changed, s.lacking = now, 0
	tl.emit(Event{Kind: Served, Track: t.name, N: h.N, Source: h.Source, Why: h.Why, Text: old})
	if h.Ordinal != tl.gen().Ordinal || !t.has || t.opened < h.N {
		return
	}
	for n := max(h.N, t.opened-min(t.opened, slotRing)); n <= t.opened; n++ {
		t.slots[n%slotRing] = slot{}
	}
	t.parts.cut(h.N)
	if t.cur.open && t.cur.n >= h.N {
		tl.enter(t, t.cur.n+1)
	}
}

// nameSources says in a generation's record which source each of its tracks begins with.
func (tl *Timeline) nameSources(g *Generation) {
	for i := range g.Tracks {
		grid := &g.Tracks[i]
		at := slices.IndexFunc(tl.tracks, func(t *track) bool { return t.name == grid.Name })
		if at < 0 || tl.tracks[at].slots == nil {
			continue
		}
		source, several := tl.newestSource(tl.tracks[at])
		if grid.Several = several; grid.Source == "" || !tl.fresh(grid) {
			grid.Source = source
		}
	}
}

// fresh tells whether a grid was made of media that waits, not taken over from the generation before.
func (tl *Timeline) fresh(grid *Grid) bool {
	return slices.ContainsFunc(tl.inputs, func(in *input) bool {
		return in.t.name == grid.Name && in.info.Source == grid.Source && in.info.Config == grid.Config && len(in.q) > 0
	})
}

// serves takes note that a chunk of a source was placed. The first one of another source brings its own lateness along.
func (tl *Timeline) serves(in *input, h *held) {
	t := in.t
	if !tl.redundant || t.src.placed == in.info.Source {
		return
	}
	if source, _ := tl.sourceOf(t, t.cur.n); source != in.info.Source {
		return
	}
	if t.src.placed != "" && t.usual.has {
		late := lateness(in.base, in, h)
		if d := sub(late, t.usual.value); d > 0 && t.late.has {
			t.late.set(h.arrival, add(t.late.value, d))
		}
		t.usual.set(h.arrival, late)
		tl.follow(h.arrival)
	}
	t.src.placed = in.info.Source
}

// tellSources tells of the sources that a generation changes.
func (tl *Timeline) tellSources(now int64, g *Generation) {
	for _, t := range tl.tracks {
		grid := g.grid(t.name)
		if grid == nil || t.slots == nil {
			continue
		}
		if old, _ := tl.newestSource(t); old != sourceName(grid.Source) {
			t.src.changed, t.src.lacking = now, 0
			tl.redundant = true
			tl.emit(Event{Kind: Served, Track: t.name, N: g.N0, Source: sourceName(grid.Source), Why: WhyTime, Text: old})
		}
	}
}

// valid refuses records that make no sense.
func (h *Handover) valid() bool {
	return h.Seq > 0 && h.Track != "" && h.Source != "" && h.N < 1<<52
}
