package manifest

import "strconv"

// The canonical names of what manifests point to. Names are relative: what stands inside QualityLevels({id})/ is said
// from there, as an HLS media playlist needs it; DASH puts AppendQuality before it.

// AppendQuality appends "QualityLevels({id})/".
func AppendQuality(dst []byte, id int64) []byte {
	dst = append(dst, "QualityLevels("...)
	dst = strconv.AppendInt(dst, id, 10)
	return append(dst, ")/"...)
}

// AppendPlaylist appends the name of a track's HLS media playlist, relative to {manifestName}.ism/.
func AppendPlaylist(dst []byte, id int64, track string) []byte {
	dst = AppendQuality(dst, id)
	dst = append(dst, "Manifest("...)
	dst = AppendEscaped(dst, track)
	return append(dst, ",format=m3u8-cmaf).m3u8"...)
}

// AppendKeyFramePlaylist appends the name of a track's HLS I-frame playlist, relative to {manifestName}.ism/.
func AppendKeyFramePlaylist(dst []byte, id int64, track string) []byte {
	dst = AppendQuality(dst, id)
	dst = append(dst, "Manifest("...)
	dst = AppendEscaped(dst, track)
	return append(dst, ",format=m3u8-cmaf,type=keyframes).m3u8"...)
}

// AppendSegment appends the name of segment n, relative to QualityLevels({id})/.
func AppendSegment(dst []byte, track string, n uint64) []byte {
	dst = append(dst, "Fragments("...)
	dst = AppendEscaped(dst, track)
	dst = append(dst, "=n"...)
	dst = strconv.AppendUint(dst, n, 10)
	return append(dst, ").m4s"...)
}

// AppendPart appends the name of a part of segment n, relative to QualityLevels({id})/.
func AppendPart(dst []byte, track string, n uint64, part int) []byte {
	dst = append(dst, "Fragments("...)
	dst = AppendEscaped(dst, track)
	dst = append(dst, "=n"...)
	dst = strconv.AppendUint(dst, n, 10)
	dst = append(dst, ",part="...)
	dst = strconv.AppendInt(dst, int64(part), 10)
	return append(dst, ").m4s"...)
}

// AppendTimeTemplate appends the DASH template of a track's segments by time, relative to QualityLevels({id})/.
// By time and not by number: a hole in a SegmentTimeline would shift every $Number$ behind it.
func AppendTimeTemplate(dst []byte, track string) []byte {
	dst = append(dst, "Fragments("...)
	dst = AppendEscaped(dst, track)
	return append(dst, "=$Time$).m4s"...)
}

// AppendNumberTemplate appends the DASH template of a track's segments by number, relative to QualityLevels({id})/.
func AppendNumberTemplate(dst []byte, track string) []byte {
	dst = append(dst, "Fragments("...)
	dst = AppendEscaped(dst, track)
	return append(dst, "=n$Number$).m4s"...)
}

// AppendKeyFrame appends the name of the key frame of segment n, relative to QualityLevels({id})/.
func AppendKeyFrame(dst []byte, track string, n uint64) []byte {
	dst = append(dst, "KeyFrames("...)
	dst = AppendEscaped(dst, track)
	dst = append(dst, "=n"...)
	dst = strconv.AppendUint(dst, n, 10)
	return append(dst, ").m4s"...)
}

// AppendKeyFrameTemplate appends the DASH template of a track's key frames by time, relative to QualityLevels({id})/.
func AppendKeyFrameTemplate(dst []byte, track string) []byte {
	dst = append(dst, "KeyFrames("...)
	dst = AppendEscaped(dst, track)
	return append(dst, "=$Time$).m4s"...)
}

// AppendInit appends the name of an init segment, relative to QualityLevels({id})/.
func AppendInit(dst []byte, track, hash string) []byte {
	dst = append(dst, "Fragments("...)
	dst = AppendEscaped(dst, track)
	dst = append(dst, "=i"...)
	dst = AppendEscaped(dst, hash)
	return append(dst, ").mp4"...)
}

// AppendEscaped appends s with every byte outside RFC 3986's unreserved set percent-encoded. The result needs no
// further quoting in a playlist attribute, an XML attribute or a DASH template (no $).
func AppendEscaped(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		if c := s[i]; unreserved(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}
