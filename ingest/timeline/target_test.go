package timeline

import "testing"

// TestPartTargetOfChunks: PART-TARGET is a whole number of the encoder's chunks, also at rates that have no whole number of
// nanoseconds.
func TestPartTargetOfChunks(t *testing.T) {
	for _, c := range []struct {
		name              string
		cadence, scale    int64 // of the frames
		frames            int64 // of a chunk
		missing           bool  // one of the chunks
		want, wantedTicks int64 // ns; of a part
	}{
		{"25", 512, 12800, 5, false, 200_000_000, 2560},
		{"29.97, six", 3003, 90000, 6, false, 200_200_000, 18018},
		{"29.97, eight", 3003, 90000, 8, false, 266_934_000, 24024},
		{"29.97, two, one missing", 3003, 90000, 2, true, 200_200_000, 18018},
		{"59.94, one", 1001, 60000, 1, false, 200_200_000, 12012},
		{"29.97, frame by frame", 4004, 120000, 0, false, 200_200_000, 24024},
		{"23.976, four", 1001, 24000, 4, false, 166_834_000, 4004},
	} {
		g := &Generation{Master: "v", MasterTimescale: uint32(c.scale)}
		k := &sketch{t: &track{name: "v", kind: Video}, in: &input{info: TrackInfo{Frames: c.frames == 0}}}
		k.pace.cadence, k.pace.timescale = c.cadence, c.scale
		for i := range int64(40) {
			if i != 7 || !c.missing {
				k.ends = append(k.ends, scale((i+1)*c.frames*c.cadence, second, c.scale))
			}
		}
		g.PartTarget = g.partTarget(200*millisecond, []*sketch{k})
		ticks := g.partLength(&Grid{Kind: Video, Timescale: uint32(c.scale), Cadence: c.cadence})
		if g.PartTarget != c.want || ticks != c.wantedTicks {
			t.Errorf("%s: PART-TARGET %d ns, parts of %d ticks; want %d, %d", c.name, g.PartTarget, ticks, c.want, c.wantedTicks)
		}
	}
}
