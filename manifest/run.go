package manifest

// A Run is Count consecutive segments of equal duration that follow each other without a hole in time.
type Run struct {
	N        uint64 // number of the first
	Count    int
	Start    int64 // ticks of the track since the Unix epoch
	Duration int64 // ticks, each
	Ordinal  int   // generation
	Gap      bool
}

// End is the number after the last segment of the run.
func (r Run) End() uint64 { return r.N + uint64(r.Count) }

// EndTicks is where the last segment of the run ends, in ticks of the track.
func (r Run) EndTicks() int64 { return r.Start + int64(r.Count)*r.Duration }

// Cut returns the part of the run with numbers in [from,to): the zero Run where there is none.
func (r Run) Cut(from, to uint64) Run {
	from, to = max(from, r.N), min(to, r.End())
	if from >= to {
		return Run{}
	}
	r.Start += int64(from-r.N) * r.Duration
	r.N, r.Count = from, int(to-from)
	return r
}

// continues tells whether r and the run before it can be said as one.
func (r Run) continues(before Run) bool {
	return r.N == before.End() && r.Start == before.EndTicks() && r.Duration == before.Duration &&
		r.Ordinal == before.Ordinal && r.Gap == before.Gap
}

// AppendRun adds r at the end of runs, as part of the last run where the two continue each other. A run without
// segments is not added. It writes to the last element of runs: a slice that others may be reading must be copied first.
func AppendRun(runs []Run, r Run) []Run {
	if r.Count <= 0 {
		return runs
	}
	if last := len(runs) - 1; last >= 0 && r.continues(runs[last]) {
		runs[last].Count += r.Count
		return runs
	}
	return append(runs, r)
}
