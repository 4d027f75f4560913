package ingest

import (
	"sync/atomic"

	"weir/ingest/timeline"
	"weir/media"
	"weir/segcache"
)

// A track is the writer's side of one track of the channel. All fields but the counters belong to Channel.mu.
type track struct {
	name  string
	kind  media.Kind
	live  *segcache.Track         // nil until the track's identity is on record
	heads *segcache.Arena         // segments of text; moofs of streams that have gone
	descs map[uint64]*media.Input // what encoders said, by ConfigHash

	grid    timeline.Grid // of the generation in force
	ordinal int
	hasInit map[int]bool // generations whose init segment is published

	segment uint64 // number and chunk count of the segment being written: they make the sequence number
	chunks  uint32

	partless uint64 // segment of which a part could not be listed

	page page // text: the segment that is being put together

	prints prints
	gaps   int // slots listed as GAP in a row

	several atomic.Bool // it has several sources: its chunks bear weir's own producer reference time
	sources servings

	stats TrackStats
}

// TrackStats counts what happened to a track. Safe for concurrent reading.
type TrackStats struct {
	Bytes       atomic.Int64                 // payload bytes committed
	Chunks      atomic.Int64                 // chunks committed
	Segments    atomic.Int64                 // segments listed as media
	Gaps        atomic.Int64                 // slots listed as GAP
	Behind      atomic.Int64                 // ns: how much later the newest chunk with a producer reference time came than that says; 0: none came
	LastChunk   atomic.Int64                 // arrival of the newest committed chunk, UTC ns
	Dropped     [maxReasons + 1]atomic.Int64 // by reason; the last counts all others
	BadFragment atomic.Int64
	Events      atomic.Int64 // of a sparse track
	Differ      atomic.Int64 // duplicates with other bytes
}

// describe remembers what an encoder says of the track, keyed by decoder configuration. A channel sees few of them; the
// oldest go when an encoder keeps inventing new ones.
func (t *track) describe(in *media.Input) {
	if len(t.descs) >= 16 {
		for k := range t.descs {
			if k != t.grid.Config {
				delete(t.descs, k)
				break
			}
		}
	}
	t.descs[in.ConfigHash] = in
}

// trackFor finds or makes the channel's track of that name. Called with mu held.
func (c *Channel) trackFor(name string, kind media.Kind) (*track, error) {
	if t := c.tracks[name]; t != nil {
		return t, nil
	}
	if len(c.tracks) >= c.limits.ChannelTracks && !c.forgetTrack() {
		return nil, ErrTooMany
	}
	t := &track{name: name, kind: kind, descs: map[uint64]*media.Input{}, hasInit: map[int]bool{}, ordinal: -1}
	c.tracks[name] = t
	return t, nil
}

// forgetTrack drops a track that no generation knows and no stream carries, to make place for another. Called with mu
// held.
func (c *Channel) forgetTrack() bool {
	carried := map[*track]bool{}
	for _, s := range c.streams {
		for _, in := range s.inputs {
			carried[in.track] = true
		}
	}
	for _, p := range c.pend {
		if p.settled < len(p.samples) {
			carried[p.in.track] = true
		}
	}
	for name, t := range c.tracks {
		if t.live == nil && !carried[t] {
			delete(c.tracks, name)
			return true
		}
	}
	return false
}

// openGeneration puts a generation in force for its tracks and tells readers. Called with mu held (or before Run).
func (c *Channel) openGeneration(g *timeline.Generation) {
	for i := range c.generations {
		if c.generations[i].Ordinal == g.Ordinal {
			c.generations = append(c.generations[:i], c.generations[i+1:]...)
			break
		}
	}
	c.generations = append(c.generations, *g)
	if len(c.generations) > 64 { // far more than a window can hold
		c.generations = c.generations[1:]
	}
	for _, grid := range g.Tracks {
		t, err := c.trackFor(grid.Name, kindOf(grid.Kind))
		if err != nil {
			c.log.Error("generation names more tracks than ingest.limits.channelTracks", "track", grid.Name)
			continue
		}
		t.grid, t.ordinal = grid, g.Ordinal
		c.register(t)
		c.publishInit(t)
	}
	for _, s := range c.streams {
		s.remember()
	}
	c.live.SetGenerations(readerGenerations(c.generations))
	c.dirty = true
}

// register gives the track its place in the window once its identity is known.
func (c *Channel) register(t *track) {
	if t.live != nil {
		return
	}
	r, ok := c.identities[t.name]
	if !ok {
		return
	}
	t.live = c.live.AddTrack(segcache.TrackConfig{Name: t.name, ID: r.ID, Kind: r.Kind, Bandwidth: r.Bandwidth})
	t.heads = c.deps.Cache.NewArena(headBitsPerSecond)
}

// headBitsPerSecond sizes a track's own arena, of which most need nothing.
const headBitsPerSecond = 32_000

// publishInit makes the init segment of the generation in force, as soon as an encoder has described the track.
func (c *Channel) publishInit(t *track) {
	if t.live == nil || t.ordinal < 0 || t.hasInit[t.ordinal] {
		return
	}
	in := t.descs[t.grid.Config]
	if in == nil {
		return
	}
	m, err := in.Publish(t.grid.Timescale)
	if err != nil {
		c.log.Error("init segment cannot be made", "track", t.name, "err", err)
		return
	}
	t.live.SetInit(segcache.Init{Ordinal: t.ordinal, Media: m, Cadence: t.grid.Cadence, Phase: t.grid.Phase})
	t.hasInit[t.ordinal] = true
	c.dirty = true
}

func kindOf(k timeline.Kind) media.Kind {
	switch k {
	case timeline.Video:
		return media.Video
	case timeline.Audio:
		return media.Audio
	case timeline.Sparse:
	}
	return media.Text
}

func timelineKind(k media.Kind) timeline.Kind {
	switch k {
	case media.Video:
		return timeline.Video
	case media.Audio:
		return timeline.Audio
	case media.Text, media.Metadata:
	}
	return timeline.Sparse
}

// readerGenerations is what readers need of the records.
func readerGenerations(gens []timeline.Generation) []segcache.Generation {
	out := make([]segcache.Generation, len(gens))
	for i, g := range gens {
		out[i] = segcache.Generation{
			Ordinal:               g.Ordinal,
			N0:                    g.N0,
			DiscontinuitySequence: g.DiscontinuitySequence,
			Timescale:             g.MasterTimescale,
			SlotTicks:             g.D,
			PhaseTicks:            g.Phase,
			K0:                    g.K0,
			Regular:               g.Regular,
			Cut:                   g.Cut,
			TargetDuration:        g.TargetDuration,
			PartTarget:            g.PartTarget,
			Burst:                 g.Burst,
			Epoch:                 g.Epoch,
			Late:                  g.Late,
		}
	}
	return out
}
