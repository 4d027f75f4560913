// Package hls turns the snapshot of a presentation into HLS playlists (RFC 8216bis). It is made of pure functions: equal
// snapshots give equal bytes, nothing is kept, nothing is fetched, no clock is read. Start reading at Multivariant, then
// Media.
package hls

import (
	"strconv"

	"weir/manifest"
)

// Media appends the media playlist of p.Tracks[track] to dst: every listed segment with its UTC time, holes as GAP.
//
// URIs are relative to QualityLevels({id})/, where the playlist itself lies. A segment's lines depend on that segment
// alone, so a later playlist of the same track repeats them byte for byte. Durations are differences of rounded absolute
// times: any run of them sums to the media's time within a microsecond. A generation that has left the window took its
// DISCONTINUITY with it, and EXT-X-DISCONTINUITY-SEQUENCE says how many did. A track without listed segments gives a
// playlist without segments: players refuse it, so answer "not yet" instead.
//
// EXT-X-INDEPENDENT-SEGMENTS stands in the multivariant playlist, for all of them.
//
// It does not allocate when dst has room. Implements RFC 8216bis, 4.4.3 and 4.4.4.
func Media(dst []byte, p *manifest.Presentation, track int) []byte {
	return appendList(dst, p, &p.Tracks[track], segments)
}

// KeyFrames appends the I-frame playlist of the video track p.Tracks[track] to dst: the media playlist again, entry by entry
// with the same numbers, times, GAPs and discontinuities, of the key frame of each segment, which is a resource of its own
// and lasts as long. Where segments need not begin with one there are GAPs.
//
// It does not allocate when dst has room. Implements RFC 8216bis, 4.4.3.6.
func KeyFrames(dst []byte, p *manifest.Presentation, track int) []byte {
	return appendList(dst, p, &p.Tracks[track], keyFrames)
}

// A listing is what the entries of a list lead to.
type listing uint8

const (
	segments listing = iota
	keyFrames
)

func appendList(dst []byte, p *manifest.Presentation, t *manifest.Track, what listing) []byte {
	first, sequence := edge(p, t)
	dst = append(dst, "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:"...)
	dst = strconv.AppendInt(dst, int64(p.TargetDuration), 10)
	dst = append(dst, "\n#EXT-X-MEDIA-SEQUENCE:"...)
	dst = strconv.AppendUint(dst, first, 10)
	dst = append(dst, "\n#EXT-X-DISCONTINUITY-SEQUENCE:"...)
	dst = strconv.AppendUint(dst, sequence, 10)
	dst = append(dst, '\n')
	if what == keyFrames {
		dst = append(dst, "#EXT-X-I-FRAMES-ONLY\n"...)
	}
	for i := range t.Runs {
		r := &t.Runs[i]
		if i == 0 || r.Ordinal != t.Runs[i-1].Ordinal {
			dst, sequence = appendGeneration(dst, p, t, r.Ordinal, sequence)
		}
		gap := r.Gap
		if g := p.Generation(r.Ordinal); what == keyFrames && g != nil && !g.KeyFrames() {
			gap = true
		}
		dst = appendRun(dst, t, r, what, gap)
	}
	if !p.Live {
		dst = append(dst, "#EXT-X-ENDLIST\n"...)
	}
	return dst
}

// edge returns the number and the discontinuity sequence of the first listed segment: where nothing is listed, of the
// one that will be.
func edge(p *manifest.Presentation, t *manifest.Track) (number, sequence uint64) {
	var g *manifest.Generation
	if len(t.Runs) > 0 {
		g, number = p.Generation(t.Runs[0].Ordinal), t.Runs[0].N
	} else if n := len(p.Generations); n > 0 {
		g = &p.Generations[n-1]
		number = g.N0
	}
	if g != nil {
		sequence = g.DiscontinuitySequence
	}
	return number, sequence
}

// appendGeneration opens a generation: one DISCONTINUITY for each step of the discontinuity sequence (a generation that
// never listed anything still counts), then the init segment. It returns the sequence that now holds.
func appendGeneration(dst []byte, p *manifest.Presentation, t *manifest.Track, ordinal int, sequence uint64) ([]byte, uint64) {
	if g := p.Generation(ordinal); g != nil {
		for ; sequence < g.DiscontinuitySequence; sequence++ {
			dst = append(dst, "#EXT-X-DISCONTINUITY\n"...)
		}
	}
	// A track that was never heard in this generation has GAPs only. They too stand under an EXT-X-MAP: another's.
	if m := t.Nearest(ordinal); m != nil {
		dst = append(dst, "#EXT-X-MAP:URI=\""...)
		dst = manifest.AppendInit(dst, t.Name, m.InitHash)
		dst = append(dst, "\"\n"...)
	}
	return dst, sequence
}

// appendRun appends the segments of a run.
func appendRun(dst []byte, t *manifest.Track, r *manifest.Run, what listing, gap bool) []byte {
	var timescale uint32
	if m := t.Newest(); m != nil {
		timescale = m.Timescale // one for the channel's life
	}
	start := r.Start
	startMicros := manifest.Nearest(start, timescale, 1e6)
	for i := range r.Count {
		end := start + r.Duration
		endMicros := manifest.Nearest(end, timescale, 1e6)
		dst = append(dst, "#EXT-X-PROGRAM-DATE-TIME:"...)
		dst = manifest.AppendDateTime(dst, manifest.Nearest(start, timescale, 1000))
		if gap {
			dst = append(dst, "\n#EXT-X-GAP"...)
		}
		dst = append(dst, "\n#EXTINF:"...)
		dst = manifest.AppendFixed(dst, endMicros-startMicros, 6)
		dst = append(dst, ",\n"...)
		if what == keyFrames {
			dst = manifest.AppendKeyFrame(dst, t.Name, r.N+uint64(i))
		} else {
			dst = manifest.AppendSegment(dst, t.Name, r.N+uint64(i))
		}
		dst = append(dst, '\n')
		start, startMicros = end, endMicros
	}
	return dst
}
