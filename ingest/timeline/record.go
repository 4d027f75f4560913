package timeline

// A request is the record that the timeline waits for: one at a time.
type request struct {
	gen    *Generation
	join   *Join
	hand   *Handover
	asked  int64 // when the caller was told; 0: nothing is asked
	retry  int64 // not before that time
	failed int   // attempts in a row that failed
}

const (
	answerTime = 30 * second // after that an unanswered request counts as failed
	firstRetry = second / 2
	lastRetry  = 30 * second
)

func (r *request) pending() bool { return r.asked != 0 }

// due is when something happens without an answer; 0: never.
func (r *request) due() int64 {
	if r.pending() {
		return add(r.asked, answerTime)
	}
	return r.retry
}

// put asks the caller to store a record. It tells whether the request went out: not while another is pending, and not
// too soon after one that failed.
func (tl *Timeline) put(now int64, g *Generation, j *Join) bool {
	return tl.request(now, request{gen: g, join: j})
}

// putHandover asks the caller to store a handover.
func (tl *Timeline) putHandover(now int64, h *Handover) bool {
	return tl.request(now, request{hand: h})
}

func (tl *Timeline) request(now int64, r request) bool {
	if tl.ask.pending() || now < tl.ask.retry {
		return false
	}
	r.asked, r.failed = max(now, 1), tl.ask.failed
	tl.ask = r
	tl.emit(Event{Kind: Need, Generation: r.gen, Join: r.join, Handover: r.hand})
	return true
}

// is tells whether an answer is of the kind that was asked for.
func (r *request) is(gen, join, hand bool) bool {
	return r.pending() && gen == (r.gen != nil) && join == (r.join != nil) && hand == (r.hand != nil)
}

// Resolve tells which record the store holds where the timeline asked for one: the proposed one, or what another node
// stored first.
func (tl *Timeline) Resolve(now int64, gen *Generation, join *Join) {
	now = clock(now)
	if !tl.ask.is(gen != nil, join != nil, false) {
		return
	}
	ask := tl.ask
	tl.ask = request{}
	switch {
	case gen != nil && len(tl.gens) > 0 && gen.Ordinal <= tl.gen().Ordinal: // known meanwhile
	case gen != nil && gen.valid() && gen.Ordinal == ask.gen.Ordinal:
		tl.adopt(now, clone(gen))
	case join != nil && join.valid() && join.Seq == ask.join.Seq:
		j := *join
		tl.joined(now, &j, ask.join)
	default:
		tl.ask = ask
		tl.failed(now)
	}
	tl.goOn(now)
}

// ResolveHandover is Resolve for a handover.
func (tl *Timeline) ResolveHandover(now int64, h *Handover) {
	now = clock(now)
	if !tl.ask.is(false, false, true) {
		return
	}
	ask := tl.ask
	tl.ask = request{}
	switch {
	case h.Seq <= tl.handed: // known meanwhile
	case h.valid() && h.Seq == ask.hand.Seq:
		tl.hand(now, h)
	default:
		tl.ask = ask
		tl.failed(now)
	}
	tl.goOn(now)
}

// KnownHandover is Known for a handover.
func (tl *Timeline) KnownHandover(now int64, h *Handover) {
	now = clock(now)
	if h.valid() && h.Seq == tl.handed+1 && len(tl.gens) > 0 {
		tl.hand(now, h)
		tl.goOn(now)
	}
}

// goOn does what a record has made possible.
func (tl *Timeline) goOn(now int64) {
	tl.pumpAll(now)
	tl.dirty = true
	tl.advance(now)
}

// Known tells of a record that is in the store, whoever put it there: the caller may watch the store, so that nodes that
// share it take each other's decisions before they have a reason to ask. Records come in order; one that is known
// already, or comes too early, changes nothing.
func (tl *Timeline) Known(now int64, gen *Generation, join *Join) {
	now = clock(now)
	switch {
	case gen != nil && gen.valid() && gen.Ordinal == tl.nextOrdinal():
		tl.adopt(now, clone(gen))
	case join != nil && join.valid() && join.Seq == tl.seq+1 && len(tl.gens) > 0:
		j := *join
		tl.remember(&j)
	default:
		return
	}
	tl.goOn(now)
}

// ResolveFailed tells that the store did not answer; both nil: to a handover. The timeline asks again later; the running generation goes on.
func (tl *Timeline) ResolveFailed(now int64, gen *Generation, join *Join) {
	now = clock(now)
	if tl.ask.is(gen != nil, join != nil, gen == nil && join == nil) {
		tl.failed(now)
		tl.advance(now)
	}
}

// failed arms the next attempt.
func (tl *Timeline) failed(now int64) {
	wait := min(firstRetry<<min(tl.ask.failed, 8), lastRetry)
	tl.ask = request{retry: add(now, wait), failed: tl.ask.failed + 1}
}

// requests lets time pass for what was asked.
func (tl *Timeline) requests(now int64) {
	if tl.ask.pending() && now >= tl.ask.due() {
		tl.failed(now)
	}
	if !tl.ask.pending() && tl.ask.retry != 0 && now >= tl.ask.retry {
		tl.ask.retry = 0
		tl.pumpAll(now)
	}
}

func clone(g *Generation) *Generation {
	c := *g
	c.Tracks = append([]Grid(nil), g.Tracks...)
	if g.Base != nil {
		b := *g.Base
		c.Base = &b
	}
	return &c
}

// valid refuses records that would break arithmetic.
func (j *Join) valid() bool {
	return j.Scale != 0 && j.Seq > 0 && plausible(j.Time, j.Scale) && abs(j.At) < 1<<56
}
