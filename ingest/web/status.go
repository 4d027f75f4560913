package web

import (
	"errors"
	"io"
	"net"

	"weir/ingest"
)

// statusOf chooses the answer to an encoder. 0: the connection is gone, there is nobody to answer.
//
// Source: DASH-IF Live Media Ingest 1.2, 6.3 (status codes).
func statusOf(err error) (status int, kind string) {
	var netErr net.Error
	switch {
	case err == nil:
		return 200, "ok"
	case errors.Is(err, ingest.ErrNoInit):
		return 412, "no_init"
	case errors.Is(err, ingest.ErrTooLarge):
		return 413, "too_large"
	case errors.Is(err, ingest.ErrUnsupported):
		return 415, "unsupported"
	case errors.Is(err, ingest.ErrTooMany):
		return 403, "too_many_tracks"
	case errors.Is(err, ingest.ErrBusy):
		return 429, "too_many_connections"
	case errors.Is(err, ingest.ErrUnfinished):
		return 503, "unfinished"
	case errors.Is(err, ingest.ErrMemory):
		return 503, "memory"
	case errors.Is(err, ingest.ErrReplaced):
		return 409, "replaced"
	case errors.Is(err, ingest.ErrDraining):
		return 503, "draining"
	case errors.Is(err, ingest.ErrSlow):
		return 408, "slow"
	case errors.Is(err, ingest.ErrStalled), errors.As(err, &netErr) && netErr.Timeout():
		return 408, "stalled"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.As(err, &netErr):
		return 0, "cut"
	case errors.Is(err, ingest.ErrMalformed):
		return 400, "malformed"
	}
	return 400, "other"
}
