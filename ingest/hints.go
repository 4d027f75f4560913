package ingest

import (
	"strings"

	"weir/media"
)

// A TrackHint is what an encoder says of one track beside its media: in Smooth's Live Server Manifest, in an MPD, in a
// playlist. The header (moov) rules everything that decoding needs; a hint adds what the header leaves open, and the
// nominal bitrate. The zero value of a field says nothing; what is no name, no language tag or no printable text is
// ignored.
type TrackHint struct {
	TrackID uint32     // track_ID of the header's track that is meant; 0: the only track of that kind
	Kind    media.Kind // of the track; a header's track of another kind is not meant. 0: any

	// Name is the track's in the channel: letters, digits and . _ ~ -, 1 to 128. Only what stands in the same body before
	// the header can name tracks (InBody): names must not depend on what arrives first.
	Name string

	// Bitrate is in bits per second: the identity ({id}) of the track, and BANDWIDTH. It counts before the header's btrt; a
	// Playlist's does not, for a variant's BANDWIDTH is a peak, with the audio in it.
	Bitrate  int
	Language string       // RFC 5646 or ISO 639-2; counts where the header says none (und)
	Roles    []media.Role // count where the header has no kind boxes
	Scheme   string       // timed metadata: a URI that says what it is
}

// HintSource tells where hints come from. Where two say different things of a track, the lower one is believed.
type HintSource uint8

// The sources of hints, most trusted first.
const (
	InBody HintSource = iota // before the header in the body of the media: Smooth's Live Server Manifest, RTMP's onMetaData
	MPD
	Playlist
	hintSources
)

// A ManifestBox is a uuid box in which the encoders of a protocol describe their tracks beside the header.
type ManifestBox struct {
	UUID  [16]byte
	Bytes int64 // largest payload; a larger one is ErrTooLarge
	// Parse reads the payload, which is the caller's. An error makes the body ErrMalformed.
	Parse func(payload []byte) ([]TrackHint, error)
}

// ReadManifests makes the connection read boxes of that type as InBody hints for the header that follows them in
// the body. Call it before ReadBody.
func (conn *Conn) ReadManifests(box *ManifestBox) { conn.manifest = box }

// SetHints takes what a manifest says of the stream's tracks. It replaces what the same source said before; hints that
// change nothing cost nothing. At most MaxTracks of them are kept, the first ones. The slice belongs to the stream
// afterwards. Safe for concurrent use.
//
// Hints may come before the header, after it or again: once both are there, the tracks are described alike, so that
// nodes which see them in another order agree. A bitrate counts until the track's identity is stored, which is when its
// first generation is written, one or two GOPs after its first media. A language or role that comes later than that is
// a change of the decoder configuration: it opens a generation, and costs the slot or two that are on the way.
func (s *Stream) SetHints(from HintSource, hints []TrackHint) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.hints[from] = hints[:min(len(hints), media.MaxTracks)]
	if s.header == nil {
		return
	}
	descs := s.described(s.header)
	for i, in := range s.inputs {
		if in.desc.ConfigHash != descs[i].ConfigHash || in.desc.Bitrate != descs[i].Bitrate {
			s.redescribe()
			return
		}
	}
}

// Announce tells when the encoder says that it started: the UTC of its media time 0, nanoseconds since 1970, as an MPD's
// availabilityStartTime gives it. It counts when the channel's clock is laid, and only where arrival bears it out
// (docs/time.md, section 1). Safe for concurrent use.
func (c *Channel) Announce(start int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tl.Announce(start)
}

// described is the header's tracks with what is said of them beside it.
func (s *Stream) described(header []media.Input) []media.Input {
	out := make([]media.Input, len(header))
	for i := range header {
		var sum TrackHint
		for from := range s.hints {
			h := hintFor(s.hints[from], header, i)
			if h == nil {
				continue
			}
			if sum.Bitrate == 0 && (HintSource(from) != Playlist || header[i].Bitrate == 0) {
				sum.Bitrate = h.Bitrate
			}
			if sum.Language == "" {
				sum.Language = h.Language
			}
			if len(sum.Roles) == 0 {
				sum.Roles = h.Roles
			}
		}
		out[i] = header[i].With(sum.Bitrate, sum.Language, sum.Roles)
	}
	return out
}

// named is the name that hints give to a track of the header, or "".
func (s *Stream) named(header []media.Input, i int) string {
	if h := hintFor(s.hints[InBody], header, i); h != nil && plainName(h.Name) {
		return h.Name
	}
	return ""
}

// scheme is what timed metadata is said to be.
func (s *Stream) scheme(header []media.Input, i int) string {
	for from := range s.hints {
		if h := hintFor(s.hints[from], header, i); h != nil && h.Scheme != "" && len(h.Scheme) <= 256 {
			return h.Scheme
		}
	}
	return header[i].SampleEntry
}

// hintFor finds what is said of a header's track: by its track_ID, else by being the only one of its kind on both sides.
func hintFor(hints []TrackHint, header []media.Input, i int) *TrackHint {
	in := &header[i]
	var only *TrackHint
	same := 0
	for j := range hints {
		h := &hints[j]
		if h.Kind != 0 && h.Kind != in.Kind {
			continue
		}
		if h.TrackID == in.ID {
			return h
		}
		only = h
		same++
	}
	if same != 1 {
		return nil
	}
	for j := range header {
		if j != i && header[j].Kind == in.Kind {
			return nil
		}
	}
	return only
}

// plainName admits what is safe in a URL, a log line and a metric.
func plainName(s string) bool {
	const others = "._~-"
	if s == "" || len(s) > 128 || s[0] == '.' {
		return false
	}
	for i := range len(s) {
		b := s[i] | 0x20
		if (b < 'a' || b > 'z') && (s[i] < '0' || s[i] > '9') && strings.IndexByte(others, s[i]) < 0 {
			return false
		}
	}
	return true
}
