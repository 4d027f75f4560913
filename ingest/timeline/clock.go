package timeline

import "slices"

// Encoders that publish each rendition in a connection of its own (RTMP) may stamp all of them by one clock, or each from
// its own zero. Nothing that they send tells which: arrival does. Two connections share a clock if their media comes together
// under it.
//
// Rule: docs/time.md, section 4 (several connections).

// clockSlack is how far apart media of one clock may come in two connections.
const clockSlack = second / 2

// oneClock leaves out the tracks whose connection has another clock than the master's: they are learnt when the first
// generation is there. Of a track that several connections bring, a copy by the master's clock is taken.
func (tl *Timeline) oneClock(sketches []*sketch) []*sketch {
	var lead *sketch
	for _, k := range sketches {
		if lead == nil || k.t.kind == Video && lead.t.kind != Video {
			lead = k
		}
	}
	if lead == nil || lead.in.info.Clock == 0 {
		return sketches
	}
	for i, k := range sketches {
		for _, in := range tl.inputs {
			if in.t == k.t && in.info.Clock == lead.in.info.Clock && k.in.info.Clock != in.info.Clock && len(in.q) > 0 {
				sketches[i] = sketchOf(in)
			}
		}
	}
	early := map[uint64]int64{} // of the first track of each clock to come
	for _, k := range sketches {
		clock := k.in.info.Clock
		if at, ok := early[clock]; !ok || k.early < at {
			early[clock] = k.early
		}
	}
	return slices.DeleteFunc(sketches, func(k *sketch) bool {
		clock := k.in.info.Clock
		return clock != 0 && abs(sub(early[clock], early[lead.in.info.Clock])) > clockSlack
	})
}

// sharesClock tells whether an input may be on a base whatever the time of its arrival says: it tells of no clock, or another
// input of its clock is there.
func (tl *Timeline) sharesClock(in *input, b *timebase) bool {
	if in.info.Clock == 0 {
		return true
	}
	return slices.ContainsFunc(tl.inputs, func(o *input) bool {
		return o != in && o.base == b && o.info.Clock == in.info.Clock
	})
}
