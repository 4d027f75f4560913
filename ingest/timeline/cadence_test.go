package timeline

import (
	"fmt"
	"testing"
)

// Smooth's clock of 10 MHz holds no usual cadence but 25 and 50 frames a second: encoders dither. What is published is
// exact, and the same whichever frame a node learnt from.
func TestSmoothCadence(t *testing.T) {
	const hns = 10_000_000
	for name, c := range map[string]struct {
		num, den int64 // samples a second
		rate     uint32
		want     pace
	}{
		"23.976": {24000, 1001, 0, pace{timescale: 120000, cadence: 5005}},
		"24":     {24, 1, 0, pace{timescale: 120000, cadence: 5000}},
		"25":     {25, 1, 0, pace{timescale: 120000, cadence: 4800}},
		"29.97":  {30000, 1001, 0, pace{timescale: 120000, cadence: 4004}},
		"30":     {30, 1, 0, pace{timescale: 120000, cadence: 4000}},
		"50":     {50, 1, 0, pace{timescale: 120000, cadence: 2400}},
		"59.94":  {60000, 1001, 0, pace{timescale: 120000, cadence: 2002}},
		"44.1":   {44100, 1024, 44100, pace{timescale: 44100, cadence: 1024}},
		"48":     {48000, 1024, 48000, pace{timescale: 48000, cadence: 1024}},
		"HE-AAC": {24000, 1024, 48000, pace{timescale: 48000, cadence: 2048}},
	} {
		t.Run(name, func(t *testing.T) {
			info := TrackInfo{Kind: Video, Timescale: hns, Rate: c.rate}
			if c.rate != 0 {
				info.Kind = Audio
			}
			for _, offset := range []int64{0, -213333, 1, 6, 864_000 * hns} {
				for _, seam := range []int64{0, 341, -208} {
					var times []int64
					for i := range int64(120) {
						at := offset + scaleNear(i*c.den, hns, c.num)
						if i > 20 {
							at += seam
						}
						times = append(times, at)
					}
					if seam < 0 { // a loop's seam: the sample after it comes twice, too
						times = append(times[:21], append([]int64{times[20] + 208}, times[21:]...)...)
					}
					if got := paceOf(&info, times, 0); got != c.want {
						t.Errorf("from %d with a seam of %d: %+v, want %+v", offset, seam, got, c.want)
					}
				}
			}
		})
	}
}

// What is no grid is not taken for one because of a seam.
func TestNoCadence(t *testing.T) {
	info := TrackInfo{Kind: Video, Timescale: 10_000_000}
	var times []int64
	at := int64(0)
	for i := range int64(120) {
		times = append(times, at)
		at += 333667 + i%7*20000
	}
	if got := paceOf(&info, times, 0); got.cadence != 0 {
		t.Errorf("%+v", got)
	}
}

// Smooth as it comes: dithered, one fragment a GOP, audio that does not end where video does, priming before 0, and a
// node that is away meanwhile. Published times are exactly constant, and both nodes have the same.
func TestSmoothNodesAgree(t *testing.T) {
	const hns = 10_000_000
	for i, r := range [][3]int64{{24000, 1001, 48}, {25, 1, 50}, {30000, 1001, 60}, {50, 1, 100}, {60000, 1001, 120}} {
		for _, rate := range []int64{44100, 48000} {
			t.Run(fmt.Sprintf("%d/%d fps, %d Hz", r[0], r[1], rate), func(t *testing.T) {
				v1, v2 := video("v1", r[0], r[1], hns, int(r[2]), 0), video("v2", r[0], r[1], hns, int(r[2]), 0)
				a := elementary{
					name: "a", kind: Audio, timescale: hns, rate: uint32(rate), num: 1024, den: rate, chunk: int(rate) * 2 / 1024, config: 2, phase: -1,
				}
				back := t0 + 47*second
				sessions := []session{
					{start: t0, end: t0 + 41*second, id: 1, tracks: []elementary{v1, v2, a}},
					{start: back, end: back + 60*second, id: 2, tracks: []elementary{v1, v2, a}},
				}
				shared := &store{}
				x, y := single(config()), single(config())
				x.store, y.store, y.name = shared, shared, "b"
				seed := uint64(i)
				x.delay, y.delay = jitter(seed, 10_000_000, 80_000_000), jitter(seed+100, 10_000_000, 400_000_000)
				y.down = []hole{{from: t0 + 20*second, to: t0 + 24*second}}
				world(sessions, back+58*second, i%2 == 1, x, y)
				x.verify(t)
				y.verify(t)
				same := 0
				for _, c := range append(y.past, y.check) {
					same += agree(t, x.check, c)
				}
				if same < 60 {
					t.Errorf("only %d segments to compare", same)
				}
				for _, grid := range shared.gens[0].Tracks {
					if want := map[string]uint32{"v1": 120000, "v2": 120000, "a": uint32(rate)}[grid.Name]; grid.Timescale != want || grid.Cadence == 0 {
						t.Errorf("%+v", grid)
					}
				}
				for _, track := range []string{"v1", "v2", "a"} {
					if gaps, media := x.check.gaps(track, t0+3*second, t0+36*second); gaps != 0 || media < 14 {
						t.Errorf("%s: %d GAPs, %d segments", track, gaps, media)
					}
				}
				if t.Failed() {
					t.Logf("%s%s%+v", x.check.lists(), y.check.lists(), shared.gens)
				}
			})
		}
	}
}
