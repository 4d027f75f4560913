package smooth

import (
	"strconv"
	"strings"

	"weir/manifest"
	"weir/media"
)

// appendName appends the Name of a StreamIndex, which stands in its URLs: the name that all its tracks have, as an
// encoder of Smooth Streaming gives it; else, or where another StreamIndex could be meant, the stream's own name
// (AppendStreamName), in the last resort with the id of its first level. A track answers to all three.
func appendName(dst []byte, levels []level, stream int) []byte {
	first := &levels[in(levels, stream, 0)]
	if name, ok := commonName(levels, stream); ok && !taken(levels, stream, name) {
		return append(dst, name...)
	}
	was := len(dst)
	dst = AppendStreamName(dst, first.media)
	if taken(levels, stream, string(dst[was:])) {
		dst = AppendLevelName(dst[:was], first.media, first.track.ID)
	}
	return dst
}

// commonName is the name of all tracks of a stream, if they have one.
func commonName(levels []level, stream int) (string, bool) {
	i := in(levels, stream, 0)
	name := levels[i].track.Name
	for ; i < len(levels); i = in(levels, stream, i+1) {
		if levels[i].track.Name != name {
			return "", false
		}
	}
	return name, true
}

// taken tells whether another stream could have a name. Names in URLs are blind to case.
func taken(levels []level, stream int, name string) bool {
	for i := range levels {
		l := &levels[i]
		if l.stream == stream || l.stream == left {
			continue
		}
		var space [128]byte
		if strings.EqualFold(l.track.Name, name) || strings.EqualFold(string(AppendStreamName(space[:0], l.media)), name) {
			return true
		}
	}
	return false
}

// AppendStreamName appends the name of the StreamIndex that a track described so belongs to: a function of what makes
// the StreamIndex, so that it stays when levels come and go. Plain H.264 is video, German AAC audio_deu, and so on.
func AppendStreamName(dst []byte, m *media.Track) []byte {
	dst = append(dst, m.Kind.String()...)
	if lang := manifest.Language(m); lang != "und" {
		dst = append(append(dst, '_'), lang...)
	}
	switch four := FourCC(m); four {
	case "H264", "AACL", "TTML":
	default:
		dst = append(append(dst, '_'), four...)
	}
	if m.Kind == media.Audio && m.Channels != 2 {
		dst = strconv.AppendInt(append(dst, '_'), int64(m.Channels), 10)
		dst = append(dst, "ch"...)
	}
	for _, r := range m.Roles {
		if !manifest.PlainRole(m.Kind, r) {
			dst = append(append(dst, '_'), r.Value...)
		}
	}
	return dst
}

// AppendLevelName appends the name of a StreamIndex that nothing but its first level tells from another one.
func AppendLevelName(dst []byte, m *media.Track, id int64) []byte {
	dst = append(AppendStreamName(dst, m), '_')
	return strconv.AppendInt(dst, id, 10)
}
