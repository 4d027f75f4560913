// Package state owns weir's durable records: small values under names, in a NATS JetStream key-value bucket that is
// either embedded in this process or shared by several nodes. It never interprets the records it keeps (their types
// belong to those who write them) and is never on the way of media: a caller that waits for it waits beside the media.
// Start reading at Store, then resources.go for the AMS resources that a configuration declares.
package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	bucket = "weir" // the one bucket that all nodes of a deployment share

	// schema is the version of the layout of keys and values. Fields may be added to values without a new version; it
	// rises when an older weir would misread what a newer one wrote.
	schema = 1

	callTimeout = 5 * time.Second  // one request to the store; a synced write takes about 3 ms
	openTimeout = 20 * time.Second // from Open until the bucket answers, elections of a cluster included
)

// Errors that callers branch on.
var (
	ErrNotFound = errors.New("no such record")
	// ErrConflict means that somebody else wrote first: read again, then decide again.
	ErrConflict = errors.New("record changed meanwhile")
)

// Config says where the records are.
type Config struct {
	Folder   string // data.dir: the embedded store lives in its folder "state". Unused with URL
	URL      string // "": embedded; else NATS servers that nodes share, as nats://host:port[,…]
	Listen   string // embedded only: address at which other nodes reach this store; "": nobody does
	Token    string // asked of nodes that connect to Listen, and sent to URL; "": none
	Replicas int    // copies of each record in a NATS cluster behind URL; 0 means 1
	Log      *slog.Logger
}

// A Store holds records. Writes are on disk, or on a majority of the cluster, before they are acknowledged. Every call
// ends within 5 s, or sooner with its context; a shared store that went away is reconnected to for ever, and calls fail
// meanwhile. Safe for concurrent use.
type Store struct {
	log      *slog.Logger
	lock     *folderLock    // nil with a shared store
	embedded *server.Server // nil with a shared store
	conn     *nats.Conn
	kv       jetstream.KeyValue
	shared   bool
}

// Open opens the store, making it where there is none. It fails when another process holds the folder, when the shared
// store cannot be reached within 20 s, and when the store has another schema than this weir.
func Open(ctx context.Context, c Config) (*Store, error) {
	s := &Store{log: c.Log, shared: c.URL != "" || c.Listen != ""}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err := s.open(ctx, c); err != nil {
		s.Close()
		return nil, fmt.Errorf("state: %w", err)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, c Config) (err error) {
	options := []nats.Option{
		nats.Name("weir"), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second), nats.Timeout(callTimeout),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				s.log.Warn("state: connection lost, live goes on without new records", "err", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { s.log.Info("state: connected again") }),
	}
	if c.Token != "" {
		options = append(options, nats.Token(c.Token))
	}
	if c.URL == "" {
		if s.lock, err = lockFolder(c.Folder); err != nil {
			return err
		}
		if s.embedded, err = startEmbedded(c, s.log); err != nil {
			return err
		}
		options = append(options, nats.InProcessServer(s.embedded))
	}
	return retry(ctx, func() error {
		if s.conn == nil {
			if s.conn, err = nats.Connect(c.URL, options...); errors.Is(err, nats.ErrAuthorization) {
				return final{fmt.Errorf("%s does not let us in: %w (is state.token right?)", c.URL, err)}
			}
			if err != nil {
				return fmt.Errorf("connect %s: %w", c.URL, err)
			}
		}
		return s.openBucket(ctx, max(c.Replicas, 1))
	})
}

// openBucket finds or makes the bucket and checks its schema.
func (s *Store) openBucket(ctx context.Context, replicas int) error {
	js, err := jetstream.New(s.conn, jetstream.WithDefaultTimeout(callTimeout))
	if err != nil {
		return err
	}
	s.kv, err = js.KeyValue(ctx, bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		s.kv, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: bucket, Description: "weir: records", History: logLength, Storage: jetstream.FileStorage, Replicas: replicas,
		})
	}
	if err != nil {
		return fmt.Errorf("bucket %s: %w", bucket, err)
	}
	return s.checkSchema(ctx)
}

// schemaRecord is the value under the key "schema", the first record of every store.
type schemaRecord struct {
	Schema int `json:"schema"`
}

func (s *Store) checkSchema(ctx context.Context) error {
	ours, err := json.Marshal(schemaRecord{schema})
	if err != nil {
		return err
	}
	stored, _, err := s.Create(ctx, NewKey("schema"), ours)
	if err != nil {
		return err
	}
	var r schemaRecord
	if err := json.Unmarshal(stored, &r); err != nil {
		return final{fmt.Errorf("record schema: %w", err)}
	}
	if r.Schema != schema {
		return final{fmt.Errorf("the store has schema %d and this weir reads schema %d: use the weir that wrote it, or another data.dir", r.Schema, schema)}
	}
	return nil
}

// final marks an error that trying again does not mend.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// retry calls f until it succeeds, fails for good, or ctx ends; then it returns f's last error.
func retry(ctx context.Context, f func() error) error {
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := f()
		if err == nil || errors.As(err, new(final)) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// Addr is the address at which other nodes reach the embedded store; "" when it does not listen.
func (s *Store) Addr() string {
	if s.embedded == nil || s.embedded.Addr() == nil {
		return ""
	}
	return s.embedded.Addr().String()
}

// Ready tells whether the store answers now; the error says why not.
func (s *Store) Ready(ctx context.Context) error {
	_, err := s.Get(ctx, NewKey("schema"))
	return err
}

// Close ends the connection and the embedded server, then gives the folder free. Call it once, when nobody uses the
// store any more.
func (s *Store) Close() {
	if s.conn != nil {
		s.conn.Close()
	}
	if s.embedded != nil {
		s.embedded.Shutdown()
		s.embedded.WaitForShutdown()
	}
	if s.lock != nil {
		s.lock.release()
	}
}
