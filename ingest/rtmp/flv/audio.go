package flv

// Formats of sound. Source: FLV 10.1, E.4.2.1; Enhanced RTMP v2 (ExHeader).
const (
	soundExtended = 9
	soundAAC      = 10
)

var soundFormats = [16]string{
	"PCM", "ADPCM", "MP3", "PCM", "Nellymoser", "Nellymoser", "Nellymoser", "G.711 A-law", "G.711 mu-law", "", "mp4a", "Speex", "", "", "MP3", "device-specific sound",
}

// ParseAudio reads the head of a message of audio, as ParseVideo does.
func ParseAudio(b []byte) (Tag, error) {
	h := head{b: b}
	t := Tag{Sync: true}
	first := h.u8()
	if len(b) == 0 {
		return h.done(&t)
	}
	format := first >> 4
	if format == soundExtended {
		return h.enhancedAudio(&t, first)
	}
	t.Name = soundFormats[format]
	if format != soundAAC {
		return h.done(&t)
	}
	t.Codec = "mp4a"
	switch h.u8() {
	case 0:
		t.Kind = Config
	case 1:
		t.Kind = Frame
	}
	return h.done(&t)
}

func (h *head) enhancedAudio(t *Tag, first byte) (Tag, error) {
	const multitrack = 5
	packet, one := h.extended(t, first&15, multitrack)
	if !one || h.at > len(h.b) {
		return h.done(t)
	}
	switch packet {
	case sequenceStart:
		t.Kind = Config
	case codedFrames:
		t.Kind = Frame
	case sequenceEnd:
		t.Kind = End
	}
	return h.done(t)
}
