package state

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// logLength is how many of the newest entries of a log stay: the most that a JetStream bucket keeps per key.
const logLength = jetstream.KeyValueMaxHistory

// Create stores value under key unless there is a record already, and returns the record that stands from now on: ours
// (created) or that of whoever came first. A record, once made, never changes.
//
// On an error nothing is known: the record may have been stored. Call again; the answer then tells.
func (s *Store) Create(ctx context.Context, key Key, value []byte) (winner []byte, created bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err = s.kv.Update(ctx, string(key), value, 0)
	if err == nil {
		return value, true, nil
	}
	if !errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		return nil, false, fmt.Errorf("create %s: %w", key, err)
	}
	winner, err = s.Get(ctx, key)
	return winner, false, err
}

// Get returns the record under key, of a log its newest entry, or ErrNotFound.
func (s *Store) Get(ctx context.Context, key Key) ([]byte, error) {
	e, err := s.newest(ctx, key)
	return e.Value, err
}

// List returns the records whose keys continue prefix, in the order in which they were written.
func (s *Store) List(ctx context.Context, prefix Key) ([][]byte, error) {
	entries, err := s.read(ctx, prefix+".>", jetstream.IgnoreDeletes())
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", prefix, err)
	}
	values := make([][]byte, len(entries))
	for i, e := range entries {
		values[i] = e.Value
	}
	return values, nil
}

// An Entry is one value of a log and the revision it got.
type Entry struct {
	Revision uint64 // grows along the log; 0: before the first entry
	Value    []byte
}

// Newest returns the last entry of the log under key, or ErrNotFound.
func (s *Store) Newest(ctx context.Context, key Key) (Entry, error) { return s.newest(ctx, key) }

// Log returns the entries of the log under key, oldest first; only the newest 64 are kept. No log is an empty log.
func (s *Store) Log(ctx context.Context, key Key) ([]Entry, error) {
	entries, err := s.read(ctx, key, jetstream.IncludeHistory())
	if err != nil {
		return nil, fmt.Errorf("log %s: %w", key, err)
	}
	return entries, nil
}

// Append adds value to the log under key if the entry with revision after is still its last one (0: the log is empty);
// otherwise it returns ErrConflict. On any other error nothing is known: read the log.
func (s *Store) Append(ctx context.Context, key Key, after uint64, value []byte) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := s.kv.Update(ctx, string(key), value, after)
	if errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		return ErrConflict
	}
	if err != nil {
		return fmt.Errorf("append %s: %w", key, err)
	}
	return nil
}

// Watch tells of the records whose keys continue prefix: first those that stand there, then each that is written, in order.
// parts are the key's beyond the prefix. It blocks until ctx ends (nil) or the store cannot be watched any more. value is the
// callee's.
func (s *Store) Watch(ctx context.Context, prefix Key, tell func(parts []string, value []byte)) error {
	w, err := s.kv.Watch(ctx, string(prefix)+".>", jetstream.IgnoreDeletes())
	if err != nil {
		return fmt.Errorf("watch %s: %w", prefix, err)
	}
	defer w.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, open := <-w.Updates():
			switch {
			case !open && ctx.Err() != nil:
				return nil
			case !open:
				return fmt.Errorf("watch %s: connection closed", prefix)
			case e != nil: // nil: all that was there has been told
				tell(strings.Split(strings.TrimPrefix(e.Key(), string(prefix)+"."), "."), e.Value())
			}
		}
	}
}

// Shared tells whether other nodes may write to the store.
func (s *Store) Shared() bool { return s.shared }

func (s *Store) newest(ctx context.Context, key Key) (Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	e, err := s.kv.Get(ctx, string(key))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return Entry{}, ErrNotFound
	}
	if err != nil {
		return Entry{}, fmt.Errorf("get %s: %w", key, err)
	}
	return Entry{e.Revision(), e.Value()}, nil
}

// read collects what stands under the pattern now.
func (s *Store) read(ctx context.Context, pattern Key, option jetstream.WatchOpt) ([]Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	w, err := s.kv.Watch(ctx, string(pattern), option)
	if err != nil {
		return nil, err
	}
	defer w.Stop()
	var entries []Entry
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case e, open := <-w.Updates():
			if !open {
				return nil, errors.New("connection closed")
			}
			if e == nil { // all that was there has been read
				return entries, nil
			}
			entries = append(entries, Entry{e.Revision(), e.Value()})
		}
	}
}
