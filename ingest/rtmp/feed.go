package rtmp

import (
	"weir/ingest"
	"weir/ingest/rtmp/amf"
	"weir/ingest/rtmp/chunk"
)

// A feed is a publication whose media goes to a channel: one track of video, one of audio, on one clock.
type feed struct {
	p      *publish
	meta   metadata
	clock  clock
	stamps uint64 // the channel's number for it
	video  elementary
	audio  elementary
}

// openFeed is the opener of the server.
func openFeed(p *publish) (publication, error) {
	f := &feed{p: p, meta: metadataOf(p.query), stamps: p.door.Channel.Clock()}
	f.video.kind, f.audio.kind = chunk.Video, chunk.Audio
	for _, e := range [...]*elementary{&f.video, &f.audio} {
		if err := e.attach(f); err != nil {
			f.close(err)
			return nil, err
		}
	}
	return f, nil
}

// source is the source that the publication is of: what the URL says (?src=), else by the port.
func (f *feed) source() string {
	if name := f.p.query.Get("src"); ingest.ValidName(name) {
		return name
	}
	if f.p.source == 0 {
		return ingest.Primary
	}
	return ingest.Secondary
}

// of is the elementary stream that a message belongs to.
func (f *feed) of(kind chunk.Kind) *elementary {
	if kind == chunk.Audio {
		return &f.audio
	}
	return &f.video
}

func (f *feed) begin(h chunk.Header) error {
	f.of(h.Kind).begin(f.clock.at(h.Time), h.Length)
	return nil
}

func (f *feed) piece(kind chunk.Kind, b []byte) error { return f.of(kind).piece(b) }

func (f *feed) end(kind chunk.Kind) error { return f.of(kind).end() }

func (f *feed) abort(kind chunk.Kind) { f.of(kind).abort() }

func (f *feed) data(_ uint32, values []amf.Value) error {
	f.meta.read(values)
	return nil
}

func (f *feed) err() error {
	for _, e := range [...]*elementary{&f.video, &f.audio} {
		if e.conn == nil {
			continue
		}
		if err := e.conn.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (f *feed) close(error) {
	for _, e := range [...]*elementary{&f.video, &f.audio} {
		e.close()
	}
}

var _ opener = openFeed
