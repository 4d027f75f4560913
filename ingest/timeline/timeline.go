package timeline

import (
	"slices"
	"strings"
)

// A Timeline is the time of one channel. It is not safe for concurrent use. At steady state a chunk costs no
// allocation.
//
// The way of a chunk: Chunk checks its times (held.go) and hands it to step, which finds the input's time base (join.go,
// continuity.go) and places its samples into slots (place.go); then advance lists what is due (list.go). Media waits in
// its input's queue while the channel is learnt (learn.go) or a record is being stored (record.go).
type Timeline struct {
	cfg    Config
	gens   []*Generation // in order of ordinal; the last one is what new media belongs to
	bases  []*timebase   // of the last generation: its own, then those of its joins, in order
	seq    int           // of the newest join known
	tracks []*track      // in order of name
	inputs []*input      // in order of opening

	events, drained []Event
	pool            []*held
	heldChunks      int
	heldSamples     int
	scratch         held

	announced int64 // where the encoder says that its time 0 lies, UTC ns; 0: not said
	born      int64 // first call, UTC ns
	listing   bool  // the first number to list is known
	dirty     bool  // something may be listed before due
	due       int64 // when to look at the lists again; 0: never
	wakeup    int64 // when to look at inputs that wait; 0: never
	lag       int64
	learner   learner
	relearn   relearn
	amend     amend
	opening   [3]int64  // when the last generations were opened, oldest first
	joining   [16]int64 // when the last joins were laid, oldest first
	smooth    bool      // the newest generation goes on with the slots and the base of the one before
	odd       int64     // when the master last had one odd GOP
	refreshed int64     // when a join's lateness was last written
	ask       request
	handed    int  // Seq of the newest handover known
	redundant bool // a track has, or had, a source beside the one that is served
}

// A track is what the timeline knows of one track, beyond any input.
type track struct {
	name string
	kind Kind
	cur  cursor
	base *timebase // the newest time base that the track's media was placed under

	next    uint64 // number to list next
	lastEnd int64  // where the last listed entry ends
	listed  bool   // there is one
	slots   []slot // by number, those that are not listed yet
	parts   queue  // complete, and not listed yet
	opened  uint64 // newest number opened
	has     bool   // opened, began and beganAt are set
	began   uint64 // first number opened
	beganAt int64  // when, by arrival

	late       follower // lateness of its segments, for the lag
	spare      int64    // ns: how much later than that a slot's last chunk may come
	paced      bool     // a segment has shown it
	usual      follower // of its chunks under its newest base, for belief
	heard      int64    // newest arrival; 0: none
	arrived    int64    // newest arrival of a chunk that its base explains; 0: none
	prior      prior
	warm       bool  // this process saw the track start, or a generation open
	cues       []cue // sparse: those that wait for their slots, in order of start
	reach      int64 // sparse: where the latest cue ends; everything before is known
	cueSamples int
	noted      Reason // the last trouble that was told
	notedAt    int64
	src        sources
}

// An input is one connection's view of a track.
type input struct {
	id   InputID
	t    *track
	info TrackInfo
	open bool
	base *timebase // nil: its clock is not known yet
	m    Mapping

	cont   bool  // next, last and length are set
	next   int64 // encoder time at which the next chunk should start
	last   int64 // arrival of the last chunk
	length int64 // ns, of the last chunk
	near   int64 // encoder ticks: a hole up to this hides no chunk

	lost     int64 // since when no time base explains its chunks (UTC ns); 0: not
	offSince int64 // since when its clock is off (UTC ns); 0: not
	due      int64 // when to look at what waits

	heard  int64 // newest arrival, whatever became of it; 0: none
	since  int64 // since when it has come without a silence
	rhythm int64 // ns: length of the newest chunk
	same   int   // chunks in a row that were those of what is served, bit for bit
	began  int64 // channel time of the first chunk that was compared; 0: none
	odd    bool  // the newest chunk was on no time base

	q, queue []*held // what waits, and the memory for it
	one      [1]*held
}

// New makes a channel's timeline. gens and joins are what the store holds, in order; numbers go on from them. Records
// that cannot be are ignored. The caller knows these generations: there is no Opened event for them.
func New(cfg Config, gens []Generation, joins []Join, handovers ...Handover) *Timeline {
	tl := &Timeline{cfg: cfg.bounded()}
	for i := range gens {
		if g := clone(&gens[i]); g.valid() && (len(tl.gens) == 0 || g.Ordinal > tl.gen().Ordinal) {
			tl.know(g)
		}
	}
	for i := range joins {
		if joins[i].valid() {
			tl.remember(&joins[i])
		}
	}
	for i := range handovers {
		if handovers[i].valid() {
			tl.hand(0, &handovers[i])
		}
	}
	tl.Events()
	return tl
}

// bounded brings a configuration to what can be calculated with.
func (c Config) bounded() Config {
	c.Segment = min(max(c.Segment, second/2), 60*second)
	c.Part = min(max(c.Part, second/50), c.Segment)
	c.Chunk = min(max(c.Chunk, 0), c.Part)
	c.Window = min(max(c.Window, 0), 24*3600*second)
	c.GOP = min(max(c.GOP, 0), 60*second)
	return c
}

// gen is the generation that new media belongs to, or nil.
func (tl *Timeline) gen() *Generation {
	if len(tl.gens) == 0 {
		return nil
	}
	return tl.gens[len(tl.gens)-1]
}

// genOf is the generation that number n belongs to. There must be one.
func (tl *Timeline) genOf(n uint64) *Generation {
	i := len(tl.gens) - 1
	for i > 0 && tl.gens[i].N0 > n {
		i--
	}
	return tl.gens[i]
}

// clock bounds the time that the caller states, so that sums of times cannot overflow.
func clock(now int64) int64 { return min(max(now, 0), 1<<62) }

// Open tells that an input brings a track. Its chunks may follow.
func (tl *Timeline) Open(now int64, id InputID, info TrackInfo) {
	now = clock(now)
	if tl.find(id) != nil || len(tl.inputs) >= maxInputs {
		return
	}
	t := tl.trackOf(info.Name, info.Kind)
	if t == nil {
		return
	}
	info.Timescale, info.Kind, info.Source = max(info.Timescale, 1), t.kind, sourceName(info.Source)
	tl.compareAnew(t, sourceName(info.Source))
	tl.inputs = append(tl.inputs, &input{id: id, t: t, info: info, open: true, near: int64(info.Timescale) / 50})
	if in := tl.find(id); in.t.kind == Sparse {
		tl.expectTexts(now)
	}
	tl.countSources()
	tl.advance(now)
}

// Describe tells that an input's decoder configuration goes by another hash: more has been learnt of the same media. It
// holds for what waits, too. Where a generation names the old hash, the change opens another one.
func (tl *Timeline) Describe(now int64, id InputID, config uint64) {
	now = clock(now)
	if in := tl.find(id); in != nil && in.info.Config != config {
		for i := range in.t.cues {
			if c := &in.t.cues[i]; c.config == in.info.Config {
				c.config = config
			}
		}
		in.info.Config = config
		if in.t.kind == Sparse {
			tl.expectTexts(now)
		}
		tl.pump(now, in)
		tl.advance(now)
	}
}

// Close tells that an input has ended. What it brought and waits for a decision is still used.
func (tl *Timeline) Close(now int64, id InputID) {
	now = clock(now)
	if in := tl.find(id); in != nil {
		in.open = false
		tl.pump(now, in)
		tl.advance(now)
	}
}

// Chunk takes the index of one moof. now is the arrival of its last byte, UTC in nanoseconds.
func (tl *Timeline) Chunk(now int64, id InputID, c *Chunk) {
	now = clock(now)
	if len(c.Durations) == 0 {
		return
	}
	in := tl.find(id)
	if in == nil {
		tl.emit(Event{Kind: Dropped, Chunk: c.ID, To: len(c.Durations), Reason: OffSet})
		return
	}
	h := &tl.scratch
	if !h.view(c, now, in.info.Timescale) {
		tl.emit(Event{Kind: Dropped, Track: in.t.name, Chunk: c.ID, To: len(c.Durations), Reason: BadTime})
		return
	}
	in.t.heard = now
	tl.hark(now, in, h)
	tl.compare(in, h)
	if len(in.q) > 0 || !tl.step(now, in, h) {
		tl.enqueue(in, h)
		tl.pump(now, in)
	}
	h.dur, h.sync = nil, nil // the caller's
	tl.advance(now)
}

// Tick lets the timeline act on deadlines that have passed.
func (tl *Timeline) Tick(now int64) {
	now = clock(now)
	tl.pumpAll(now)
	tl.dirty = true
	tl.advance(now)
}

// Events returns what was decided since the last call, in order. The slice is good until the next call of any method.
func (tl *Timeline) Events() []Event {
	out := tl.events
	tl.events, tl.drained = tl.drained[:0], out
	return out
}

func (tl *Timeline) emit(ev Event) { tl.events = append(tl.events, ev) }

func (tl *Timeline) note(track string, why Reason, text string) {
	tl.emit(Event{Kind: Note, Track: track, Reason: why, Text: text})
}

// Lag is how late the channel's media comes against its own clock, in nanoseconds: docs/time.md, section 1.
func (tl *Timeline) Lag() int64 { return tl.lag }

// Nanos is the channel time, in ns since the epoch, of what the newest session's encoder calls x, in ticks of that many
// per second: for what goes beside the tracks. ok is false where no time base is known yet, and for times that cannot be.
func (tl *Timeline) Nanos(x int64, scale uint32) (ns int64, ok bool) {
	if tl.gen() == nil || len(tl.bases) == 0 || scale == 0 || !plausible(x, scale) {
		return 0, false
	}
	return tl.session().nanos(x, scale), true
}

// NextDeadline is when Tick has something to do (UTC ns), 0 for never. A call that comes later than that, or earlier,
// does no harm.
func (tl *Timeline) NextDeadline() int64 {
	next := tl.due
	for _, at := range [...]int64{tl.learner.due, tl.relearn.due, tl.wakeup, tl.ask.due()} {
		if at != 0 && (next == 0 || at < next) {
			next = at
		}
	}
	return next
}

// advance does what may have become possible: learning, records, lists.
func (tl *Timeline) advance(now int64) {
	if tl.born == 0 {
		tl.born = max(now, 1)
	}
	tl.requests(now)
	if tl.wakeup != 0 && now >= tl.wakeup {
		tl.wakeup = 0
		tl.pumpAll(now)
	}
	if len(tl.gens) == 0 {
		tl.learn(now)
		return
	}
	if tl.relearn.on {
		tl.learnAgain(now)
	} else if tl.amend.on {
		tl.amended(now)
	}
	tl.guard(now)
	if tl.dirty || (tl.due != 0 && now >= tl.due) {
		tl.dirty = false
		tl.list(now)
	}
	tl.sweep()
}

const maxInputs = 4 * maxTracks

func (tl *Timeline) find(id InputID) *input {
	for _, in := range tl.inputs {
		if in.id == id {
			return in
		}
	}
	return nil
}

// trackOf finds or makes a track; nil where there are too many.
func (tl *Timeline) trackOf(name string, kind Kind) *track {
	byName := func(t *track, name string) int { return strings.Compare(t.name, name) }
	at, found := slices.BinarySearchFunc(tl.tracks, name, byName)
	if found {
		return tl.tracks[at]
	}
	if len(tl.tracks) >= maxTracks {
		if !tl.forget() {
			return nil
		}
		at, _ = slices.BinarySearchFunc(tl.tracks, name, byName)
	}
	t := &track{name: name, kind: kind}
	tl.tracks = slices.Insert(tl.tracks, at, t)
	return t
}

// forget makes room by forgetting a track that was never part of the channel and has no input.
func (tl *Timeline) forget() bool {
	for i, t := range tl.tracks {
		used := t.slots != nil
		for _, in := range tl.inputs {
			used = used || in.t == t
		}
		if !used {
			tl.tracks = append(tl.tracks[:i], tl.tracks[i+1:]...)
			return true
		}
	}
	return false
}

// enqueue makes a chunk wait, before at most two that it belongs before. Where too much waits, the oldest chunk of the
// longest queue goes.
func (tl *Timeline) enqueue(in *input, h *held) {
	in.q = append(in.q, tl.keep(h))
	if len(in.q) == 1 {
		in.queue = in.q
	}
	last := len(in.q) - 1
	for at := last - 1; at >= 0 && at >= last-2 && h.time < in.q[at].time && h.end <= in.q[at].time+in.near; at-- {
		if at == 0 && in.cont && abs(h.time-in.next) <= in.near || at > 0 && abs(h.time-in.q[at-1].end) <= in.near {
			k := in.q[last]
			copy(in.q[at+1:], in.q[at:last])
			in.q[at] = k
			break
		}
	}
	for tl.heldChunks > maxHeldChunks || tl.heldSamples > maxHeldSamples {
		tl.dropHead(tl.longest(), Overflow)
	}
}

// longest is the input with the most chunks waiting.
func (tl *Timeline) longest() *input {
	var most *input
	for _, in := range tl.inputs {
		if most == nil || len(in.q) > len(most.q) {
			most = in
		}
	}
	return most
}

// dropHead gives up the oldest chunk that waits.
func (tl *Timeline) dropHead(in *input, why Reason) {
	tl.dropAll(in.t, in.q[0], why)
	tl.unqueue(in)
}

// unqueue removes the oldest chunk, which is settled.
func (tl *Timeline) unqueue(in *input) {
	tl.free(in.q[0])
	in.q[0] = nil
	if in.q = in.q[1:]; len(in.q) == 0 {
		in.q = in.queue[:0]
	}
}

// pump goes on with what waits, as far as it can be decided.
func (tl *Timeline) pump(now int64, in *input) {
	for len(in.q) > 0 && tl.step(now, in, in.q[0]) {
		tl.unqueue(in)
	}
}

// pumpAll goes on with all inputs.
func (tl *Timeline) pumpAll(now int64) {
	tl.wakeup = 0
	for _, in := range tl.inputs {
		tl.pump(now, in)
	}
}

// sweep forgets inputs that are closed and settled.
func (tl *Timeline) sweep() {
	for i := 0; i < len(tl.inputs); {
		if in := tl.inputs[i]; !in.open && len(in.q) == 0 {
			tl.inputs = append(tl.inputs[:i], tl.inputs[i+1:]...)
			tl.countSources()
			continue
		}
		i++
	}
}
