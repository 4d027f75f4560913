package timeline

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
)

// t0 is when most simulations start: a UTC that is a multiple of nothing much.
const t0 = int64(1_767_225_600_000_000_000) + 123_456_789

// A store is the records that nodes share: the first writer wins.
type store struct {
	gens  []Generation
	joins []Join
	hands []Handover
	away  func(now int64) bool
	puts  int
	watch []*node
}

// tell lets the nodes that watch know of a record, a little later.
func (s *store) tell(now int64, ev Event) {
	for _, n := range s.watch {
		n.answer = append(n.answer, answer{at: now + n.latency/2, need: ev, told: true})
		slices.SortStableFunc(n.answer, func(a, b answer) int { return cmp.Compare(a.at, b.at) })
	}
}

func (s *store) putGeneration(g *Generation) Generation {
	s.puts++
	if g.Ordinal < len(s.gens) {
		return s.gens[g.Ordinal]
	}
	s.gens = append(s.gens, *clone(g))
	return *g
}

func (s *store) putJoin(j *Join) Join {
	s.puts++
	if j.Seq <= len(s.joins) {
		return s.joins[j.Seq-1]
	}
	s.joins = append(s.joins, *j)
	return *j
}

func (s *store) putHandover(h *Handover) Handover {
	s.puts++
	if h.Seq <= len(s.hands) {
		return s.hands[h.Seq-1]
	}
	s.hands = append(s.hands, *h)
	return *h
}

// A node is one weir: a timeline, its checker and its way to the store.
type node struct {
	name    string
	cfg     Config
	store   *store
	latency int64               // of the store, there and back
	delay   func(*packet) int64 // of the network
	down    []hole              // when the process is not there
	lose    func(*packet) bool
	again   func(*packet) int64 // when a packet comes once more, after the first time; 0: not
	loose   bool                // packets may overtake each other: one request a segment
	said    int64               // where the encoder says that its time 0 lies, UTC ns; 0: not said

	tl     *Timeline
	check  *checker
	past   []*checker // of the lives before
	open   map[string]InputID
	newest map[string]uint64 // session that a track came from last
	info   map[string]TrackInfo
	nextID InputID
	chunk  uint64
	answer []answer
	all    []arrival       // what is still to come
	missed map[string]bool // text that came before the process was started
	ticks  int
}

type answer struct {
	at   int64
	need Event
	told bool // not asked for
}

// An arrival is what happens at a node.
type arrival struct {
	at    int64
	p     *packet
	close string     // key of the stream that is closed
	open  *TrackInfo // a header comes, and no media yet
	id    uint64     // by this session
}

func (n *node) boot() {
	if n.check != nil {
		n.past = append(n.past, n.check)
	}
	n.tl = New(n.cfg, slices.Clone(n.store.gens), slices.Clone(n.store.joins), n.store.hands...)
	n.tl.Announce(n.said)
	n.check = newChecker(n.name, slices.Clone(n.store.gens))
	for f := range n.missed {
		n.check.lost[f] = true
	}
	n.open, n.info, n.answer, n.newest = map[string]InputID{}, map[string]TrackInfo{}, nil, map[string]uint64{}
}

func (n *node) drain(now int64) {
	for {
		events := n.tl.Events()
		if len(events) == 0 {
			return
		}
		for _, need := range n.check.apply(now, events) {
			n.answer = append(n.answer, answer{at: now + n.latency, need: need})
			slices.SortStableFunc(n.answer, func(a, b answer) int { return cmp.Compare(a.at, b.at) })
		}
	}
}

// until lets time pass up to now: deadlines and answers of the store, in order.
func (n *node) until(now int64) {
	for {
		next, kind := now+1, 0
		if d := n.tl.NextDeadline(); d != 0 && d < next {
			next, kind = d, 1
		}
		if len(n.answer) > 0 && n.answer[0].at < next {
			next, kind = n.answer[0].at, 2
		}
		switch kind {
		case 0:
			return
		case 1:
			n.ticks++
			n.tl.Tick(next)
			if d := n.tl.NextDeadline(); d != 0 && d <= next {
				n.check.fault("the deadline %d does not move on", d)
				return
			}
		case 2:
			a := n.answer[0].need
			told := n.answer[0].told
			n.answer = n.answer[1:]
			if !told {
				n.check.asked--
			}
			switch {
			case told && a.Handover != nil:
				n.tl.KnownHandover(next, a.Handover)
			case told:
				n.tl.Known(next, a.Generation, a.Join)
			case n.store.away != nil && n.store.away(next):
				n.tl.ResolveFailed(next, a.Generation, a.Join)
			case a.Generation != nil:
				g := n.store.putGeneration(a.Generation)
				n.store.tell(next, Event{Generation: &g})
				n.tl.Resolve(next, &g, nil)
			case a.Handover != nil:
				h := n.store.putHandover(a.Handover)
				n.store.tell(next, Event{Handover: &h})
				n.tl.ResolveHandover(next, &h)
			default:
				j := n.store.putJoin(a.Join)
				n.store.tell(next, Event{Join: &j})
				n.tl.Resolve(next, nil, &j)
			}
		}
		n.drain(next)
	}
}

func (n *node) receive(a arrival) {
	n.until(a.at)
	if a.open != nil {
		n.bind(a.at, a.open.Name+"@"+a.open.Source, *a.open, a.id)
		return
	}
	if a.p == nil {
		if id, ok := n.open[a.close]; ok && n.newest[a.close] <= a.id {
			n.tl.Close(a.at, id)
			delete(n.open, a.close)
			delete(n.info, a.close)
			n.drain(a.at)
		}
		return
	}
	name := a.p.sess.key(a.p.track.name)
	if a.p.sess.id < n.newest[name] { // the newest connection has replaced this one
		for i := range a.p.chunk.Durations {
			n.check.lost[a.p.frame(i)] = true
		}
		return
	}
	n.bind(a.at, name, a.p.info, a.p.sess.id)
	n.chunk++
	c := a.p.chunk
	c.ID = n.chunk
	n.check.chunks[c.ID] = &settling{p: a.p}
	if a.p.track.kind == Sparse { // it is forgotten with the process, and its encoder does not say it again
		n.missed[a.p.frame(0)] = true
	}
	n.tl.Chunk(a.at, n.open[name], &c)
	n.drain(a.at)
}

// bind opens a track's input for a session, if that is not there.
func (n *node) bind(at int64, name string, info TrackInfo, session uint64) {
	n.newest[name] = session
	if id, ok := n.open[name]; ok && n.info[name] != info {
		n.tl.Close(at, id)
		n.drain(at)
		delete(n.open, name)
	}
	if _, ok := n.open[name]; !ok {
		n.nextID++
		n.open[name], n.info[name] = n.nextID, info
		n.tl.Open(at, n.nextID, info)
		n.drain(at)
	}
}

// run feeds the sessions to a node, in the order in which they arrive, until end.
func (n *node) run(sessions []session, end int64) {
	n.prepare(sessions)
	n.goOn(end)
}

// world runs nodes side by side, so that they share a store at the same time. With watch they are told of each other's
// records.
func world(sessions []session, end int64, watch bool, nodes ...*node) {
	for _, n := range nodes {
		n.prepare(sessions)
		if watch {
			n.store.watch = append(n.store.watch, n)
		}
	}
	for now := nodes[0].all[0].at - second; now < end; now += second / 200 {
		for _, n := range nodes {
			n.goOn(now)
		}
	}
}

// prepare makes the node's arrivals.
func (n *node) prepare(sessions []session) {
	n.all, n.missed = nil, map[string]bool{}
	ends := map[string]int64{} // of connections that stay open
	for i := range sessions {
		s := &sessions[i]
		for j := range s.tracks {
			key := s.key(s.tracks[j].name)
			last := ends[key]
			if e := &s.tracks[j]; e.kind == Sparse {
				n.all = append(n.all, arrival{at: max(last, s.start), open: new(e.info()), id: s.id})
			}
			for _, p := range s.packets(&s.tracks[j]) {
				if n.lose != nil && n.lose(&p) {
					continue
				}
				at := p.done
				if n.delay != nil {
					at += n.delay(&p)
				}
				if !n.loose {
					at = max(at, last) // one connection keeps its order
				}
				last = max(last, at)
				n.all = append(n.all, arrival{at: at, p: &p})
				if n.again != nil && n.again(&p) > 0 {
					n.all = append(n.all, arrival{at: at + n.again(&p), p: &p})
				}
			}
			if ends[key] = last; !s.kept {
				ends[key] = 0
				n.all = append(n.all, arrival{at: max(last, s.end), close: key, id: s.id})
			}
		}
	}
	slices.SortStableFunc(n.all, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
}

// goOn lets time pass for a node.
func (n *node) goOn(to int64) {
	for n.tl == nil || len(n.all) > 0 && n.all[0].at <= to {
		if n.tl == nil {
			n.boot()
			continue
		}
		a := n.all[0]
		n.all = n.all[1:]
		for len(n.down) > 0 && a.at >= n.down[0].to {
			n.until(n.down[0].from)
			n.boot()
			n.down = n.down[1:]
		}
		if len(n.down) == 0 || a.at < n.down[0].from {
			n.receive(a)
		} else if a.p != nil && a.p.track.kind == Sparse {
			n.missed[a.p.frame(0)] = true
		}
	}
	for len(n.down) > 0 && to >= n.down[0].to {
		n.until(n.down[0].from)
		n.boot()
		n.down = n.down[1:]
	}
	if len(n.down) > 0 && to > n.down[0].from {
		to = n.down[0].from
	}
	n.until(to)
}

// verify fails the test with all faults of a node.
func (n *node) verify(t *testing.T) {
	t.Helper()
	for _, c := range append(slices.Clone(n.past), n.check) {
		for _, f := range c.faults {
			t.Error(f)
		}
	}
	if t.Failed() {
		t.Logf("%s", n.check.lists())
		for _, g := range n.store.gens {
			t.Logf("generation %+v", g)
		}
		for _, j := range n.store.joins {
			t.Logf("join %+v", j)
		}
		for _, h := range n.store.hands {
			t.Logf("handover %+v", h)
		}
	}
}

// agree checks that two nodes have the same names, numbers, boundaries and bytes where both have media, and the same
// numbers in their lists.
func agree(t *testing.T, a, b *checker) (same int) {
	t.Helper()
	faults := 0
	fault := func(format string, args ...any) {
		if faults++; faults < 10 {
			t.Errorf("%s and %s: %s", a.node, b.node, fmt.Sprintf(format, args...))
		}
	}
	for name, ta := range a.tracks {
		tb := b.track(name)
		for n, x := range ta.segments {
			y := tb.segments[n]
			if y == nil || !x.done || !y.done {
				continue
			}
			// A node that went down before it knew of a generation may have made a segment of it by the slots of the one before,
			// where they go on. What is listed says its generation, and is compared below.
			if x.start != y.start || x.end != y.end || x.slot != y.slot {
				fault("%s %d: [%d,%d) slot %d generation %d, and [%d,%d) slot %d generation %d", name, n,
					x.start, x.end, x.slot, x.ordinal, y.start, y.end, y.slot, y.ordinal)
			} else if !slices.Equal(x.frames, y.frames) && !b.lostOf(x) && !a.lostOf(y) {
				i := 0
				for i < len(x.frames) && i < len(y.frames) && x.frames[i] == y.frames[i] {
					i++
				}
				fault("%s %d: from frame %d on %v and %v", name, n, i, x.frames[i:min(i+3, len(x.frames))], y.frames[i:min(i+3, len(y.frames))])
			}
			if k := min(len(x.parts), len(y.parts)); !slices.EqualFunc(x.parts[:k], y.parts[:k], samePart) && !b.lostOf(x) && !a.lostOf(y) {
				fault("%s %d: parts differ: %v and %v", name, n, x.parts, y.parts)
			}
			same++
		}
		byNumber := map[uint64]*Event{}
		for i := range tb.list {
			byNumber[tb.list[i].N] = &tb.list[i]
		}
		for i := range ta.list {
			x := &ta.list[i]
			if y := byNumber[x.N]; y != nil && (x.Ordinal != y.Ordinal || x.Slot != y.Slot) {
				fault("%s list %d: generation %d slot %d, and generation %d slot %d", name, x.N, x.Ordinal, x.Slot, y.Ordinal, y.Slot)
			}
		}
	}
	return same
}

// samePart tells whether two nodes list the same part.
func samePart(x, y Event) bool {
	return x.N == y.N && x.Part == y.Part && x.Start == y.Start && x.End == y.End && x.Slot == y.Slot && x.Ordinal == y.Ordinal
}

func config() Config { return Config{Segment: 2 * second, Part: second / 3, Window: 60 * second} }

func single(cfg Config) *node {
	return &node{name: "a", cfg: cfg, store: &store{}, latency: second / 100}
}
