package timeline

// videoTimescale is exact for 23.976, 24, 25, 29.97, 30, 50, 59.94, 60, 100 and 120 frames a second.
const videoTimescale = 120000

// frameRates are what a video cadence that its encoder rounds is compared with.
var frameRates = [...][2]int64{
	{120, 1},
	{120000, 1001},
	{100, 1},
	{75, 1},
	{60, 1},
	{60000, 1001},
	{50, 1},
	{48, 1},
	{48000, 1001},
	{40, 1},
	{30, 1},
	{30000, 1001},
	{25, 1},
	{24, 1},
	{24000, 1001},
	{20, 1},
	{15, 1},
	{15000, 1001},
	{25, 2},
	{12, 1},
	{10, 1},
	{5, 1},
}

// frameSizes are what an audio cadence is compared with, in samples.
var frameSizes = [...]int64{2048, 1920, 1536, 1152, 1024, 960, 576, 512, 480, 256, 240, 120}

// A pace is how a track's samples follow each other.
type pace struct {
	timescale int64 // published
	cadence   int64 // published ticks; 0: variable
	doubt     bool  // two cadences would do: more samples are needed
}

// paceOf finds the published timescale of a track and its cadence there. times are starts of samples in encoder ticks,
// ascending, with holes perhaps. published is the track's timescale where it is fixed already, else 0.
//
// Rule: docs/time.md, section 1.
func paceOf(info *TrackInfo, times []int64, published int64) pace {
	s := int64(info.Timescale)
	few := len(times) < 4
	step, exact := commonStep(times)
	if exact && !info.Frames && s%25 == 0 && s <= maxTimescale && (published == 0 || published == s) {
		return pace{timescale: s, cadence: step, doubt: few}
	}
	p := published
	if p == 0 {
		p = videoTimescale
		if info.Kind != Video {
			p = audioTimescale(info)
		}
	}
	if exact {
		if q, r := mulDiv(step, p, s); r == 0 && q > 0 {
			return pace{timescale: p, cadence: q, doubt: few}
		}
	}
	if n := int64(info.Frame); info.Frames && n*p%max(int64(info.Rate), 1) == 0 && n > 0 { // it is counted, whatever the stamps do
		return pace{timescale: p, cadence: n * p / int64(info.Rate), doubt: few}
	}
	best, doubt := int64(0), few
	try := func(c int64) {
		if c <= 0 || !fits(times, s, p, c) {
			return
		}
		if best != 0 && abs(c-best)*100 < best {
			doubt = true
		}
		if c > best {
			best = c
		}
	}
	if info.Kind == Video {
		for _, r := range frameRates {
			if p*r[1]%r[0] == 0 {
				try(p * r[1] / r[0])
			}
		}
	} else if info.Rate > 0 {
		for _, n := range frameSizes {
			if n*p%int64(info.Rate) == 0 {
				try(n * p / int64(info.Rate))
			}
		}
	}
	return pace{timescale: p, cadence: best, doubt: doubt}
}

func audioTimescale(info *TrackInfo) int64 {
	rates := [...]uint32{info.Rate, info.Timescale}
	if info.Frames {
		rates[1] = 0
	}
	for _, r := range rates {
		if r > 0 && r <= maxTimescale && r%25 == 0 {
			return int64(r)
		}
	}
	return 48000
}

// commonStep is the step that nearly all samples make; exact where the others make multiples of it (holes, samples that
// last longer).
func commonStep(times []int64) (step int64, exact bool) {
	votes := 0
	for i := 1; i < len(times); i++ { // majority vote
		switch d := times[i] - times[i-1]; {
		case votes == 0:
			step, votes = d, 1
		case d == step:
			votes++
		default:
			votes--
		}
	}
	if step <= 0 {
		return 0, false
	}
	same := 0
	for i := 1; i < len(times); i++ {
		d := times[i] - times[i-1]
		if d%step != 0 {
			return step, false
		}
		if d == step {
			same++
		}
	}
	return step, same*4 >= 3*(len(times)-1)
}

// fits tells whether all samples lie on one grid of cadence c (in ticks of p), to within an encoder tick and a half, each
// on a point of its own. One in 32 may begin a stretch that lies elsewhere between the points: encoders that send Smooth
// mend their first audio, or the seam of a looped file, by some microseconds.
func fits(times []int64, s, p, c int64) bool {
	const unit = 16 // of a published tick
	tolerance := unit*p*3/(2*s) + 2
	step := c * unit
	if len(times) < 3 || tolerance*3 >= step {
		return false
	}
	low, high, last, before, seams := int64(0), int64(0), int64(-1), int64(0), 0
	for _, x := range times {
		y := scale(x-times[0], p*unit, s)
		i := floorDiv(y+step/2, step)
		r := y - i*step
		if i == last || abs(r-before) > 4*tolerance {
			seams++
			low, high = r, r
		}
		last, before = i, r
		low, high = min(low, r), max(high, r)
		if high-low > tolerance {
			return false
		}
	}
	return seams*32 <= len(times)
}
