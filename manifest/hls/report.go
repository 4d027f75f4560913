package hls

import (
	"strconv"

	"weir/manifest"
	"weir/media"
)

// appendReports appends how far each other playlist is, so that a player that changes to one can ask for its end at once.
//
// Playlists of a version must not depend on which track came first. So a report says what the other track has by its grid
// when this one is as far as it is: its last part that ends by then. A player that asks for it waits if need be.
//
// Source: RFC 8216bis, 4.4.5.4.
func (l *list) appendReports(dst []byte) []byte {
	n, part, ordinal, end := l.last()
	for i := range l.presentation.Tracks {
		t := &l.presentation.Tracks[i]
		m := t.Init(ordinal)
		if t == l.track || m == nil || m.Kind == media.Metadata || len(t.Runs) == 0 {
			continue // no playlist that goes on
		}
		msn, last, ok := l.reached(t, n, end)
		if !ok { // no grid: slots are the same, and parts about as long
			msn, last = n, max(part, 0)
			if !hasParts(m) {
				msn = l.track.End() - 1
			}
		}
		dst = append(dst, "#EXT-X-RENDITION-REPORT:URI=\"../"...)
		dst = manifest.AppendPlaylist(dst, t.ID, t.Name)
		dst = append(dst, "\",LAST-MSN="...)
		dst = strconv.AppendUint(dst, msn, 10)
		if hasParts(m) {
			dst = append(dst, ",LAST-PART="...)
			dst = strconv.AppendInt(dst, int64(last), 10)
		}
		dst = append(dst, '\n')
	}
	return dst
}

// reached is the last part of another track that by its grid ends at or before end, in ticks of this track, which has got
// to segment n; false where no grid says. Ends that differ by less than a tick of each track are the same.
func (l *list) reached(t *manifest.Track, n uint64, end int64) (msn uint64, part int, ok bool) {
	for {
		g := l.presentation.GenerationAt(n)
		if g == nil {
			return 0, 0, false
		}
		grid := t.Grid(g.Ordinal)
		if grid == nil {
			return 0, 0, false
		}
		from, ok := g.Edge(grid, n)
		to, _ := l.presentation.EndOf(t, n)
		if !ok || to <= from {
			return 0, 0, false
		}
		length := to - from
		if hasParts(grid.Media) {
			length = min(length, grid.PartLength(l.presentation.PartTarget))
		}
		at := -manifest.Floor(-end-1, l.timescale(), grid.Media.Timescale)
		switch {
		case at >= to:
			return n, int((to - from - 1) / length), true
		case at >= from+length:
			return n, int((at-from)/length) - 1, true
		case n == 0:
			return 0, 0, false
		}
		n--
	}
}
