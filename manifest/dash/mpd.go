// Package dash turns the snapshot of a presentation into a DASH MPD (ISO/IEC 23009-1): live, over CMAF, by SegmentTimeline
// and $Time$, or by $Number$. It is made of pure functions: equal snapshots give equal bytes, nothing is kept, nothing is
// fetched, no clock is read. Start reading at MPD; what is listed stands in layout.go, how its time is said in period.go,
// and what low latency adds in low.go.
package dash

import (
	"strconv"

	"weir/manifest"
)

const (
	second = 1_000_000_000 // nanoseconds

	// publishDelay lies between the end of a slot and the publishTime of the MPD that lists it: the least that any
	// encoder and network need. It is fixed, because nodes that list the same must say the same.
	publishDelay = 100 // milliseconds
)

// MPD appends the MPD to dst. URIs are relative to {manifestName}.ism/.
//
// It lists segments up to the number that all tracks of a generation have listed, so that no player is led ahead of a
// late track; GAPs count as listed, and are holes in the SegmentTimeline. A generation is a Period, listed once it has
// media. A track is a Representation where it has media; in an outage longer than the window it is the newest media
// segment (Track.Kept). publishTime follows the newest slot that is listed so, and what is listed is a function of that
// slot: it grows whenever the lists change. (One thing else changes an MPD: a track that is described only after its
// generation was listed.) A presentation that has ended is static, one millisecond younger, with all times and ids as
// they were.
//
// Where nothing is listed the MPD has one Period without content: valid, but answer "not yet" instead.
//
// It does not allocate when dst has room and there are at most four Periods. Implements ISO/IEC 23009-1, 5.3 and 5.4
// (profiles isoff-live and cmaf); elements stand in the order of its schema.
func MPD(dst []byte, p *manifest.Presentation) []byte {
	var space [4]period
	l := newLayout(p, byTime, space[:])
	return appendMPD(dst, &l)
}

// Low appends MPD's low-latency form: it also lists the slot that is open and the next, as the grids foresee them (low.go).
// They may become GAPs, and leave the list again, which Shaka does not get over: so it is not everybody's. Where no low
// latency is offered it is MPD's.
func Low(dst []byte, p *manifest.Presentation) []byte {
	var space [4]period
	l := newLayout(p, byTimeLow, space[:])
	return appendMPD(dst, &l)
}

// appendMPD appends the MPD of a layout.
func appendMPD(dst []byte, l *layout) []byte {
	p := l.presentation
	dst = append(dst, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"...)
	dst = append(dst, `<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"`...)
	dst = append(dst, ` profiles="urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019`...)
	if l.low.said() {
		dst = append(dst, `,http://www.dashif.org/guidelines/low-latency-live-v5`...)
	}
	dst = append(dst, '"')
	switch {
	case p.Live:
		dst = appendLive(dst, l)
	case l.form == byNumber:
		dst = appendOver(dst, l)
	default:
		dst = appendEnded(dst, l)
	}
	dst = appendDuration(append(dst, ` minBufferTime=`...), l.minBuffer())
	dst = appendDuration(append(dst, ` maxSegmentDuration=`...), longestSegment(p))
	dst = append(dst, ">\n"...)
	dst = appendServiceDescription(dst, l)
	for i := range l.periods {
		dst = appendPeriod(dst, p, &l.periods[i], !p.Live && i == len(l.periods)-1)
	}
	dst = append(dst, " "+utcTiming+"\n"...)
	return append(dst, "</MPD>\n"...)
}

// appendLive appends the attributes of a presentation that goes on.
func appendLive(dst []byte, l *layout) []byte {
	p := l.presentation
	dst = append(dst, ` type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z"`...)
	dst = appendPublishTime(dst, l.publishTime())
	dst = appendDuration(append(dst, ` minimumUpdatePeriod=`...), l.updatePeriod())
	if p.Window > 0 {
		dst = appendDuration(append(dst, ` timeShiftBufferDepth=`...), l.depth())
	}
	return appendDuration(append(dst, ` suggestedPresentationDelay=`...), l.delay())
}

// utcTiming is where players set their clocks.
const utcTiming = `<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-xsdate:2014" value="/time"/>`

// appendEnded appends the attributes of a presentation that is over. Its duration counts from the zero of Period@start,
// which does not move: a player that was there keeps its timeline.
func appendEnded(dst []byte, l *layout) []byte {
	dst = append(dst, ` type="static" availabilityStartTime="1970-01-01T00:00:00Z"`...)
	dst = appendPublishTime(dst, l.publishTime()+1)
	last := &l.periods[len(l.periods)-1]
	return appendDuration(append(dst, ` mediaPresentationDuration=`...), last.endNanos(l.presentation))
}

func appendPublishTime(dst []byte, millis int64) []byte {
	dst = append(dst, ` publishTime="`...)
	dst = manifest.AppendDateTime(dst, millis)
	return append(dst, '"')
}

// appendDuration appends nanoseconds as a quoted xs:duration in seconds, with no decimals that say nothing.
func appendDuration(dst []byte, nanos int64) []byte {
	nanos = max(0, nanos)
	dst = append(dst, `"PT`...)
	if nanos%second == 0 {
		dst = strconv.AppendInt(dst, nanos/second, 10)
	} else {
		dst = manifest.AppendFixed(dst, nanos, 9)
		for dst[len(dst)-1] == '0' {
			dst = dst[:len(dst)-1]
		}
	}
	return append(dst, `S"`...)
}
