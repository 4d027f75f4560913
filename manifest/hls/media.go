// Package hls turns the snapshot of a presentation into HLS playlists (RFC 8216bis). It is made of pure functions: equal
// snapshots give equal bytes, nothing is kept, nothing is fetched, no clock is read. Start reading at Multivariant, then
// Media.
package hls

import (
	"strconv"

	"weir/manifest"
)

// Media appends the media playlist of p.Tracks[track] to dst: every listed segment with its UTC time, holes as GAP; where
// low latency is offered also its parts, what comes next, and how far the other playlists are (low.go, report.go).
//
// URIs are relative to QualityLevels({id})/, where the playlist itself lies. A segment's lines depend on that segment
// alone, so a later playlist of the same track repeats them byte for byte, and so do those of a part. Durations are
// differences of rounded absolute times: any run of them sums to the media's time within a microsecond, and the parts of a
// segment sum to its duration. A generation that has left the window took its DISCONTINUITY with it, and
// EXT-X-DISCONTINUITY-SEQUENCE says how many did. A track without listed segments gives a playlist without segments: players
// refuse it, so answer "not yet" instead.
//
// EXT-X-INDEPENDENT-SEGMENTS stands in the multivariant playlist, for all of them.
//
// It does not allocate when dst has room. Implements RFC 8216bis, 4.4.3 and 4.4.4.
func Media(dst []byte, p *manifest.Presentation, track int) []byte {
	l := list{presentation: p, track: &p.Tracks[track], low: offersLow(p)}
	return l.append(dst)
}

// Delta appends what Media does, without the segments that a client must know which has read the playlist lately:
// EXT-X-SKIP says how many. What is left stands there byte for byte, after an EXT-X-MAP that a client may know already.
// Where nothing can be skipped, or no low latency is offered, it is Media's.
//
// It does not allocate when dst has room. Implements RFC 8216bis, 4.4.5.2 and 6.2.5.1.
func Delta(dst []byte, p *manifest.Presentation, track int) []byte {
	l := list{presentation: p, track: &p.Tracks[track], low: offersLow(p)}
	if l.low {
		l.skipped = l.skippable()
	}
	return l.append(dst)
}

// KeyFrames appends the I-frame playlist of the video track p.Tracks[track] to dst: the media playlist again, entry by entry
// with the same numbers, times, GAPs and discontinuities, of the key frame of each segment, which is a resource of its own
// and lasts as long. Where segments need not begin with one there are GAPs. Nothing in it is of low latency.
//
// It does not allocate when dst has room. Implements RFC 8216bis, 4.4.3.6.
func KeyFrames(dst []byte, p *manifest.Presentation, track int) []byte {
	l := list{presentation: p, track: &p.Tracks[track], keyFrames: true}
	return l.append(dst)
}

// A list is a media playlist that is being written.
type list struct {
	presentation *manifest.Presentation
	track        *manifest.Track
	keyFrames    bool   // its entries are key frames, not segments
	low          bool   // it is of low latency
	skipped      int    // segments at its head that are left out
	sequence     uint64 // discontinuity sequence number of what was written last
}

func (l *list) append(dst []byte) []byte {
	p, t := l.presentation, l.track
	first, sequence := edge(p, t)
	l.sequence = sequence
	dst = append(dst, "#EXTM3U\n#EXT-X-VERSION:"...)
	if l.skipped > 0 {
		dst = append(dst, '9')
	} else {
		dst = append(dst, '6')
	}
	dst = append(dst, "\n#EXT-X-TARGETDURATION:"...)
	dst = strconv.AppendInt(dst, int64(p.TargetDuration), 10)
	if l.low {
		dst = appendServerControl(dst, p)
	}
	dst = append(dst, "\n#EXT-X-MEDIA-SEQUENCE:"...)
	dst = strconv.AppendUint(dst, first, 10)
	dst = append(dst, "\n#EXT-X-DISCONTINUITY-SEQUENCE:"...)
	dst = strconv.AppendUint(dst, sequence, 10)
	dst = append(dst, '\n')
	if l.keyFrames {
		dst = append(dst, "#EXT-X-I-FRAMES-ONLY\n"...)
	}
	if l.skipped > 0 {
		dst = append(dst, "#EXT-X-SKIP:SKIPPED-SEGMENTS="...)
		dst = strconv.AppendInt(dst, int64(l.skipped), 10)
		dst = append(dst, '\n')
	}
	dst = l.appendRuns(dst, first+uint64(l.skipped))
	if !p.Live {
		return append(dst, "#EXT-X-ENDLIST\n"...)
	}
	if l.low && len(t.Runs) > 0 {
		dst = l.appendOpen(dst)
		dst = l.appendHint(dst)
		dst = l.appendReports(dst)
	}
	return dst
}

// appendRuns appends the segments from a number on. A generation that begins before them has its DISCONTINUITY there.
func (l *list) appendRuns(dst []byte, from uint64) []byte {
	written := false
	for i := range l.track.Runs {
		whole := &l.track.Runs[i]
		g := l.presentation.Generation(whole.Ordinal)
		if whole.N < from && g != nil {
			l.sequence = g.DiscontinuitySequence
		}
		r := whole.Cut(from, whole.End())
		if r.Count == 0 {
			continue
		}
		if !written || r.Ordinal != l.track.Runs[i-1].Ordinal {
			dst = l.appendGeneration(dst, r.Ordinal)
		}
		written = true
		dst = l.appendRun(dst, &r, r.Gap || l.keyFrames && g != nil && !g.KeyFrames())
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
// never listed anything still counts), then the init segment.
func (l *list) appendGeneration(dst []byte, ordinal int) []byte {
	if g := l.presentation.Generation(ordinal); g != nil {
		for ; l.sequence < g.DiscontinuitySequence; l.sequence++ {
			dst = append(dst, "#EXT-X-DISCONTINUITY\n"...)
		}
	}
	// A track that was never heard in this generation has GAPs only. They too stand under an EXT-X-MAP: another's.
	if m := l.track.Nearest(ordinal); m != nil {
		dst = append(dst, "#EXT-X-MAP:URI=\""...)
		dst = manifest.AppendInit(dst, l.track.Name, m.InitHash)
		dst = append(dst, "\"\n"...)
	}
	return dst
}

// appendRun appends the segments of a run. What a GAP has of parts was listed before anybody knew that it would be one.
func (l *list) appendRun(dst []byte, r *manifest.Run, gap bool) []byte {
	t, timescale := l.track, l.timescale()
	start := r.Start
	startMicros := manifest.Nearest(start, timescale, 1e6)
	for i := range r.Count {
		n, end := r.N+uint64(i), start+r.Duration
		endMicros := manifest.Nearest(end, timescale, 1e6)
		if parts := l.parts(n); len(parts) > 0 {
			dst = l.appendParts(dst, n, r.Ordinal, parts)
		} else {
			dst = appendTime(dst, start, timescale)
		}
		if gap {
			dst = append(dst, "#EXT-X-GAP\n"...)
		}
		dst = append(dst, "#EXTINF:"...)
		dst = manifest.AppendFixed(dst, endMicros-startMicros, 6)
		dst = append(dst, ",\n"...)
		if l.keyFrames {
			dst = manifest.AppendKeyFrame(dst, t.Name, n)
		} else {
			dst = manifest.AppendSegment(dst, t.Name, n)
		}
		dst = append(dst, '\n')
		start, startMicros = end, endMicros
	}
	return dst
}

// appendTime says the UTC of what comes next.
func appendTime(dst []byte, ticks int64, timescale uint32) []byte {
	dst = append(dst, "#EXT-X-PROGRAM-DATE-TIME:"...)
	dst = manifest.AppendDateTime(dst, manifest.Nearest(ticks, timescale, 1000))
	return append(dst, '\n')
}

// timescale is the track's, one for the channel's life.
func (l *list) timescale() uint32 {
	if m := l.track.Newest(); m != nil {
		return m.Timescale
	}
	return 0
}
