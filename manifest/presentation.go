// Package manifest owns the snapshot of a presentation that manifests are rendered from; its sub-packages turn it into
// bytes (hls, dash). It knows no HTTP, no clock, no locks and no ring: origin fills the snapshot in, and equal snapshots
// give equal bytes. Start reading at Presentation.
package manifest

import "weir/media"

// A Presentation is what one URL plays: an immutable snapshot of a channel's listed window.
type Presentation struct {
	Live           bool  // false: ended, no more segments will come (ENDLIST, static)
	TargetDuration int   // seconds, fixed for the life of the URL
	PartTarget     int64 // nanoseconds
	Window         int64 // nanoseconds of media that the lists keep (live.window)
	Epoch          bool  // encoder times are UTC: $Number$ addressing may be offered
	Generations    []Generation
	Tracks         []Track // in order of kind (video, audio, text), then descending ID for video, then name
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
	Regular    bool // every segment of the master starts exactly at its slot
}

// A Track is one rendition with its listed segments.
type Track struct {
	Name      string
	ID        int64 // nominal bitrate: the {id} of QualityLevels({id}); unique together with Name
	Bandwidth int   // bits per second to advertise (peak)
	Inits     []Init
	Runs      []Run // in order of N, consecutive, without holes: holes are runs with Gap
}

// An Init is the description of a track within one generation.
type Init struct {
	Ordinal int
	Media   *media.Track
}

// A Run is Count consecutive segments of equal duration that follow each other without a hole in time.
type Run struct {
	N        uint64 // number of the first
	Count    int
	Start    int64 // ticks of the track since the Unix epoch
	Duration int64 // ticks, each
	Ordinal  int   // generation
	Gap      bool
}
