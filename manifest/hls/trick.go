package hls

import (
	"cmp"
	"slices"
	"strconv"

	"weir/manifest"
	"weir/media"
)

// appendKeyFrameVariants appends an EXT-X-I-FRAME-STREAM-INF for every video track that plays at the end of the lists, in
// ascending order of BANDWIDTH. While segments are cut without key frames there is none.
//
// Its BANDWIDTH is that of the track: a key frame is a part of its segment and lasts as long, so that it is a bound whatever
// the picture shows, and the same on all nodes. How much less it is depends on the picture.
//
// Source: RFC 8216bis, 4.4.6.3.
func appendKeyFrameVariants(dst []byte, p *manifest.Presentation) []byte {
	ordinal, _ := p.Current()
	if g := p.Generation(ordinal); g == nil || !g.KeyFrames() {
		return dst
	}
	list := renditions(p, media.Video)
	slices.SortStableFunc(list, func(a, b rendition) int {
		x, _ := rates(a.track)
		y, _ := rates(b.track)
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a.track.ID, b.track.ID), cmp.Compare(a.track.Name, b.track.Name))
	})
	for _, r := range list {
		bandwidth, _ := rates(r.track)
		dst = append(dst, "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH="...)
		dst = strconv.AppendInt(dst, int64(bandwidth), 10)
		if r.media.Codec != "" {
			dst = appendQuoted(append(dst, ",CODECS="...), r.media.Codec)
		}
		dst = appendResolution(dst, r.media)
		dst = append(dst, ",URI=\""...)
		dst = manifest.AppendKeyFramePlaylist(dst, r.track.ID, r.track.Name)
		dst = append(dst, "\"\n"...)
	}
	return dst
}
