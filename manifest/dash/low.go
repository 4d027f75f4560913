package dash

import (
	"weir/manifest"
	"weir/media"
)

// Low latency. A segment may be asked for while it grows, from when its first chunk is there: that is what
// availabilityTimeOffset says, and availabilityTimeComplete="false" that it comes in chunks. By $Time$ a player can only ask
// for what is listed, and dash.js reads an MPD once a second at most: the slot that is open and the next are listed too,
// with the times that the grids give them. Segments are as long as foreseen, or GAPs, which the next version leaves out.
//
// It is said where chunks follow each other in a fraction of a segment (Presentation.Burst), and on grids.
//
// Source: ISO/IEC 23009-1, 5.3.9.5 (availabilityTimeOffset), 5.13 (service description), 5.12 (producer reference time);
// DASH-IF IOP v5, part 1, low latency.

// low is what an MPD says of low latency; the zero value: nothing.
type low struct {
	offset int64 // nanoseconds: how much earlier than its end a segment may be asked for
	unit   int64 // nanoseconds: the longest time between chunks
	target int64 // milliseconds: the latency that players should aim at
	least  int64 // milliseconds: below this they would stall
}

func (w low) said() bool { return w.offset > 0 }

const (
	jitter   = second / 10 // lateness up to it is what buffers are for
	travel   = 200         // milliseconds for the way to a player and its decoder
	most     = 3           // times the target: a player that is further behind should jump
	foresees = 1800        // milliseconds: what is listed reaches so much further than the open slot, or a slot
	minRate  = "0.90"      // the speeds at which players may correct their latency
	maxRate  = "1.10"
)

// offersLow tells whether anything may be said of low latency.
func (l *layout) offersLow() bool {
	p := l.presentation
	return l.form != byTime && p.Live && p.PartTarget > 0 && p.Burst > 0
}

// lowLatency is what can be said: a function of records, so that it stays within a generation.
//
// A player of least latency plays what has just come while the next chunk is under way. It should have one more in hand,
// and where encoders send in bursts the time between them: the same as PART-HOLD-BACK in HLS. What media comes late by the
// encoder's own clock adds to that.
func (l *layout) lowLatency() low {
	p, g := l.presentation, l.newest
	if g == nil || !l.offersLow() || !l.onGrids() {
		return low{}
	}
	late := max(0, g.Late-jitter)
	unit := max(p.PartTarget, p.Burst)
	hold := max(3*p.PartTarget, p.Burst+2*p.PartTarget) + late
	return low{
		offset: manifest.Floor(g.SlotTicks, g.Timescale, second) - unit - late,
		unit:   unit,
		target: (hold/1_000_000 + travel + 99) / 100 * 100,
		least:  hold / 1_000_000,
	}
}

// onGrids tells whether the segments of all tracks of the newest generation can be foreseen.
func (l *layout) onGrids() bool {
	for i := range l.presentation.Tracks {
		t := &l.presentation.Tracks[i]
		grid := t.Grid(l.newest.Ordinal)
		if grid == nil || grid.Media.Kind == media.Metadata {
			continue
		}
		if _, ok := l.newest.Edge(grid, l.limit); !ok {
			return false
		}
	}
	return true
}

// foreseen is the number up to which segments are listed that are to come. It stops short of another generation, which may
// end the slot before it early.
func (l *layout) foreseen() uint64 {
	if !l.low.said() || l.form == byNumber {
		return 0
	}
	n := l.limit + Foresight(l.newest)
	if l.next != nil {
		n = min(n, l.next.N0-1)
	}
	return n
}

// Foresight is how many segments of a generation a low-latency MPD lists that are to come: the open one, and those that
// begin within 1.8 s of its end, one at least. Requests for them are honest however early.
func Foresight(g *manifest.Generation) uint64 {
	slot := max(manifest.Floor(g.SlotTicks, g.Timescale, 1000), 100)
	return 1 + uint64(max(1, (foresees+slot-1)/slot))
}

// foresee adds the segments of [limit,end) of a track.
func (pd *period) foresee(dst []byte, s *timeline, grid *manifest.Init, end uint64) []byte {
	for n := pd.limit; n < end; n++ {
		from, ok := pd.generation.Edge(grid, n)
		to, _ := pd.generation.Edge(grid, n+1)
		if !ok || from < s.end || to <= from {
			return dst
		}
		dst = s.add(dst, from, to-from, 1)
	}
	return dst
}

// appendOffset appends the attributes of a SegmentTemplate. They stand on all of them: a player takes the least of all
// offsets, wherever one is missing 0.
func (w low) appendOffset(dst []byte) []byte {
	if !w.said() {
		return dst
	}
	dst = append(dst, ` availabilityTimeOffset="`...)
	dst = manifest.AppendFixed(dst, w.offset/1_000_000, 3)
	return append(dst, `" availabilityTimeComplete="false"`...)
}

// appendServiceDescription appends the latency to aim at. It refers to the newest Period's first set.
func appendServiceDescription(dst []byte, l *layout) []byte {
	w, p, pd := l.low, l.presentation, &l.periods[len(l.periods)-1]
	if !w.said() {
		return dst
	}
	dst = append(dst, " <ServiceDescription id=\"0\">\n  <Latency"...)
	for i := range p.Tracks {
		if m := pd.listed(&p.Tracks[i]); m != nil && opens(p, pd, i) {
			dst = manifest.AppendNumber(dst, "referenceId", referenceID(pd, m))
			break
		}
	}
	dst = manifest.AppendNumber(dst, "target", w.target)
	dst = manifest.AppendNumber(dst, "min", w.least)
	dst = manifest.AppendNumber(dst, "max", most*w.target)
	return append(dst, "/>\n  <PlaybackRate min=\""+minRate+"\" max=\""+maxRate+"\"/>\n </ServiceDescription>\n"...)
}

// referenceID is the ProducerReferenceTime@id of the set of a track: as stable as that one's, and another in each Period.
func referenceID(pd *period, m *media.Track) int64 {
	return int64(hash(setID(m)^uint32(pd.generation.Ordinal), "reference") >> 1)
}

// appendReferenceTime appends what the clock says where the Period starts: media time is UTC.
func appendReferenceTime(dst []byte, pd *period, m *media.Track) []byte {
	if !pd.low.said() {
		return dst
	}
	dst = append(dst, `   <ProducerReferenceTime`...)
	dst = manifest.AppendNumber(dst, "id", referenceID(pd, m))
	dst = append(dst, ` type="encoder" wallClockTime="`...)
	dst = manifest.AppendDateTime(dst, pd.offset(1000))
	dst = append(dst, '"')
	dst = manifest.AppendNumber(dst, "presentationTime", pd.offset(pd.timescale(m)))
	return append(dst, ">\n    "+utcTiming+"\n   </ProducerReferenceTime>\n"...)
}

// appendResync appends how far chunks are apart. Sound and text can be played from each, pictures need not.
func appendResync(dst []byte, pd *period, m *media.Track) []byte {
	if !pd.low.said() {
		return dst
	}
	kind := int64(1) // what may be joined there: SAP type 1
	if m.Kind == media.Video {
		kind = 0
	}
	dst = manifest.AppendNumber(append(dst, `    <Resync`...), "type", kind)
	dst = manifest.AppendNumber(dst, "dT", -manifest.Floor(-pd.low.unit, second, pd.timescale(m)))
	return append(dst, " marker=\"true\"/>\n"...)
}

// minBuffer is what a player should have before it begins, at the stated bandwidth. ffmpeg takes its whole seconds for a
// number of segments to begin before the open one: it stays at least one.
func (l *layout) minBuffer() int64 {
	if l.low.said() {
		return second
	}
	return int64(max(1, l.presentation.TargetDuration)) * second
}

// delay is what players keep who know nothing of low latency. Shaka takes its own from it, and sees the live edge of a
// SegmentTimeline up to two segments too far ahead.
func (l *layout) delay() int64 {
	if l.low.said() && l.form == byNumber {
		return l.low.target * 1_000_000
	}
	return 3 * int64(max(1, l.presentation.TargetDuration)) * second
}
