package ingest

import "time"

// Limits bound what one encoder connection, one channel and the process may take. Every one has a key under
// ingest.limits in the configuration.
type Limits struct {
	MoovBytes      int64         // largest moov (header of a stream)
	MoofBytes      int64         // largest moof (index of a chunk)
	MdatBytes      int64         // largest mdat (payload of a chunk)
	OtherBytes     int64         // largest other box; it is skipped unread
	Idle           time.Duration // longest silence inside a request body
	Connections    int           // encoder connections of the process
	ChannelTracks  int           // tracks of one channel
	ChannelRate    int64         // bytes per second read from one channel's encoders; above it they are slowed down
	PendingChunks  int           // chunks of a channel that wait for the timeline's decision
	BadFragments   int           // unreadable fragments in a row after which a stream is refused
	SessionLinger  time.Duration // how long a per-segment session without requests counts as alive
	RecordDeadline time.Duration // longest wait for the state store per record
}

// DefaultLimits are the limits in force where the configuration is silent.
func DefaultLimits() Limits {
	return Limits{
		MoovBytes:      4 << 20,
		MoofBytes:      1 << 20,
		MdatBytes:      64 << 20,
		OtherBytes:     1 << 20,
		Idle:           30 * time.Second,
		Connections:    4096,
		ChannelTracks:  64,
		ChannelRate:    125_000_000,
		PendingChunks:  16384,
		BadFragments:   3,
		SessionLinger:  10 * time.Second,
		RecordDeadline: 5 * time.Second,
	}
}
