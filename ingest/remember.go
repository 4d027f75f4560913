package ingest

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/cespare/xxhash/v2"

	"weir/media"
)

// A HeaderRecord is the header of a stream whose encoder sends it once and then a request per segment. It is stored so
// that a restarted node goes on with such an encoder: it will not send its header again. The newest counts. Fields are only
// ever added.
type HeaderRecord struct {
	Stream string        `json:"stream"` // name, and source where that is not the primary: name@source
	Path   string        `json:"path"`   // of the object that brought it, below the publishing point
	Moov   []byte        `json:"moov"`   // the box
	Hints  [][]TrackHint `json:"hints"`
}

// maxKeptHeader is the largest moov that is stored.
const maxKeptHeader = 64 << 10

// keep notes the header that a body has brought, to be stored. A body that carries the whole stream brings its own every
// time. Called with mu held.
func (conn *Conn) keep(moov []byte) {
	s := conn.s
	if conn.exclusive || len(moov) > maxKeptHeader {
		s.moov = nil
		return
	}
	if !bytes.Equal(s.moov, moov) {
		s.moov = bytes.Clone(moov)
	}
	s.path = conn.route.Path
	s.remember()
}

// remember asks for the header to be stored, if that has changed. Only streams of the running generation are remembered:
// names that come to nothing do not pile up in the store. Called with mu held.
func (s *Stream) remember() {
	if s.moov == nil || !s.onAir() {
		return
	}
	if r, hash := s.record(); hash != s.stored {
		s.stored = hash
		s.c.headers = append(s.c.headers, r)
	}
}

// record is the stream's record, and a hash of what is in it.
func (s *Stream) record() (r HeaderRecord, hash uint64) {
	r = HeaderRecord{Stream: s.key(), Path: s.path, Moov: s.moov, Hints: slices.Clone(s.hints[:])}
	text, err := json.Marshal(r)
	if err != nil {
		panic("ingest: a header record is not JSON: " + err.Error())
	}
	return r, xxhash.Sum64(text)
}

// onAir tells whether a generation knows one of the stream's tracks.
func (s *Stream) onAir() bool {
	for _, in := range s.inputs {
		if in.track.live != nil {
			return true
		}
	}
	return false
}

// recall makes the streams whose headers were stored. Called before Run.
func (c *Channel) recall(records []HeaderRecord) {
	for _, r := range records {
		header, err := media.ParseInit(r.Moov)
		if err != nil || len(c.streams) >= c.limits.ChannelTracks {
			c.log.Warn("stored header is not used", "stream", r.Stream, "err", err)
			continue
		}
		name, source := ofKey(r.Stream)
		if !c.mayBeSource(source) {
			continue
		}
		s := &Stream{c: c, name: name, source: source, path: r.Path, moov: r.Moov, header: header, conns: map[*Conn]struct{}{}}
		copy(s.hints[:], r.Hints)
		descs := s.described(header)
		if err := s.replaceInputs(descs, s.trackNames(descs)); err != nil {
			c.log.Warn("stored header is not used", "stream", r.Stream, "err", err)
			continue
		}
		c.streams[s.key()] = s
		_, s.stored = s.record()
	}
}

// Headers lists the paths under which the headers of the channel's streams have come, as far as they are remembered.
func (c *Channel) Headers() (paths []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.streams {
		if s.moov != nil && s.path != "" {
			paths = append(paths, s.path)
		}
	}
	return paths
}
