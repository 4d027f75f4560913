package ingest

import "errors"

// What can be wrong with an encoder's stream. A protocol chooses its answer by these.
var (
	ErrMalformed   = errors.New("not a fragmented MP4 stream")
	ErrTooLarge    = errors.New("larger than the limit")
	ErrNoInit      = errors.New("fragment before its moov: send the header (ftyp, moov) first")
	ErrUnsupported = errors.New("codec not supported")
	ErrTooMany     = errors.New("too many tracks on this channel")
	ErrBusy        = errors.New("too many connections to this channel (ingest.limits.channelConnections)")
	ErrUnfinished  = errors.New("too many bytes of unfinished boxes on this channel (ingest.limits.channelUnfinished)")
	ErrMemory      = errors.New("cache.memory is used up: this input does not fit")
	ErrReplaced    = errors.New("another connection took over this stream")
	ErrDraining    = errors.New("server is shutting down: reconnect")
	ErrSlow        = errors.New("box slower than ingest.limits.minRate")
	ErrStalled     = errors.New("no data within the idle limit")
)
