package reconcile

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"weir/control/state"
	"weir/ingest"
	"weir/ingest/timeline"
)

// Records implements ingest.Records over the state store. Each record stands under a key of its own, as JSON:
//
//	channel.{name}.generation.{ordinal}   timeline.Generation
//	channel.{name}.join.{seq}             timeline.Join
//	channel.{name}.handover.{seq}         timeline.Handover
//	channel.{name}.track.{track}          ingest.TrackRecord
//
// and never changes: who comes second gets what stands there. Only headers are replaced, the newest counts:
//
//	channel.{name}.header.{stream}        ingest.HeaderRecord
//
// Safe for concurrent use.
type Records struct{ Store *state.Store }

const (
	generations = "generation"
	joins       = "join"
	handovers   = "handover"
	tracks      = "track"
	headers     = "header"
)

// Load implements ingest.Records.
func (r Records) Load(ctx context.Context, channel string) ([]timeline.Generation, []timeline.Join, []ingest.TrackRecord, error) {
	g, err := list(ctx, r.Store, channel, generations, func(a, b timeline.Generation) int { return cmp.Compare(a.Ordinal, b.Ordinal) })
	if err != nil {
		return nil, nil, nil, err
	}
	j, err := list(ctx, r.Store, channel, joins, func(a, b timeline.Join) int { return cmp.Compare(a.Seq, b.Seq) })
	if err != nil {
		return nil, nil, nil, err
	}
	t, err := list(ctx, r.Store, channel, tracks, func(a, b ingest.TrackRecord) int { return cmp.Compare(a.Name, b.Name) })
	return g, j, t, err
}

// PutGeneration implements ingest.Records.
func (r Records) PutGeneration(ctx context.Context, channel string, g timeline.Generation) (timeline.Generation, error) {
	return create(ctx, r.Store, channel, generations, strconv.Itoa(g.Ordinal), g)
}

// PutJoin implements ingest.Records.
func (r Records) PutJoin(ctx context.Context, channel string, j timeline.Join) (timeline.Join, error) {
	return create(ctx, r.Store, channel, joins, strconv.Itoa(j.Seq), j)
}

// Handovers implements ingest.Records.
func (r Records) Handovers(ctx context.Context, channel string) ([]timeline.Handover, error) {
	return list(ctx, r.Store, channel, handovers, func(a, b timeline.Handover) int { return cmp.Compare(a.Seq, b.Seq) })
}

// PutHandover implements ingest.Records.
func (r Records) PutHandover(ctx context.Context, channel string, h timeline.Handover) (timeline.Handover, error) {
	return create(ctx, r.Store, channel, handovers, strconv.Itoa(h.Seq), h)
}

// Watch implements ingest.Records.
func (r Records) Watch(ctx context.Context, channel string, tell func(*timeline.Generation, *timeline.Join, *timeline.Handover)) error {
	if !r.Store.Shared() {
		return nil
	}
	return r.Store.Watch(ctx, state.NewKey("channel", channel), func(parts []string, value []byte) {
		var (
			g timeline.Generation
			j timeline.Join
			h timeline.Handover
		)
		switch {
		case parts[0] == generations && json.Unmarshal(value, &g) == nil:
			tell(&g, nil, nil)
		case parts[0] == joins && json.Unmarshal(value, &j) == nil:
			tell(nil, &j, nil)
		case parts[0] == handovers && json.Unmarshal(value, &h) == nil:
			tell(nil, nil, &h)
		}
	})
}

// PutTrack implements ingest.Records.
func (r Records) PutTrack(ctx context.Context, channel string, t ingest.TrackRecord) (ingest.TrackRecord, error) {
	return create(ctx, r.Store, channel, tracks, t.Name, t)
}

// Headers implements ingest.Records.
func (r Records) Headers(ctx context.Context, channel string) ([]ingest.HeaderRecord, error) {
	return list(ctx, r.Store, channel, headers, func(a, b ingest.HeaderRecord) int { return cmp.Compare(a.Stream, b.Stream) })
}

// PutHeader implements ingest.Records.
func (r Records) PutHeader(ctx context.Context, channel string, h ingest.HeaderRecord) error {
	value, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("%s %s: %w", headers, h.Stream, err)
	}
	key := state.NewKey("channel", channel, headers, h.Stream)
	for {
		newest, err := r.Store.Newest(ctx, key)
		if err != nil && !errors.Is(err, state.ErrNotFound) {
			return err
		}
		if bytes.Equal(newest.Value, value) {
			return nil
		}
		if err := r.Store.Append(ctx, key, newest.Revision, value); !errors.Is(err, state.ErrConflict) {
			return err
		}
	}
}

// create stores a record unless one stands there, and returns the one that stands there now.
func create[T any](ctx context.Context, store *state.Store, channel, kind, id string, record T) (stored T, err error) {
	value, err := json.Marshal(record)
	if err != nil {
		return stored, fmt.Errorf("%s %s: %w", kind, id, err)
	}
	winner, _, err := store.Create(ctx, state.NewKey("channel", channel, kind, id), value)
	if err != nil {
		return stored, err
	}
	if err := json.Unmarshal(winner, &stored); err != nil {
		return stored, fmt.Errorf("%s %s: %w", kind, id, err)
	}
	return stored, nil
}

// list returns the channel's records of a kind, in order.
func list[T any](ctx context.Context, store *state.Store, channel, kind string, order func(a, b T) int) ([]T, error) {
	values, err := store.List(ctx, state.NewKey("channel", channel, kind))
	if err != nil {
		return nil, err
	}
	records := make([]T, len(values))
	for i, v := range values {
		if err := json.Unmarshal(v, &records[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", kind, err)
		}
	}
	slices.SortFunc(records, order)
	return records, nil
}
