package flv

import "errors"

// A Tag is what the head of a message says of the bytes that follow it.
type Tag struct {
	Kind   Kind
	Codec  string // sample entry of ISO BMFF: avc1, hvc1, av01, mp4a, Opus, …; "" for a codec that has none here
	Name   string // the codec, for log lines
	Track  uint8  // of a multitrack message; else 0
	Sync   bool   // decoding may begin here
	Offset int32  // composition time offset, milliseconds
	Head   int    // bytes of the message before the payload
}

// A Kind says what the payload is.
type Kind uint8

// Kinds of payload.
const (
	Other  Kind = iota // nothing that is used: a command, colour metadata, several tracks in one message
	Config             // decoder configuration
	Frame              // one frame
	End                // of a sequence: the encoder stops or turns to another configuration
)

// MaxHead is how many bytes of a message are looked at. A longer head is Other.
const MaxHead = 64

// ErrShort means: read more of the message and call again. It is not a fault.
var ErrShort = errors.New("tag incomplete")

// A head is read byte by byte.
type head struct {
	b  []byte
	at int
}

func (h *head) u8() byte {
	h.at++
	if h.at > len(h.b) {
		return 0
	}
	return h.b[h.at-1]
}

func (h *head) u24() uint32 {
	v := uint32(h.u8()) << 16
	v |= uint32(h.u8()) << 8
	return v | uint32(h.u8())
}

// si24 is a signed number of 24 bits.
func (h *head) si24() int32 { return int32(h.u24()<<8) >> 8 }

func (h *head) skip(n int) { h.at += n }

// done finishes a tag: ErrShort where it ends beyond the bytes at hand.
func (h *head) done(t *Tag) (Tag, error) {
	if h.at > len(h.b) {
		if len(h.b) >= MaxHead {
			return Tag{Name: t.Name}, nil
		}
		return Tag{}, ErrShort
	}
	t.Head = h.at
	return *t, nil
}

// Types of packets of Enhanced RTMP, alike for video and audio where both have them.
const (
	sequenceStart = 0
	codedFrames   = 1
	sequenceEnd   = 2
	codedFramesX  = 3 // video: without a composition offset
	metadata      = 4 // audio: MultichannelConfig
	modEx         = 7
)

// extended reads what stands before the body of an extended packet: modifiers, then track and codec. It returns the type of
// the packet, or false where the message is not of use. (The one modifier that there is, nanoseconds beside the message's
// time, says nothing that the grid does not.)
func (h *head) extended(t *Tag, packet, multitrack byte) (byte, bool) {
	for packet == modEx {
		size := int(h.u8()) + 1
		if size == 256 {
			size = int(h.u8())<<8 | int(h.u8())
			size++
		}
		h.skip(size)
		packet = h.u8() & 15
		if h.at > len(h.b) {
			return 0, true // done says ErrShort, or Other
		}
	}
	many := false
	if packet == multitrack {
		b := h.u8()
		many, packet = b>>4 != 0, b&15
		if many {
			t.Name = "several tracks in one message"
			return packet, false
		}
		t.name(h.fourCC())
		t.Track = h.u8()
		return packet, true
	}
	t.name(h.fourCC())
	return packet, true
}

func (h *head) fourCC() (cc [4]byte) {
	for i := range cc {
		cc[i] = h.u8()
	}
	return cc
}

// name sets the codec by its FourCC.
func (t *Tag) name(cc [4]byte) {
	switch string(cc[:]) {
	case "avc1":
		t.Codec = "avc1"
	case "hvc1":
		t.Codec = "hvc1"
	case "av01":
		t.Codec = "av01"
	case "vp09":
		t.Name = "VP9"
		return
	case "vp08":
		t.Name = "VP8"
		return
	case "vvc1":
		t.Name = "VVC"
		return
	case "mp4a":
		t.Codec = "mp4a"
	case "Opus":
		t.Codec = "Opus"
	case "ac-3":
		t.Name = "AC-3"
		return
	case "ec-3":
		t.Name = "E-AC-3"
		return
	case ".mp3":
		t.Name = "MP3"
		return
	case "fLaC":
		t.Name = "FLAC"
		return
	default:
		t.Name = "an unknown FourCC"
		return
	}
	t.Name = t.Codec
}
