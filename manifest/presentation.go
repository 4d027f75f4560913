// Package manifest owns the snapshot of a presentation that manifests are rendered from; its sub-packages turn it into
// bytes (hls, dash). It knows no HTTP, no clock, no locks and no ring: origin fills the snapshot in, and equal snapshots
// give equal bytes. Start reading at Presentation.
package manifest

import "weir/media"

// A Presentation is what one URL plays: an immutable snapshot of a channel's listed window.
type Presentation struct {
	Live           bool         // false: ended, no more segments will come (ENDLIST, static)
	TargetDuration int          // seconds, fixed for the life of the URL
	PartTarget     int64        // nanoseconds, fixed likewise; 0: no low latency is offered
	Burst          int64        // nanoseconds: how much media encoders send at a time; 0: not known
	Window         int64        // nanoseconds of media that the lists keep (live.window); 0: they are not cut
	Epoch          bool         // encoder times are UTC: $Number$ addressing may be offered
	Generations    []Generation // in order of Ordinal; at least those that Runs and Kept speak of
	Tracks         []Track      // in order of kind (video, audio, text), then descending ID for video, then name
}

// A Generation is a stretch with one decoder configuration per track; every one after the first listed stands behind a
// DISCONTINUITY in HLS and in a Period of its own in DASH.
type Generation struct {
	Ordinal               int
	N0                    uint64 // number of its first slot
	DiscontinuitySequence uint64
	// Master grid: slot k starts at k*SlotTicks + PhaseTicks, in ticks of Timescale since the Unix epoch; N = N0 + (k - K0).
	Timescale  uint32
	SlotTicks  int64
	PhaseTicks int64
	K0         int64
	Regular    bool  // every segment of the master starts exactly at its slot
	Dependent  bool  // segments may start without a sync sample (no multiple of the GOP fits): never called independent
	Late       int64 // nanoseconds: how late media came by the encoder's clock when the generation was opened
}

// A Track is one rendition with its listed segments.
type Track struct {
	Name      string
	ID        int64  // nominal bitrate: the {id} of QualityLevels({id}); unique together with Name
	Bandwidth int    // bits per second to advertise (peak)
	Average   int    // bits per second on average; 0 when not measured: the nominal bitrate (ID) stands in
	Inits     []Init // in order of Ordinal
	Runs      []Run  // in order of N, consecutive, without holes: holes are runs with Gap
	// Parts are those of the newest segments, and of the one that is open: its number is End(). In order of N; segments
	// without parts are left out.
	Parts []SegmentParts
	// Kept is the newest media segment older than Runs (Count 1), or the zero Run. It is needed while Runs begins with a
	// GAP: in an outage longer than the window DASH goes on listing it, so that a Representation never runs empty.
	Kept Run
}

// An Init is the description of a track within one generation, and the grid of its samples there.
type Init struct {
	Ordinal int
	Media   *media.Track
	Cadence int64 // ticks from sample to sample; 0: variable
	Phase   int64 // samples start at multiples of Cadence plus Phase
}

// Generation returns the generation with the given ordinal, or nil when the snapshot does not have it.
func (p *Presentation) Generation(ordinal int) *Generation {
	for i := range p.Generations {
		if p.Generations[i].Ordinal == ordinal {
			return &p.Generations[i]
		}
	}
	return nil
}

// SlotStart is where slot of number n starts, in ticks of the generation's Timescale since the Unix epoch.
func (g *Generation) SlotStart(n uint64) int64 {
	return (g.K0+int64(n-g.N0))*g.SlotTicks + g.PhaseTicks
}

// KeyFrames tells whether the segments of video begin with a sync sample in the generation, so that each has a key frame
// to list. Where slots are cut without, some have none, and nobody who lists knows which.
func (g *Generation) KeyFrames() bool { return !g.Dependent }

// Init returns the description of the track in the given generation, or nil when the track has none there.
func (t *Track) Init(ordinal int) *media.Track {
	if init := t.Grid(ordinal); init != nil {
		return init.Media
	}
	return nil
}

// Grid returns the description of the track in the given generation with its grid, or nil when the track has none there.
func (t *Track) Grid(ordinal int) *Init {
	for i := range t.Inits {
		if t.Inits[i].Ordinal == ordinal {
			return &t.Inits[i]
		}
	}
	return nil
}

// Nearest returns the description of the track in the given generation, else in the last one before it, else in the
// first after it; nil when it has none at all. It is what segments without bytes are said to belong to.
func (t *Track) Nearest(ordinal int) *media.Track {
	var nearest *media.Track
	for i := range t.Inits {
		if nearest != nil && t.Inits[i].Ordinal > ordinal {
			break
		}
		nearest = t.Inits[i].Media
	}
	return nearest
}

// Newest returns the description of the track in its newest generation, or nil when it has none at all.
func (t *Track) Newest() *media.Track {
	if len(t.Inits) == 0 {
		return nil
	}
	return t.Inits[len(t.Inits)-1].Media
}

// Current is the ordinal of the newest generation that any track lists a segment of, media or GAP; false when nothing is
// listed.
func (p *Presentation) Current() (ordinal int, ok bool) {
	for i := range p.Tracks {
		if runs := p.Tracks[i].Runs; len(runs) > 0 {
			if o := runs[len(runs)-1].Ordinal; !ok || o > ordinal {
				ordinal, ok = o, true
			}
		}
	}
	return ordinal, ok
}

// End is the number after the newest listed segment, media or GAP; 0 when nothing is listed.
func (t *Track) End() uint64 {
	if len(t.Runs) == 0 {
		return 0
	}
	return t.Runs[len(t.Runs)-1].End()
}
