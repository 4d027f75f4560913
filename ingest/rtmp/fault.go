package rtmp

import (
	"errors"
	"io"
	"net"
	"time"

	"weir/ingest"
	"weir/ingest/rtmp/chunk"
)

// A fault is how the end of a stream or a connection is told: to the encoder by code, to operators by kind.
type fault struct {
	code     string        // of onStatus; "": nobody is there to tell
	kind     string        // of the metric and the log; "": a clean end
	gone     bool          // the other end has closed, or was never an encoder
	patience time.Duration // for the encoder to read it
}

// faultOf chooses how an error is told.
func faultOf(err error) fault {
	const moment = 500 * time.Millisecond
	f := fault{code: "NetStream.Publish.Failed", kind: "other", patience: moment}
	var netErr net.Error
	switch {
	case errors.Is(err, errHello):
		return fault{kind: "handshake", gone: true}
	case errors.Is(err, io.EOF):
		return fault{gone: true}
	case errors.Is(err, errRejected):
		f.code, f.kind = "NetConnection.Connect.Rejected", "rejected"
	case errors.Is(err, errPlay):
		f.code, f.kind = "NetStream.Play.Failed", "play"
	case errors.Is(err, ingest.ErrDraining):
		f.code, f.kind, f.patience = "NetConnection.Connect.AppShutdown", "draining", 2*time.Second
	case errors.Is(err, ingest.ErrReplaced):
		f.code, f.kind = "NetStream.Publish.BadName", "replaced"
	case errors.Is(err, ingest.ErrBusy):
		f.code, f.kind = "NetStream.Publish.BadName", "too_many_connections"
	case errors.Is(err, ingest.ErrTooMany):
		f.code, f.kind = "NetStream.Publish.BadName", "too_many_tracks"
	case errors.Is(err, ingest.ErrUnsupported):
		f.kind = "unsupported"
	case errors.Is(err, ingest.ErrTooLarge):
		f.kind = "too_large"
	case errors.Is(err, ingest.ErrMemory):
		f.kind = "memory"
	case errors.Is(err, ingest.ErrUnfinished):
		f.kind = "unfinished"
	case errors.Is(err, ingest.ErrSlow):
		f.kind = "slow"
	case errors.Is(err, ingest.ErrStalled):
		f.kind = "stalled"
	case errors.Is(err, errLate), errors.Is(err, errStranger):
		f.kind = "no_publish"
	case malformed(err):
		f.kind = "malformed"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.As(err, &netErr):
		return fault{kind: "cut", gone: true}
	}
	return f
}

// malformed tells errors of bytes that are no chunk stream, or no command.
func malformed(err error) bool {
	for _, e := range []error{
		errCommand, errGathered, chunk.ErrChunkSize, chunk.ErrHeader, chunk.ErrUnfinished, chunk.ErrStreams, chunk.ErrControl,
		chunk.ErrAborts, ingest.ErrMalformed,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
