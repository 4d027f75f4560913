package timeline

import (
	"fmt"
	"slices"
	"strings"
)

// A checker carries out a timeline's events as the caller does, and checks what it relies on:
//
//	C1  every sample is settled exactly once, in order within its chunk
//	C2  the pieces of a segment come in order, touch, and begin with First
//	C3  a segment completes once, after its pieces, and takes none after that
//	C4  every track's list is consecutive; times never go back; media is listed after it completed
//	C5  a generation is opened before anything belongs to it
//	C6  a sample's time is what its mapping says, except that the one after a short hole starts early, and ends with its part
//	    where the hole reaches beyond that
//	C7  one record at a time is asked for
//	C8  a sparse segment covers its slot from edge to edge, with samples within their own times and blanks
//	C9  every piece lies in one part; parts are listed in order, once all of them is there, and before their segment, which
//	    they tile; each is as long as its grid says; none before the master has opened the slot, unless with its segment; a
//	    sparse track has none
type checker struct {
	node   string
	now    int64
	chunks map[uint64]*settling
	tracks map[string]*kept
	opened map[int]*Generation
	asked  int
	faults []string
	notes  []string
	drops  map[Reason]int
	dropAt map[Reason]int64 // when last
	lost   map[string]bool  // frames that never arrived
	served []Event          // changes of source
	hasty  []Event          // parts that were listed before the master had opened their slot
}

type settling struct {
	p       *packet
	settled int
}

// kept is what a track has, by number.
type kept struct {
	segments map[uint64]*made
	list     []Event
	at       []int64 // when each entry was listed
	last     uint64
	ordinal  int
	pos      int64
}

type made struct {
	n          uint64
	ordinal    int
	slot       int64
	start, end int64
	pos        int64
	done       bool
	doneAt     int64
	frames     []string // with their times
	parts      []Event  // listed
	partsAt    []int64  // when
	begins     []int64  // where the pieces of each part begin
	endsAt     []int64  // when the last of them was placed
}

func newChecker(node string, known []Generation) *checker {
	c := &checker{
		node: node, chunks: map[uint64]*settling{}, tracks: map[string]*kept{}, opened: map[int]*Generation{},
		drops: map[Reason]int{}, dropAt: map[Reason]int64{}, lost: map[string]bool{},
	}
	for i := range known {
		c.opened[known[i].Ordinal] = &known[i]
	}
	return c
}

func (c *checker) fault(format string, args ...any) {
	if len(c.faults) < 20 {
		c.faults = append(c.faults, fmt.Sprintf("%s at %.3f: ", c.node, float64(c.now-t0)/1e9)+fmt.Sprintf(format, args...))
	}
}

func (c *checker) track(name string) *kept {
	t := c.tracks[name]
	if t == nil {
		t = &kept{segments: map[uint64]*made{}}
		c.tracks[name] = t
	}
	return t
}

// apply takes a batch of events; it returns the records that are asked for.
func (c *checker) apply(now int64, events []Event) (needs []Event) {
	c.now = now
	for i := range events {
		ev := &events[i]
		switch ev.Kind {
		case Placed:
			c.placed(ev)
		case Blank:
			c.blank(ev)
		case Dropped:
			c.settle(ev)
			c.drops[ev.Reason] += ev.To - ev.From
			c.dropAt[ev.Reason] = now
		case PartListed:
			c.partListed(ev)
		case Completed:
			c.completed(ev)
		case Listed:
			c.listed(ev)
		case Opened:
			if ev.Generation == nil || c.opened[ev.Ordinal] != nil {
				c.fault("C5 generation %d opened twice or empty", ev.Ordinal)
			}
			c.opened[ev.Ordinal] = ev.Generation
		case Need:
			if c.asked++; c.asked > 1 {
				c.fault("C7 a second record is asked for")
			}
			if one := [...]bool{ev.Generation != nil, ev.Join != nil, ev.Handover != nil}; !slices.Contains([][3]bool{{true, false, false}, {false, true, false}, {false, false, true}}, one) {
				c.fault("C7 a need is one record")
			}
			needs = append(needs, *ev)
		case Served:
			c.served = append(c.served, *ev)
		case Note:
			if ev.Text == "" {
				c.fault("an empty note")
			}
			c.notes = append(c.notes, fmt.Sprintf("%.3f %s: %s", float64(now-t0)/1e9, ev.Track, ev.Text))
		default:
			c.fault("unknown event %d", ev.Kind)
		}
	}
	for i := range c.hasty { // at the slot's deadline they are, with their segment
		if list := c.track(c.hasty[i].Track).list; len(list) == 0 || list[len(list)-1].N < c.hasty[i].N {
			c.fault("C9 %s: part %d of segment %d is listed before the master has opened it", c.hasty[i].Track, c.hasty[i].Part, c.hasty[i].N)
		}
	}
	c.hasty = c.hasty[:0]
	return needs
}

func (c *checker) settle(ev *Event) *settling {
	s := c.chunks[ev.Chunk]
	if s == nil {
		c.fault("C1 chunk %d is not known or was settled before", ev.Chunk)
		return nil
	}
	n := len(s.p.chunk.Durations)
	if ev.From != s.settled || ev.To <= ev.From || ev.To > n {
		c.fault("C1 chunk %d of %d samples: [%d,%d) after %d (event %d)", ev.Chunk, n, ev.From, ev.To, s.settled, ev.Kind)
	}
	s.settled = ev.To
	if ev.More {
		s.settled--
		if ev.To != ev.From+1 {
			c.fault("C1 chunk %d: [%d,%d) goes on", ev.Chunk, ev.From, ev.To)
		}
	}
	if s.settled >= n {
		delete(c.chunks, ev.Chunk)
	}
	return s
}

func (c *checker) placed(ev *Event) {
	s := c.settle(ev)
	if s == nil {
		return
	}
	t := c.track(ev.Track)
	if c.opened[ev.Ordinal] == nil {
		c.fault("C5 %s: placed in generation %d, which is not open", ev.Track, ev.Ordinal)
		return
	}
	if s.p.track.name != ev.Track {
		c.fault("C2 chunk of %s placed in %s", s.p.track.name, ev.Track)
	}
	if s.p.track.kind == Sparse {
		c.spoken(ev, s)
		return
	}
	m := t.segments[ev.N]
	switch {
	case ev.First && m != nil:
		c.fault("C2 %s: segment %d begins twice", ev.Track, ev.N)
		return
	case ev.First:
		m = &made{n: ev.N, ordinal: ev.Ordinal, slot: ev.Slot, start: ev.Start, pos: ev.Start}
		t.segments[ev.N] = m
		if len(t.segments) > 1 && ev.N <= t.last {
			c.fault("C2 %s: segment %d after %d", ev.Track, ev.N, t.last)
		}
		if slack := c.overlap(ev, t.ordinal); len(t.segments) > 1 && ev.Start < t.pos-slack {
			c.fault("C2 %s: segment %d starts at %d, before %d", ev.Track, ev.N, ev.Start, t.pos)
		}
		t.last, t.ordinal = ev.N, ev.Ordinal
	case m == nil || ev.N != t.last:
		c.fault("C2 %s: segment %d has no beginning", ev.Track, ev.N)
		return
	}
	if m.done {
		c.fault("C3 %s: segment %d was complete", ev.Track, ev.N)
	}
	if ev.Start != m.pos || ev.End < ev.Start {
		c.fault("C2 %s: segment %d: piece [%d,%d) after %d", ev.Track, ev.N, ev.Start, ev.End, m.pos)
	}
	g := c.opened[ev.Ordinal]
	grid := g.grid(ev.Track)
	if ev.First && s.p.track.kind == Video && g.Regular && !ev.Sync {
		c.fault("C2 %s: segment %d begins without a sync sample", ev.Track, ev.N)
	}
	enc := s.p.chunk.Time
	for i := range ev.To {
		if i >= ev.From {
			at := ev.Map.At(enc)
			if i == ev.From {
				long := ev.Map.At(enc+int64(s.p.chunk.Durations[i])) - at // one that overlaps by less than a half is placed late
				if early := at - ev.Start; early < 0 && grid.Cadence != 0 && -early > long/2 || early > g.partTicks(grid) {
					c.fault("C6 %s: segment %d: a sample at %d is placed at %d", ev.Track, ev.N, at, ev.Start)
				}
				at = ev.Start
			}
			m.frames = append(m.frames, fmt.Sprintf("%s@%d", s.p.frame(i), at))
		}
		enc += int64(s.p.chunk.Durations[i])
	}
	bridged := ev.To == ev.From+1 && ev.End < ev.Map.At(enc) && grid.Cadence != 0 && (ev.End-m.start)%g.partLength(grid) == 0 &&
		ev.Map.At(enc-int64(s.p.chunk.Durations[ev.From])) >= ev.End
	if at := ev.Map.At(enc); ev.End != at && at > ev.Start && !bridged {
		c.fault("C6 %s: segment %d: a piece ends at %d, its mapping says %d", ev.Track, ev.N, ev.End, at)
	}
	m.pos, t.pos = ev.End, ev.End
	switch {
	case ev.Part == len(m.begins):
		m.begins, m.endsAt = append(m.begins, ev.Start), append(m.endsAt, c.now)
	case ev.Part != len(m.begins)-1:
		c.fault("C9 %s: segment %d: a piece of part %d after %d", ev.Track, ev.N, ev.Part, len(m.begins)-1)
	default:
		m.endsAt[ev.Part] = c.now
	}
}

// spoken takes a sample of a sparse track.
func (c *checker) spoken(ev *Event, s *settling) {
	m := c.slot(ev)
	if m == nil {
		return
	}
	enc := s.p.chunk.Time
	for _, d := range s.p.chunk.Durations[:ev.From] {
		enc += int64(d)
	}
	from, to := ev.Map.At(enc), ev.Map.At(enc+int64(s.p.chunk.Durations[ev.From]))
	slack := c.opened[ev.Ordinal].grid(ev.Track).slack()
	if ev.To != ev.From+1 || ev.Start < from-slack || ev.End > to+slack || ev.Start >= ev.End {
		c.fault("C8 %s: segment %d: a sample of [%d,%d) is placed at [%d,%d)", ev.Track, ev.N, from, to, ev.Start, ev.End)
	}
	m.frames = append(m.frames, fmt.Sprintf("%s@%d+%d", s.p.frame(ev.From), ev.Start, ev.End-ev.Start))
}

// blank takes a stretch of a sparse track without samples.
func (c *checker) blank(ev *Event) {
	if m := c.slot(ev); m != nil {
		m.frames = append(m.frames, fmt.Sprintf("@%d+%d", ev.Start, ev.End-ev.Start))
	}
}

// slot is the segment of a sparse track that a piece continues.
func (c *checker) slot(ev *Event) *made {
	t := c.track(ev.Track)
	m := t.segments[ev.N]
	g := c.opened[ev.Ordinal]
	if g == nil {
		c.fault("C5 %s: a piece of generation %d, which is not open", ev.Track, ev.Ordinal)
		return nil
	}
	switch {
	case ev.First && m == nil:
		m = &made{n: ev.N, ordinal: ev.Ordinal, slot: ev.Slot, start: ev.Start, pos: ev.Start}
		at := g.edge(g.grid(ev.Track), ev.Slot)
		if n := len(t.list); n > 0 { // a generation of another node's may begin where this one has listed already
			at = max(at, t.list[n-1].End)
		}
		if ev.Start != at && !(at < ev.Start && ev.Ordinal != t.ordinal) {
			c.fault("C8 %s: segment %d starts at %d, its slot at %d", ev.Track, ev.N, ev.Start, at)
		}
		t.segments[ev.N], t.last, t.ordinal = m, ev.N, ev.Ordinal
	case ev.First || m == nil || m.done || ev.N != t.last:
		c.fault("C2 %s: a piece of segment %d out of line", ev.Track, ev.N)
		return nil
	}
	if ev.Start != m.pos || ev.End < ev.Start {
		c.fault("C2 %s: segment %d: piece [%d,%d) after %d", ev.Track, ev.N, ev.Start, ev.End, m.pos)
	}
	m.pos, t.pos = ev.End, ev.End
	return m
}

// partListed takes a part that is shown.
func (c *checker) partListed(ev *Event) {
	t := c.track(ev.Track)
	m := t.segments[ev.N]
	g := c.opened[ev.Ordinal]
	switch {
	case m == nil || g == nil || ev.Slot != m.slot: // it may have been opened in the generation before, by the same slots
		c.fault("C9 %s: part %d of segment %d has no segment", ev.Track, ev.Part, ev.N)
		return
	case len(t.list) > 0 && ev.N != t.list[len(t.list)-1].N+1 && !c.absent(ev.Track, t.list[len(t.list)-1].Ordinal, ev.Ordinal):
		c.fault("C9 %s: part %d of segment %d after segment %d", ev.Track, ev.Part, ev.N, t.list[len(t.list)-1].N)
	case ev.Part != len(m.parts) || ev.Part >= len(m.begins):
		c.fault("C9 %s: part %d of segment %d: %d are listed, %d there", ev.Track, ev.Part, ev.N, len(m.parts), len(m.begins))
		return
	}
	grid := g.grid(ev.Track)
	start := m.start
	if ev.Part > 0 {
		start = m.parts[ev.Part-1].End
	}
	if ev.Start != start || ev.End < ev.Start {
		c.fault("C9 %s: part %d of segment %d: [%d,%d) after %d", ev.Track, ev.Part, ev.N, ev.Start, ev.End, start)
	}
	switch at := m.begins[ev.Part]; {
	case grid.Kind == Sparse:
		c.fault("C9 %s: text has no parts", ev.Track)
	case m.pos < ev.End && !m.done:
		c.fault("C9 %s: part %d of segment %d ends at %d, its media at %d", ev.Track, ev.Part, ev.N, ev.End, m.pos)
	case at < ev.Start || at >= max(ev.End, ev.Start+1): // samples that last nothing make parts that do
		c.fault("C9 %s: part %d of segment %d [%d,%d) begins at %d", ev.Track, ev.Part, ev.N, ev.Start, ev.End, at)
	case ev.Part+1 < len(m.begins) && m.begins[ev.Part+1] < ev.End:
		c.fault("C9 %s: part %d of segment %d ends at %d, the next begins at %d", ev.Track, ev.Part, ev.N, ev.End, m.begins[ev.Part+1])
	case grid.Cadence != 0 && (ev.Start-m.start)%g.partLength(grid) != 0:
		c.fault("C9 %s: part %d of segment %d starts at %d, off the grid", ev.Track, ev.Part, ev.N, ev.Start)
	}
	m.parts, m.partsAt = append(m.parts, *ev), append(m.partsAt, c.now)
	if !c.masterOpened(g, ev.N) {
		c.hasty = append(c.hasty, *ev)
	}
}

// masterOpened tells whether the master of a generation has come to segment n.
func (c *checker) masterOpened(g *Generation, n uint64) bool {
	t := c.tracks[g.Master]
	return t == nil || t.last >= n || len(t.list) > 0 && t.list[len(t.list)-1].N >= n
}

func (c *checker) completed(ev *Event) {
	m := c.track(ev.Track).segments[ev.N]
	switch {
	case m == nil:
		c.fault("C3 %s: segment %d completes and has no pieces", ev.Track, ev.N)
		return
	case m.done:
		c.fault("C3 %s: segment %d completes twice", ev.Track, ev.N)
	case ev.Start != m.start || ev.End < ev.Start:
		c.fault("C3 %s: segment %d [%d,%d), pieces [%d,%d)", ev.Track, ev.N, ev.Start, ev.End, m.start, m.pos)
	}
	if g := c.opened[ev.Ordinal].grid(ev.Track); g.Kind == Sparse && ev.End != m.pos {
		c.fault("C8 %s: segment %d ends at %d, its pieces at %d", ev.Track, ev.N, ev.End, m.pos)
	}
	m.done, m.end, m.doneAt = true, ev.End, c.now
}

func (c *checker) listed(ev *Event) {
	t := c.track(ev.Track)
	if n := len(t.list); n > 0 {
		before := &t.list[n-1]
		if ev.N != before.N+1 && !c.absent(ev.Track, before.Ordinal, ev.Ordinal) {
			c.fault("C4 %s: %d is listed after %d", ev.Track, ev.N, before.N)
		}
		if slack := c.overlap(ev, before.Ordinal); ev.Start < before.End-slack {
			c.fault("C4 %s: entry %d [%d,%d) after one that ends at %d", ev.Track, ev.N, ev.Start, ev.End, before.End)
		}
		if ev.Ordinal < before.Ordinal {
			c.fault("C4 %s: entry %d: generation %d after %d", ev.Track, ev.N, ev.Ordinal, before.Ordinal)
		}
	}
	if ev.End < ev.Start {
		c.fault("C4 %s: entry %d [%d,%d)", ev.Track, ev.N, ev.Start, ev.End)
	}
	if c.opened[ev.Ordinal] == nil {
		c.fault("C5 %s: listed in generation %d, which is not open", ev.Track, ev.Ordinal)
	}
	if m := t.segments[ev.N]; !ev.Gap && (m == nil || !m.done || m.start != ev.Start || m.end != ev.End) {
		c.fault("C4 %s: entry %d is listed and not complete", ev.Track, ev.N)
	}
	if m := t.segments[ev.N]; !ev.Gap && m != nil && c.opened[ev.Ordinal] != nil && c.opened[ev.Ordinal].grid(ev.Track).Kind != Sparse {
		if len(m.parts) == 0 || len(m.parts) != len(m.begins) || m.parts[len(m.parts)-1].End > ev.End {
			c.fault("C9 %s: entry %d is listed with %d of %d parts", ev.Track, ev.N, len(m.parts), len(m.begins))
		}
	}
	t.list = append(t.list, *ev)
	t.at = append(t.at, c.now)
}

// absent tells whether a track was out of the set in a generation between two.
func (c *checker) absent(track string, from, to int) bool {
	for i := from + 1; i < to; i++ {
		if g := c.opened[i]; g != nil && g.grid(track) == nil {
			return true
		}
	}
	return false
}

// overlap is what a new generation's grid may begin early: a frame.
func (c *checker) overlap(ev *Event, before int) int64 {
	if g := c.opened[ev.Ordinal]; ev.Ordinal != before && g != nil {
		return g.grid(ev.Track).Cadence
	}
	return 0
}

// gaps counts GAP entries from a time on (UTC ns).
func (c *checker) gaps(track string, from, to int64) (gaps, media int) {
	for _, ev := range c.track(track).list {
		g := c.opened[ev.Ordinal]
		grid := g.grid(track)
		if at := scale(ev.Start, second, int64(grid.Timescale)); at < from || at >= to {
			continue
		}
		if ev.Gap {
			gaps++
		} else {
			media++
		}
	}
	return gaps, media
}

// lostOf tells whether a segment of another node has frames that never arrived here.
func (c *checker) lostOf(m *made) bool {
	for _, f := range m.frames {
		if name, _, _ := strings.Cut(f, "@"); c.lost[name] {
			return true
		}
	}
	return false
}

// draw is a track's list, one letter an entry: the generation's letter for media, '.' for a GAP of which nothing came,
// '-' for one of which something came, 'o' for one that became whole after it was listed.
func (c *checker) draw(name string) string {
	t := c.track(name)
	b := make([]byte, 0, len(t.list))
	for _, ev := range t.list {
		switch m := t.segments[ev.N]; {
		case !ev.Gap:
			b = append(b, byte('a'+ev.Ordinal%26))
		case m != nil && m.done:
			b = append(b, 'o')
		case m != nil:
			b = append(b, '-')
		default:
			b = append(b, '.')
		}
	}
	return string(b)
}

// lists draws all tracks.
func (c *checker) lists() string {
	var b strings.Builder
	var names []string
	for name := range c.tracks {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if t := c.tracks[name]; len(t.list) > 0 {
			fmt.Fprintf(&b, "%s %s %d %s\n", c.node, name, t.list[0].N, c.draw(name))
		}
	}
	fmt.Fprintf(&b, "drops %v notes %v\n", c.drops, c.notes)
	return b.String()
}
