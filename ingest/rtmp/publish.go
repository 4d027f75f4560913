package rtmp

import (
	"log/slog"
	"net/netip"
	"net/url"

	"weir/ingest"
	"weir/ingest/rtmp/amf"
	"weir/ingest/rtmp/chunk"
)

// A publish is an encoder's wish to publish a stream, once its door has been found and admits it.
type publish struct {
	door   *ingest.Door
	name   string     // of the stream: a valid name, without query
	query  url.Values // of the URL, wherever the encoder has put it: videodatarate, audiodatarate, …
	source int        // rank by port: 0 primary, 1 secondary
	client netip.Addr
	log    *slog.Logger // knows channel, stream and remote
	kick   func()       // makes the connection look at err soon; safe for concurrent use
}

// A publication is a stream that is being published: where its messages go. All calls come from the connection's
// goroutine. An error of begin, piece, end or data ends the publication: the encoder is told, and close is called with it.
type publication interface {
	// begin says that a message of audio or video begins. Of each kind there is one at a time; the two may interleave.
	begin(h chunk.Header) error
	// piece brings the message's next bytes, never more than its length; b is borrowed for the call.
	piece(kind chunk.Kind, b []byte) error
	// end says that the message is whole. A message may have no bytes at all.
	end(kind chunk.Kind) error
	// abort says that the rest of the message will not come.
	abort(kind chunk.Kind)
	// data is a data message (onMetaData, onCuePoint, …), whole, without @setDataFrame. values are the publication's to keep.
	data(time uint32, values []amf.Value) error
	// err is why the publication has to end (ingest.ErrReplaced, ingest.ErrDraining), or nil.
	err() error
	// close is the last call: the encoder has ended the stream (nil), or it broke. Messages under way have been aborted.
	close(err error)
}

// An opener makes a publication. What ingest refuses (ErrBusy, ErrTooMany, ErrDraining) is told to the encoder.
type opener func(p *publish) (publication, error)
