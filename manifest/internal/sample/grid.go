package sample

import (
	"weir/manifest"
	"weir/media"
)

// A Grid is what the segments of a generation are cut by.
type Grid struct {
	Timescale        uint32
	Slot, Phase      int64 // ticks
	Ordinal          int
	N0, K0, Sequence int64
}

// Even is a grid of 1.92 s slots in 1/90000 s, with a phase of 0.4 s, whose first listed number is N0.
func Even() Grid { return at(Grid{Timescale: 90000, Slot: 172800, Phase: 36000}, Noon) }

// Film is a grid of 60 frames of 1001/30000 s in 1/120000 s: 2.002 s slots.
func Film() Grid { return at(Grid{Timescale: 120000, Slot: 240240}, Noon) }

// Samples is a grid of 2 s slots in 1/48000 s: that of a channel without video.
func Samples() Grid { return at(Grid{Timescale: 48000, Slot: 96000}, Noon) }

// at gives a channel's first grid its first slot: the one that the given second lies in.
func at(g Grid, second int64) Grid {
	g.K0 = (second*int64(g.Timescale) - g.Phase) / g.Slot
	g.N0 = g.K0
	return g
}

// Next is the grid of the generation after g: it opens at number n0 with the first slot of another length and phase that
// starts at or after the end of g's last, skip slots later.
func (g Grid) Next(n0, slot, phase, skip int64) Grid {
	next := Grid{
		Timescale: g.Timescale, Slot: slot, Phase: phase, Ordinal: g.Ordinal + 1, N0: n0, Sequence: g.Sequence + 1,
	}
	end := (g.K0+n0-g.N0)*g.Slot + g.Phase
	next.K0 = (end-phase+slot-1)/slot + skip
	return next
}

// Generation says the grid as manifest's own type.
func (g Grid) Generation() manifest.Generation {
	return manifest.Generation{
		Ordinal: g.Ordinal, N0: uint64(g.N0), DiscontinuitySequence: uint64(g.Sequence), Timescale: g.Timescale,
		SlotTicks: g.Slot, PhaseTicks: g.Phase, K0: g.K0, Regular: true,
	}
}

// Bounds returns the ticks between which the segment of number n lies in a track: whole slots for the master's timescale,
// the frames that start in the slot for audio (1024 samples each), the slot rounded up otherwise.
func (g Grid) Bounds(n int64, m *media.Track) (start, end int64) {
	edge := func(n int64) int64 {
		t := -manifest.Floor(-((g.K0+n-g.N0)*g.Slot + g.Phase), g.Timescale, m.Timescale)
		if m.Kind == media.Audio {
			t = (t + 1023) / 1024 * 1024
		}
		return t
	}
	return edge(n), edge(n + 1)
}

// Init describes a track in the generation, with its grid: frames, where the slot is a whole number of them, else pictures
// as long as the slot; 1024 samples for audio; none for text.
func (g Grid) Init(m *media.Track) manifest.Init {
	i := manifest.Init{Ordinal: g.Ordinal, Media: m}
	switch m.Kind {
	case media.Video:
		i.Cadence = int64(m.Timescale) * int64(m.FrameRate.Den) / int64(m.FrameRate.Num)
		slot := manifest.Floor(g.Slot, g.Timescale, m.Timescale)
		if slot%i.Cadence != 0 {
			i.Cadence = slot
		}
		i.Phase = manifest.Floor(g.Phase, g.Timescale, m.Timescale) % i.Cadence
	case media.Audio:
		i.Cadence = 1024
	}
	return i
}

// Run is the segment of number n of a track.
func (g Grid) Run(m *media.Track, n int64, gap bool) manifest.Run {
	start, end := g.Bounds(n, m)
	return manifest.Run{N: uint64(n), Count: 1, Start: start, Duration: end - start, Ordinal: g.Ordinal, Gap: gap}
}

// Runs lists the segments [from,to) of a track; gap tells which are holes.
func (g Grid) Runs(m *media.Track, from, to int64, gap func(n int64) bool) []manifest.Run {
	var runs []manifest.Run
	for n := from; n < to; n++ {
		runs = manifest.AppendRun(runs, g.Run(m, n, gap != nil && gap(n)))
	}
	return runs
}
