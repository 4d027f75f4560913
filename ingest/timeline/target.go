package timeline

import "slices"

const millisecond = second / 1000

// targets sets TARGETDURATION and PART-TARGET, which stay for the life of the URL, and the burst: docs/time.md, section 2.
func (g *Generation) targets(cfg *Config, sketches []*sketch) {
	g.TargetDuration = g.targetDuration(sketches)
	g.PartTarget = g.partTarget(cfg.Part, sketches)
	for _, k := range sketches {
		g.Burst = max(g.Burst, min(k.burst(), int64(g.TargetDuration)*second))
	}
}

// burst is how much media comes at a time, in ns: the longest chunk, or what an encoder collects that sends several at once.
func (k *sketch) burst() int64 {
	longest := int64(0)
	for _, h := range k.in.q {
		longest = max(longest, scale(h.end-h.time, second, int64(k.in.info.Timescale)))
	}
	if len(k.ends) < 4 {
		return longest
	}
	var ages []int64 // of the chunks' beginnings when they came; from a chunk's length up to the burst's
	for i := 1; i < len(k.ends); i++ {
		ages = append(ages, sub(sub(k.arrive[i], k.ends[i-1]), k.early))
	}
	slices.Sort(ages)
	if collected := 2*ages[len(ages)/2] - longest; collected >= 2*longest { // half of them: a hiccup is no habit
		return collected
	}
	return longest
}

// targetDuration in seconds: what no segment of these slots exceeds when it is rounded.
func (g *Generation) targetDuration(sketches []*sketch) int {
	longest := g.dNanos()
	if g.irregular() {
		longest *= 2
	} else {
		frame := int64(0)
		for _, k := range sketches {
			if k.t.kind == Audio {
				frame = max(frame, min(k.frame, second))
			}
		}
		longest += frame
	}
	return int(max(1, (longest+second/2)/second))
}

// partTarget is a time near part of which every track has a whole number of frames in 0.85 to 1.00: the multiple of the
// encoder's chunk that is nearest to part, where one fits, else the smallest at or above part.
func (g *Generation) partTarget(part int64, sketches []*sketch) int64 {
	for _, k := range sketches {
		if k.t.name != g.Master {
			continue
		}
		chunk, even := commonStep(k.ends)
		best := int64(0)
		for at := chunk; even && chunk >= 10*millisecond && at <= part*3/2; at += chunk {
			if at >= part*3/4 && framesFit(at, sketches) && (best == 0 || abs(at-part) < abs(best-part)) {
				best = at
			}
		}
		if best != 0 {
			return best
		}
	}
	part = max(part/millisecond, 1) * millisecond
	for at := part; at <= 2*part; at += millisecond {
		if framesFit(at, sketches) {
			return at
		}
	}
	return part
}

// framesFit tells whether every track has a whole number of frames in 0.85 to 1.00 of a time.
func framesFit(at int64, sketches []*sketch) bool {
	for _, k := range sketches {
		if k.pace.cadence == 0 {
			continue
		}
		frames := scale(at, k.pace.timescale, second) / k.pace.cadence
		if scale(frames*k.pace.cadence, second, k.pace.timescale)*100 < at*85 {
			return false
		}
	}
	return true
}
