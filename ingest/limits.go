package ingest

import "time"

// Limits bound what one encoder connection, one channel and the process may take. Every one has a key under
// ingest.limits in the configuration.
type Limits struct {
	MoovBytes      int64         // largest moov (header of a stream)
	MoofBytes      int64         // largest moof (index of a chunk)
	MdatBytes      int64         // largest mdat (payload of a chunk)
	OtherBytes     int64         // largest other box; it is skipped unread
	BetweenBytes   int64         // boxes between two fragments, all together
	MessageBytes   int64         // largest message of audio or video in RTMP
	BadFragments   int           // unreadable fragments in a row after which a stream is refused
	HeadTimeout    time.Duration // to send a request's line and headers
	KeepAlive      time.Duration // longest silence between two requests of a connection
	Idle           time.Duration // longest silence inside a request body
	TextIdle       time.Duration // the same where the body carries text or metadata alone
	MinRate        int64         // bytes per second at which a box that has begun must come, beyond Idle
	ConnectionRate int64         // bytes per second read from one connection; above it it is slowed down

	ChannelTracks      int           // tracks, and streams, of one channel
	ChannelConnections int           // request bodies being read for one channel
	ChannelRate        int64         // bytes per second read from one channel's encoders; above it they are slowed down
	ChannelUnfinished  int64         // bytes of boxes that one channel's connections are in the middle of
	PendingChunks      int           // chunks of a channel that wait for the timeline's decision
	SessionLinger      time.Duration // how long a per-segment session without requests counts as alive
	RecordDeadline     time.Duration // longest wait for the state store per record

	Connections        int // encoder connections of the process
	AddressConnections int // encoder connections from one address
	WrongTokens        int // requests with a wrong token from one address, per minute
}

// DefaultLimits are the limits in force where the configuration is silent.
func DefaultLimits() Limits {
	return Limits{
		MoovBytes:      4 << 20,
		MoofBytes:      1 << 20,
		MdatBytes:      64 << 20,
		OtherBytes:     1 << 20,
		BetweenBytes:   16 << 20,
		MessageBytes:   8 << 20,
		BadFragments:   3,
		HeadTimeout:    10 * time.Second,
		KeepAlive:      75 * time.Second,
		Idle:           30 * time.Second,
		TextIdle:       10 * time.Minute,
		MinRate:        8 << 10,
		ConnectionRate: 60_000_000,

		ChannelTracks:      64,
		ChannelConnections: 256,
		ChannelRate:        125_000_000,
		ChannelUnfinished:  256 << 20,
		PendingChunks:      16384,
		SessionLinger:      10 * time.Second,
		RecordDeadline:     5 * time.Second,

		Connections:        4096,
		AddressConnections: 1024,
		WrongTokens:        60,
	}
}
