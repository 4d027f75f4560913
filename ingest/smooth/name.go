package smooth

import (
	"strconv"

	"weir/media"
)

// Identity is the name that the track goes by in its channel: trackName and bitrate, as Smooth tells qualities apart
// (video_und_1500000), so that a track is the same in whichever request it comes; a text or metadata track that has no
// bitrate goes by its trackName alone. "" where the manifest does not say enough. What cannot stand in a URL is replaced
// by a hyphen.
func (t *Track) Identity() string {
	name := t.Name
	if t.Bitrate == 0 {
		if t.Kind == media.Video || t.Kind == media.Audio {
			return ""
		}
		return safe(name)
	}
	if name == "" {
		name = t.Kind.String()
	}
	return safe(name) + "_" + strconv.Itoa(t.Bitrate)
}

const maxName = 100 // bytes, so that bitrate and number find room in the 128 of a name

func safe(s string) string {
	b := []byte(s[:min(len(s), maxName)])
	for i, c := range b {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		digit := c >= '0' && c <= '9'
		if letter || digit || c == '_' || c == '~' || c == '-' || c == '.' && i > 0 {
			continue
		}
		b[i] = '-'
	}
	return string(b)
}
