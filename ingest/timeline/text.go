package timeline

import (
	"math"
	"slices"
)

// A cue is a chunk of a sparse track that waits for its slots.
//
// Text has no cadence: a cue may last for a minute, and then nothing comes for ten. So its slots are filled when they are
// decided, from edge to edge, and not as chunks come: by what lasts within the slot, each sample again in every slot that
// it lasts through, and by blanks in between. A slot is decided when text that reaches its end is there, else at the
// slot's deadline, which is that of sound and picture: text does not make the lag. (Where its chunks follow each other
// and end somewhere within slots, the end of a slot comes with the next of them, and is waited for; not longer than a
// slot.)
//
// Rules: docs/time.md, sections 2 and 4.
type cue struct {
	h          *held
	m          Mapping
	config     uint64
	start, end int64 // channel ticks
}

// Bounds on the cues of a track that wait. Beyond them the oldest goes.
const (
	maxCues       = 256
	maxCueSamples = 8192 // of all cues
)

// maxTextAhead is how far ahead of its time text may be sent.
const maxTextAhead = 10 * second

// hear takes a chunk of a sparse track. It reports false where the chunk has to wait: for a generation that has the track,
// or for its session's time base.
func (tl *Timeline) hear(now int64, in *input, h *held) bool {
	t := in.t
	if tl.mute(in) {
		tl.dropAll(t, h, Standby)
		return true
	}
	grid := tl.gen().grid(t.name)
	if grid == nil || grid.Config != in.info.Config {
		return tl.change(now, in, h)
	}
	if tl.relearn.on && tl.relearn.fresh {
		return false
	}
	b := tl.clockOf(in, h)
	var c cue
	if b != nil {
		m := b.mapping(grid, in.info.Timescale)
		c = cue{m: m, config: in.info.Config, start: m.At(h.x), end: m.At(h.end)}
	}
	if b == nil || tl.missed(t, b, in, h, c.end) {
		// Its session's pictures may be about to be laid on the channel anew. Where no clock fits, or the text's went back, they
		// may be on their way.
		before := b == nil || in.cont && scale(in.next-h.end, second, int64(in.info.Timescale)) > maxTextAhead
		if now-h.arrival < tl.waitMost() && (before && now-h.arrival < tl.gen().dNanos()+2*second || tl.siblings(now, in) == no) {
			tl.wakeAt(in, add(now, second/4))
			return false
		}
		why := Late
		if b == nil {
			why = OffTime
			tl.tell(t, now, OffTime, "the text's clock is not that of its siblings: it is not used")
		}
		tl.dropAll(t, h, why)
		return true
	}
	if len(h.dur)-h.from > maxCueSamples {
		tl.dropAll(t, h, Overflow)
		return true
	}
	tl.measureText(in, h, grid, c.end)
	c.h = tl.keep(h)
	at := len(t.cues)
	for at > 0 && t.cues[at-1].start > c.start {
		at--
	}
	t.cues = slices.Insert(t.cues, at, c)
	t.reach = max(t.reach, c.end)
	t.cueSamples += len(c.h.dur)
	for len(t.cues) > maxCues || t.cueSamples > maxCueSamples {
		tl.dropAll(t, t.cues[0].h, Overflow)
		tl.unhear(t)
	}
	tl.dirty = true
	return true
}

// missed tells whether all slots that a chunk lies in are decided.
func (tl *Timeline) missed(t *track, b *timebase, in *input, h *held, end int64) bool {
	if t.listed {
		return end <= t.lastEnd
	}
	over := sub(h.arrival, b.nanos(h.end, in.info.Timescale))
	return over > add(tl.lag, tl.gen().half()+tl.gen().dNanos())
}

// measureText takes note of how long chunks are that end within slots.
func (tl *Timeline) measureText(in *input, h *held, grid *Grid, end int64) {
	t, g := in.t, tl.gen()
	need := int64(0)
	if !in.cont || abs(h.time-in.next) <= int64(in.info.Timescale)/edgeParts {
		k := g.slotOf(grid, end+grid.slack())
		if end-g.edge(grid, k) > grid.slack() {
			need = min(scale(h.end-h.time, second, int64(in.info.Timescale)), g.dNanos())
		}
	}
	t.spare = max(need, t.spare)
	in.cont, in.next = true, h.end
}

// edgeParts of a second is how near to a slot's edge text has to come to be meant for it: encoders round, and half a
// picture more or less is not seen.
const edgeParts = 50

func (g *Grid) slack() int64 { return int64(g.Timescale) / edgeParts }

// unhear removes the first cue, which is settled.
func (tl *Timeline) unhear(t *track) {
	t.cueSamples -= len(t.cues[0].h.dur)
	tl.free(t.cues[0].h)
	t.cues = slices.Delete(t.cues, 0, 1)
}

// clockOf is the time base that a sparse chunk is on: that of the newest session under which it is not far from now. Its
// arrival says little more: cues come when they begin, when they end, or long after.
func (tl *Timeline) clockOf(in *input, h *held) *timebase {
	for i := len(tl.bases) - 1; i >= 0; i-- {
		b := tl.bases[i]
		if b.track != "" {
			continue
		}
		begun := sub(sub(h.arrival, b.nanos(h.x, in.info.Timescale)), b.late)
		over := sub(sub(h.arrival, b.nanos(h.end, in.info.Timescale)), b.late)
		if begun >= -maxTextAhead && over <= tl.cfg.Window+catchUp {
			return b
		}
	}
	return nil
}

// fill writes segment n of a sparse track, whole. Where cues overlap the later one counts.
func (tl *Timeline) fill(t *track, g *Generation, grid *Grid, n uint64) (start, end int64) {
	ev := Event{Track: t.name, N: n, Slot: g.slot(n), Ordinal: g.Ordinal, First: true, Sync: true}
	slack := grid.slack()
	start = g.edge(grid, ev.Slot)
	if t.listed {
		start = max(start, t.lastEnd)
	}
	end = max(start, tl.slotEnd(t, g, grid, n))
	pos := start
	blank := func(until int64) {
		if pos < until || ev.First {
			ev.Kind, ev.Start, ev.End = Blank, pos, until
			tl.emit(ev)
			ev.First, pos = false, until
		}
	}
	for len(t.cues) > 0 {
		c := &t.cues[0]
		until := int64(math.MaxInt64)
		if len(t.cues) > 1 {
			until = t.cues[1].start
		}
		for h := c.h; h.from < len(h.dur); {
			s, e := c.m.At(h.x), min(c.m.At(h.x+int64(h.dur[h.from])), until)
			if s >= end-slack {
				break
			}
			if abs(e-end) <= slack {
				e = end
			}
			from, to := max(s, pos), min(e, end)
			if from-pos <= slack {
				from = pos
			}
			if from < to && c.config == grid.Config {
				if from > pos {
					blank(from)
				}
				ev.Kind, ev.Start, ev.End = Placed, from, to
				p := ev
				p.Chunk, p.From, p.To, p.Map, p.More = h.id, h.from, h.from+1, c.m, e > end
				tl.emit(p)
				ev.First, pos = false, to
			} else if e <= end {
				tl.drop(t, h, h.from+1, h.x+int64(h.dur[h.from]), t.unheard(c, grid, e, start))
				continue
			}
			if e > end {
				break
			}
			h.x += int64(h.dur[h.from])
			h.from++
		}
		if c.h.from < len(c.h.dur) {
			break
		}
		tl.unhear(t)
	}
	blank(end)
	t.spare -= t.spare / 32
	tl.enter(t, n+1)
	ev.Kind, ev.Start, ev.End, ev.First, ev.Sync = Completed, start, end, false, false
	tl.emit(ev)
	return start, end
}

// unheard is why a sample that ends at end has no place in the slot that starts at start.
func (t *track) unheard(c *cue, grid *Grid, end, start int64) Reason {
	switch {
	case c.config != grid.Config:
		return OffSet
	case end > start:
		return Duplicate
	case !t.listed:
		return BeforeStart
	}
	return Late
}

// silence drops the cues of a track that is no more in the set.
func (tl *Timeline) silence(t *track) {
	for len(t.cues) > 0 {
		tl.dropAll(t, t.cues[0].h, OffSet)
		tl.unhear(t)
	}
}

// texts are the sparse tracks that inputs bring and that a generation does not have as they are now: a header is enough,
// for the first cue may come much later. Their grid is their timescale.
func (tl *Timeline) texts(g *Generation) (grids []Grid) {
	for _, t := range tl.tracks {
		var newest *input
		for _, in := range tl.inputs {
			if in.t == t && (in.open || len(in.q) > 0) {
				newest = in
			}
		}
		if t.kind != Sparse || newest == nil {
			continue
		}
		if grid := g.grid(t.name); grid != nil && grid.Config == newest.info.Config {
			continue
		}
		p := tl.published(t.name)
		if p == 0 {
			p = textTimescale(&newest.info)
		}
		grids = append(grids, Grid{Name: t.name, Kind: Sparse, Timescale: uint32(p), Config: newest.info.Config})
	}
	return grids
}

// textTimescale is the encoder's own where channel times stay below 2^53 in it.
func textTimescale(info *TrackInfo) int64 {
	if info.Timescale <= maxTimescale {
		return int64(info.Timescale)
	}
	return videoTimescale
}

// addTexts puts the sparse tracks that inputs bring into the set, as far as there is room.
func (tl *Timeline) addTexts(g *Generation) (added int) {
	for _, grid := range tl.texts(g) {
		if g.grid(grid.Name) != nil || len(g.Tracks) < maxTracks {
			g.insert(grid)
			added++
		}
	}
	return added
}

// expectTexts has a generation written for sparse tracks that are there and not in the set.
func (tl *Timeline) expectTexts(now int64) {
	if len(tl.gens) > 0 && !tl.relearn.on && !tl.amend.on && len(tl.texts(tl.gen())) > 0 {
		tl.amend = amend{on: true, since: now}
	}
}
