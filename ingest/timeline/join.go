package timeline

// A timebase is a Base with the record that it comes from. All tracks of one encoder session share one.
type timebase struct {
	Base
	ordinal int
	seq     int // join that laid it; 0: the generation's anchor
	late    int64
}

func (tl *Timeline) remember(j *Join) {}

func (tl *Timeline) joined(now int64, j, mine *Join) {}

func (tl *Timeline) startList(now int64) {}

// step decides about the chunk at the head of an input. It reports false where it has to wait.
func (tl *Timeline) step(now int64, in *input, h *held) bool {
	if len(tl.gens) == 0 {
		return false
	}
	if in.base == nil {
		g := tl.gen()
		grid := g.grid(in.t.name)
		if grid == nil {
			tl.dropAll(in.t, h, OffSet)
			return true
		}
		in.base = &timebase{Base: g.base(), ordinal: g.Ordinal, late: g.Late}
		in.m = in.base.mapping(grid, in.info.Timescale)
	}
	tl.measure(in, h)
	tl.place(in, h)
	return true
}
