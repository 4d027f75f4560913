package dash

import (
	"strconv"

	"weir/manifest"
	"weir/media"
)

// Numbered appends the MPD by $Number$ and @duration to dst: the names are those of HLS, and a player knows the next one
// without asking. It is offered where Numbers tells so. Periods, sets, ids, times and publishTime are those of MPD, which
// see, also for what is listed, allocation and the schema. What differs:
//
// All templates have the master's timescale, in which a slot is a whole number of ticks; segments of other tracks start
// less than a frame beside. A hole cannot be said: its number is not found. There are no sets of key frames. A
// presentation that has ended stays dynamic, with a duration and without updates: its first Period began in 2020, and only
// as dynamic can it say how much of that is there (docs/time.md, section 7).
func Numbered(dst []byte, p *manifest.Presentation) []byte {
	var space [4]period
	l := newLayout(p, byNumber, space[:])
	return appendMPD(dst, &l)
}

// Numbers tells whether a presentation may be addressed by $Number$: its encoders' times are UTC, so that all nodes know
// the same numbers, and its segments start with their slots.
func Numbers(p *manifest.Presentation) bool {
	for i := range p.Generations {
		if g := &p.Generations[i]; !g.Regular && !g.Dependent || g.SlotTicks <= 0 {
			return false
		}
	}
	return p.Epoch
}

// appendNumbers appends the SegmentTemplate.
func appendNumbers(dst []byte, pd *period, t *manifest.Track, m *media.Track) []byte {
	g := pd.generation
	dst = append(dst, `    <SegmentTemplate`...)
	dst = manifest.AppendNumber(dst, "timescale", int64(g.Timescale))
	dst = manifest.AppendNumber(dst, "presentationTimeOffset", pd.start)
	dst = manifest.AppendNumber(dst, "duration", g.SlotTicks)
	dst = append(dst, ` startNumber="`...)
	dst = strconv.AppendUint(dst, pd.startNumber(), 10)
	dst = append(dst, '"')
	dst = pd.low.appendOffset(dst)
	dst = appendNames(dst, t, m, manifest.AppendNumberTemplate)
	return append(dst, "\"/>\n"...)
}

// startNumber is the number of the slot that begins where the Period does.
func (pd *period) startNumber() uint64 {
	g := pd.generation
	if g.SlotTicks <= 0 {
		return g.N0
	}
	return g.N0 - uint64((g.SlotStart(g.N0)-pd.start)/g.SlotTicks)
}

// timescale is that of a track's SegmentTemplate.
func (pd *period) timescale(m *media.Track) uint32 {
	if pd.numbered {
		return pd.generation.Timescale
	}
	return m.Timescale
}

// depth is how much can be played: the window, or less while a channel is young. By $Number$ nothing else says it.
func (l *layout) depth() int64 {
	p, pd := l.presentation, &l.periods[0]
	if l.form != byNumber || l.newest == nil {
		return p.Window
	}
	first := uint64(0)
	for i := range p.Tracks {
		if t := &p.Tracks[i]; pd.listed(t) != nil && len(t.Runs) > 0 {
			first = max(first, t.Runs[0].N)
		}
	}
	g := pd.generation
	span := manifest.Floor(l.newest.SlotStart(l.limit), l.newest.Timescale, second) -
		manifest.Floor(g.SlotStart(max(first, g.N0)), g.Timescale, second)
	if span >= p.Window-lead(p, l.newest) {
		return p.Window
	}
	return max(span, second)
}

// appendOver appends the attributes of a presentation by $Number$ that is over.
func appendOver(dst []byte, l *layout) []byte {
	p := l.presentation
	dst = append(dst, ` type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z"`...)
	dst = appendPublishTime(dst, l.publishTime()+1)
	last := &l.periods[len(l.periods)-1]
	dst = appendDuration(append(dst, ` mediaPresentationDuration=`...), last.endNanos(p))
	if p.Window > 0 {
		dst = appendDuration(append(dst, ` timeShiftBufferDepth=`...), l.depth())
	}
	return dst
}
