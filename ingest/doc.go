// Package ingest is the encoder edge that every protocol shares: the doors with their locks, the sessions of encoders,
// the limits, and the channel that turns what arrives into segments. It owns the order of things for a chunk (read,
// time, re-time, commit, publish); it never decides times itself (ingest/timeline does) and never speaks a protocol
// (ingest/web and its siblings do). Start reading at Channel, then Stream.ReadBody, then place.go.
package ingest
