package hls

import (
	"strconv"

	"weir/manifest"
	"weir/media"
)

// Low latency. The newest segments are listed with their parts, and the one that is open by its parts alone. A player asks
// for the next version of a playlist before it is there (CAN-BLOCK-RELOAD), and for the next part (EXT-X-PRELOAD-HINT): both
// are held until they are.
//
// Source: RFC 8216bis, 4.4.3.7, 4.4.3.8, 4.4.4.9 and 4.4.5.3.

const (
	holdTargets = 3 // target durations from the end at which a player of segments begins
	skipTargets = 6 // target durations from the end within which nothing is skipped
	holdParts   = 3 // the same for a player of parts
)

// offersLow tells whether playlists are of low latency.
func offersLow(p *manifest.Presentation) bool { return p.Live && p.PartTarget > 0 }

// partTarget is PART-TARGET in microseconds, rounded up: no part that keeps to it is printed longer.
func partTarget(p *manifest.Presentation) int64 { return micros(p.PartTarget) }

func micros(nanos int64) int64 { return (nanos + 999) / 1000 }

// holdBack is PART-HOLD-BACK in microseconds. Where an encoder sends more than a part at a time, a player must have that
// much in hand until it sends again; latency gets worse, and nothing stalls.
func holdBack(p *manifest.Presentation) int64 {
	target := partTarget(p)
	return max(holdParts*target, micros(p.Burst)+(holdParts-1)*target)
}

// appendServerControl appends what is the same in all playlists, for the life of the URL. It begins with a line's end.
func appendServerControl(dst []byte, p *manifest.Presentation) []byte {
	dst = append(dst, "\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL="...)
	dst = strconv.AppendInt(dst, skipTargets*int64(p.TargetDuration), 10)
	dst = append(dst, ".0,PART-HOLD-BACK="...)
	dst = manifest.AppendFixed(dst, holdBack(p), 6)
	dst = append(dst, ",HOLD-BACK="...)
	dst = strconv.AppendInt(dst, holdTargets*int64(p.TargetDuration), 10)
	dst = append(dst, ".0\n#EXT-X-PART-INF:PART-TARGET="...)
	return manifest.AppendFixed(dst, partTarget(p), 6)
}

// entry is what the track has of parts of segment n, or nil.
func (l *list) entry(n uint64) *manifest.SegmentParts {
	if !l.low {
		return nil
	}
	for i := range l.track.Parts {
		if s := &l.track.Parts[i]; s.N == n && len(s.Parts) > 0 {
			return s
		}
	}
	return nil
}

// parts are the listed parts of segment n.
func (l *list) parts(n uint64) []media.Part {
	if s := l.entry(n); s != nil {
		return s.Parts
	}
	return nil
}

// appendParts appends the time of a segment, and its parts. They are independent in video alone: in the other kinds all are,
// and a player would choose among them.
func (l *list) appendParts(dst []byte, n uint64, ordinal int, parts []media.Part) []byte {
	timescale, video := l.timescale(), false
	if m := l.track.Init(ordinal); m != nil {
		video = m.Kind == media.Video
	}
	dst = appendTime(dst, parts[0].Start, timescale)
	for k, part := range parts {
		dst = append(dst, "#EXT-X-PART:DURATION="...)
		dst = manifest.AppendFixed(dst, manifest.Nearest(part.End, timescale, 1e6)-manifest.Nearest(part.Start, timescale, 1e6), 6)
		dst = append(dst, ",URI=\""...)
		dst = manifest.AppendPart(dst, l.track.Name, n, k)
		dst = append(dst, '"')
		if video && part.Independent {
			dst = append(dst, ",INDEPENDENT=YES"...)
		}
		dst = append(dst, '\n')
	}
	return dst
}

// appendOpen appends the parts of the segment that is open.
func (l *list) appendOpen(dst []byte) []byte {
	open := l.entry(l.track.End())
	if open == nil {
		return dst
	}
	if last := &l.track.Runs[len(l.track.Runs)-1]; open.Ordinal != last.Ordinal {
		dst = l.appendGeneration(dst, open.Ordinal)
	}
	return l.appendParts(dst, open.N, open.Ordinal, open.Parts)
}

// appendHint appends the name of the part that comes next, after that of its init segment where it needs another one.
// Text is listed as a whole and has none, nor has a track that is not of the generation to come.
func (l *list) appendHint(dst []byte) []byte {
	n, part := l.presentation.NextPart(l.track)
	g := l.presentation.GenerationAt(n)
	if g == nil {
		return dst
	}
	m := l.track.Init(g.Ordinal)
	if m == nil || !hasParts(m) {
		return dst
	}
	_, _, ordinal, _ := l.last()
	if before := l.track.Nearest(ordinal); before != nil && before.InitHash != m.InitHash {
		dst = append(dst, "#EXT-X-PRELOAD-HINT:TYPE=MAP,URI=\""...)
		dst = manifest.AppendInit(dst, l.track.Name, m.InitHash)
		dst = append(dst, "\"\n"...)
	}
	dst = append(dst, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\""...)
	dst = manifest.AppendPart(dst, l.track.Name, n, part)
	return append(dst, "\"\n"...)
}

// last is the last listed part, or the last segment where that has none (-1), the generation, and where it ends.
func (l *list) last() (n uint64, part, ordinal int, end int64) {
	if open := l.entry(l.track.End()); open != nil {
		k := len(open.Parts) - 1
		return open.N, k, open.Ordinal, open.Parts[k].End
	}
	r := &l.track.Runs[len(l.track.Runs)-1]
	n = r.End() - 1
	return n, len(l.parts(n)) - 1, r.Ordinal, r.EndTicks()
}

// hasParts tells whether segments of a track are listed by parts. Text is decided slot by slot.
func hasParts(m *media.Track) bool { return m.Kind == media.Video || m.Kind == media.Audio }
