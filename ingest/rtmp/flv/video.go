package flv

// Types of frames, and codecs. Source: FLV 10.1, E.4.3.1.
const (
	frameKey     = 1
	frameCommand = 5

	codecAVC  = 7
	codecHEVC = 12 // not Adobe's: encoders that had HEVC before Enhanced RTMP
)

var videoCodecs = [16]string{2: "Sorenson H.263", 3: "screen video", 4: "VP6", 5: "VP6 with alpha", 6: "screen video 2", 7: "avc1", 12: "hvc1"}

// ParseVideo reads the head of a message of video. b is its beginning: all of it, or MaxHead bytes, or as much as is there;
// ErrShort asks for more.
func ParseVideo(b []byte) (Tag, error) {
	h := head{b: b}
	t := Tag{}
	first := h.u8()
	if len(b) == 0 {
		return h.done(&t)
	}
	if first&0x80 != 0 {
		return h.enhancedVideo(&t, first)
	}
	frame, codec := first>>4, first&15
	t.Name = videoCodecs[codec]
	if codec != codecAVC && codec != codecHEVC || frame == frameCommand {
		return h.done(&t)
	}
	t.Codec, t.Sync = t.Name, frame == frameKey
	packet := h.u8()
	t.Offset = h.si24()
	switch packet {
	case 0:
		t.Kind, t.Offset = Config, 0
	case 1:
		t.Kind = Frame
	case 2:
		t.Kind = End
	}
	return h.done(&t)
}

func (h *head) enhancedVideo(t *Tag, first byte) (Tag, error) {
	const multitrack = 6
	frame := first >> 4 & 7
	packet, one := h.extended(t, first&15, multitrack)
	if !one || h.at > len(h.b) {
		return h.done(t)
	}
	if frame == frameCommand && packet != metadata {
		return h.done(t)
	}
	t.Sync = frame == frameKey
	switch packet {
	case sequenceStart:
		t.Kind = Config
	case codedFrames:
		t.Kind = Frame
		if t.Codec == "avc1" || t.Codec == "hvc1" {
			t.Offset = h.si24()
		}
	case codedFramesX:
		t.Kind = Frame
	case sequenceEnd:
		t.Kind = End
	}
	return h.done(t)
}
