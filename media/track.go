package media

// Kind says what a track carries.
type Kind uint8

// The kinds of track.
const (
	Video Kind = iota + 1
	Audio
	Text
	Metadata
)

// String is the word used in logs, metrics and manifests: video, audio, text, metadata.
func (k Kind) String() string {
	switch k {
	case Video:
		return "video"
	case Audio:
		return "audio"
	case Text:
		return "text"
	case Metadata:
		return "metadata"
	}
	return "unknown"
}

// A Role is one kind box of a track, for example urn:mpeg:dash:role:2011 / main.
type Role struct{ Scheme, Value string }

// A Ratio is an exact fraction, such as frames per second (30000/1001). The zero value means unknown.
type Ratio struct{ Num, Den uint32 }

// A Track describes one elementary stream as weir publishes it. It is immutable once made.
type Track struct {
	Kind        Kind
	SampleEntry string // four-character code of the sample entry: avc1, hvc1, mp4a, stpp, …
	Codec       string // RFC 6381 codec string: avc1.64001f, mp4a.40.2
	Timescale   uint32 // ticks per second of the published media
	Width       int    // video: pixels shown
	Height      int
	FrameRate   Ratio  // video: from the SPS (VUI timing); zero when the stream does not say
	SampleRate  uint32 // audio: samples per second that a decoder puts out
	Channels    int    // audio
	Language    string // RFC 5646 or ISO 639-2 as sent; "und" when the encoder does not say
	Roles       []Role // kind boxes of the track
	Bitrate     int    // nominal bits per second from btrt; 0 when the encoder does not say
	ConfigHash  uint64 // hash of the decoder configuration: another value needs a new init segment
	Init        []byte // published init segment: ftyp+moov, one track, track_ID 1, durations 0
	InitHash    string // 16 hex digits, hash of Init: the name of the init segment
}
