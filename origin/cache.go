package origin

import "strconv"

// Content types and the constant values of header fields.
const (
	typeJSON     = "application/json"
	typePlaylist = "application/vnd.apple.mpegurl"
	typeMPD      = "application/dash+xml"
	typeSmooth   = "text/xml"
	typeText     = "text/plain; charset=utf-8"

	rangesBytes = "bytes"
	rangesNone  = "none"

	cacheNever     = "no-store"
	cacheCheck     = "no-cache"
	cacheImmutable = "public, max-age=31536000, immutable"
)

// maxAges holds the Cache-Control fields for ages up to the longest TARGETDURATION that is told apart.
var maxAges = func() (fields [61]string) {
	for seconds := range fields {
		fields[seconds] = "public, max-age=" + strconv.Itoa(seconds)
	}
	return fields
}()

// maxAge is the Cache-Control field for a life of so many seconds, from 1 to 60.
func maxAge(seconds int) string { return maxAges[min(max(seconds, 1), len(maxAges)-1)] }

// cacheControl is the field for a fault; targetDuration in seconds, 0 where none is known.
//
// Source: RFC 8216bis, appendix B (one TARGETDURATION for what a playlist does not have; here a second for what may come).
func (l life) cacheControl(targetDuration int) string {
	switch l {
	case lifeTarget:
		return maxAge(targetDuration)
	case lifeNone:
		return cacheNever
	}
	return maxAge(1)
}

// cacheManifest is the field of a media playlist or MPD: half a TARGETDURATION while it grows, a minute afterwards.
func cacheManifest(live bool, targetDuration int) string {
	if !live {
		return maxAge(60)
	}
	return maxAge(targetDuration / 2)
}

// cacheMultivariant is the field of a multivariant playlist: short while tracks may change, a minute afterwards.
func cacheMultivariant(live bool) string {
	if !live {
		return maxAge(60)
	}
	return maxAge(2)
}
