package timeline

import "slices"

const (
	millisecond = second / 1000
	microsecond = second / 1000000
)

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
		chunk, even := chunkLength(k.ends)
		if k.in.info.Frames {
			chunk, even = scale(k.pace.cadence, second, k.pace.timescale), k.pace.cadence != 0
		}
		best := int64(0)
		for chunks := int64(1); even && chunk >= 10*millisecond && chunks*chunk <= part*3/2; chunks++ {
			at := k.framesIn(chunks * chunk)
			if at >= part*3/4 && framesFit(at, sketches) && (best == 0 || abs(at-part) < abs(best-part)) {
				best = at
			}
		}
		if best != 0 {
			return best
		}
	}
	// Off grids a part may end as much before its length as its longest frame lasts.
	for _, k := range sketches {
		if k.pace.cadence == 0 && k.t.kind == Video {
			part = max(part, min(k.frame*100/15, longestPart, g.dNanos()/2))
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

// longestPart is what a variable frame rate may make of live.part.
const longestPart = second

// framesIn is a time that is meant to be a whole number of frames, as just as long as they are and not shorter: whole
// microseconds, as playlists write it.
func (k *sketch) framesIn(at int64) int64 {
	if k.pace.cadence != 0 {
		frames := nearTo(scaleNear(at, k.pace.timescale, second), k.pace.cadence, 0)
		at = scaleUp(frames, second, k.pace.timescale)
	}
	return -floorDiv(-at, microsecond) * microsecond
}

// chunkLength is how long chunks are that end at times, of which some may be missing; false: they differ. Times are rounded
// down to nanoseconds.
func chunkLength(ends []int64) (length int64, even bool) {
	step, _ := commonStep(ends)
	if step <= 0 {
		return 0, false
	}
	chunks, single := int64(0), 0
	for i := 1; i < len(ends); i++ {
		d := ends[i] - ends[i-1]
		n := (d + step/2) / step
		if abs(d-n*step) > n+1 {
			return 0, false
		}
		if n == 1 {
			single++
		}
		chunks += n
	}
	return (ends[len(ends)-1] - ends[0]) / chunks, single*4 >= 3*(len(ends)-1)
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
