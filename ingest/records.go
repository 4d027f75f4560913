package ingest

import (
	"context"

	"weir/ingest/timeline"
	"weir/media"
)

// A TrackRecord is the stored identity of a track: fixed when the track is first registered, the same on every node
// that shares the store. Fields are only ever added.
type TrackRecord struct {
	Name      string     `json:"name"`
	ID        int64      `json:"id"`        // nominal bitrate, bits per second: the {id} of QualityLevels({id})
	Bandwidth int        `json:"bandwidth"` // bits per second that manifests advertise
	Kind      media.Kind `json:"kind"`
}

// Records keeps what cannot be derived from the media alone. Every Put is first-writer-wins: it returns what is
// stored under that number or name, which may be another node's. An acknowledged record survives a crash.
// All methods are safe for concurrent use and end with ctx.
type Records interface {
	// Load returns what is stored for a channel: generations and joins in order, tracks in order of name.
	Load(ctx context.Context, channel string) ([]timeline.Generation, []timeline.Join, []TrackRecord, error)
	PutGeneration(ctx context.Context, channel string, g timeline.Generation) (timeline.Generation, error)
	PutJoin(ctx context.Context, channel string, j timeline.Join) (timeline.Join, error)
	// Handovers returns the changes of source, in order of Seq.
	Handovers(ctx context.Context, channel string) ([]timeline.Handover, error)
	PutHandover(ctx context.Context, channel string, h timeline.Handover) (timeline.Handover, error)
	// Watch tells of generations, joins and handovers that others store, in the order in which they were written, one of the
	// three at a time. It may repeat what is known. It returns nil at once where no other node shares the store, else when
	// ctx ends, or the store cannot be watched any more.
	Watch(ctx context.Context, channel string, tell func(*timeline.Generation, *timeline.Join, *timeline.Handover)) error
	PutTrack(ctx context.Context, channel string, t TrackRecord) (TrackRecord, error)
	// Headers returns the newest header of each stream. PutHeader stores a newer one; unlike the others it replaces.
	Headers(ctx context.Context, channel string) ([]HeaderRecord, error)
	PutHeader(ctx context.Context, channel string, h HeaderRecord) error
}
