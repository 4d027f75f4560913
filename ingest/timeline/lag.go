package timeline

// A follower follows the upper side of a measure slowly: it rises by at most 1/64 of the time that passes, and falls by
// at most 1/256 where it is near. Drift of any clock stays far below that, one late chunk hardly moves it. Where every
// measure of six seconds lies above it by more than its slack, it rises at once: all of them would miss their deadlines.
//
// Rule: docs/time.md, section 1 (lag).
type follower struct {
	value int64
	at    int64
	has   bool
	least int64 // of the measures since
	since int64
	count int
}

const (
	stepTime  = 6 * second
	stepCount = 3
)

func (f *follower) set(now, v int64) { *f = follower{value: v, at: now, has: true} }

func (f *follower) see(now, v, slack int64) {
	if !f.has {
		f.set(now, v)
		return
	}
	if f.count == 0 || v < f.least {
		f.least = v
	}
	if f.count == 0 {
		f.since = now
	}
	if f.count++; now-f.since >= stepTime && f.count >= stepCount {
		if f.least > add(f.value, slack) {
			f.value = f.least
		}
		f.count = 0
	}
	dt := min(max(0, now-f.at), 10*second)
	f.at = now
	if d := sub(v, f.value); d > 0 {
		f.value += min(d, dt/64)
	} else if d < -second {
		f.value -= dt / 64
	} else {
		f.value -= min(-d, dt/256)
	}
}

// measure takes note of how late a chunk came under its time base.
func (tl *Timeline) measure(now int64, in *input, h *held) {
	in.t.usual.see(h.arrival, lateness(in.base, in, h), tl.gen().half()/2)
	if !in.t.paced {
		in.t.spare = min(max(in.t.spare, in.length), maxSpare)
	}
	tl.drift(now, in)
}

// punctual takes note of how late a segment's last chunk came, and how much of the chunk lies beyond the segment: chunks
// that do not end where slots do bring a slot's last frame with anything up to their own length of delay.
func (tl *Timeline) punctual(in *input, h *held, end int64) {
	t := in.t
	grid := t.cur.grid
	late := sub(h.arrival, scale(end, second, int64(grid.Timescale)))
	t.late.see(h.arrival, min(max(late, -1<<60), 1<<60), tl.gen().half()/2)
	t.paced = true
	t.spare -= t.spare / 16 // up to eight slots in a row may end with chunks that drift past them (86 frames of 44.1 kHz)
	if in.m.At(h.end) > end+grid.Cadence {
		t.spare = max(t.spare, min(scale(h.end-h.time, second, int64(in.info.Timescale)), maxSpare))
	}
	tl.follow(h.arrival)
}

// maxSpare bounds what long chunks may add to a track's deadlines.
const maxSpare = 20 * second

// follow computes the lag: the most that a track of the set which still delivers comes late.
func (tl *Timeline) follow(now int64) {
	lag, any := int64(0), false
	for _, t := range tl.tracks {
		if t.late.has && now-t.late.at < silent && t.cur.grid != nil && (!any || t.late.value > lag) {
			lag, any = t.late.value, true
		}
	}
	if any {
		tl.lag = lag
	}
}

// gone tells whether a track has delivered nothing for a minute, as far as this process knows.
func (tl *Timeline) gone(now int64, t *track) bool { return now-max(t.heard, tl.born) > silent }

// silent is how long a track may deliver nothing before its lateness counts no more.
const silent = 60 * second
