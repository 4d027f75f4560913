package timeline

// A follower follows the upper side of a measure slowly: it rises by at most 1/64 of the time that passes, and falls by
// at most 1/256. Drift of any clock stays far below that, one late chunk hardly moves it.
//
// Rule: docs/time.md, section 1 (lag).
type follower struct {
	value int64
	at    int64
	has   bool
}

func (f *follower) set(now, v int64) { *f = follower{value: v, at: now, has: true} }

func (f *follower) see(now, v int64) {
	if !f.has {
		f.set(now, v)
		return
	}
	dt := min(max(0, now-f.at), 10*second)
	f.at = now
	if d := sub(v, f.value); d > 0 {
		f.value += min(d, dt/64)
	} else {
		f.value -= min(-d, dt/256)
	}
}

// measure takes note of how late a chunk came under its time base, and updates the channel's lag: the most that a track
// of the set which still delivers comes late.
func (tl *Timeline) measure(now int64, in *input, h *held) {
	t := in.t
	late := lateness(in.base, in, h)
	t.late.see(h.arrival, late)
	t.usual.see(h.arrival, late)
	tl.follow(h.arrival)
	tl.drift(now, in)
}

// follow computes the lag from its tracks.
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

// silent is how long a track may deliver nothing before its lateness counts no more.
const silent = 60 * second
