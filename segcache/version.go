package segcache

// A Version is an immutable state of a channel: what its manifests say. Everything that it lists can be fetched.
type Version struct {
	Seq         uint64 // counts up by one with each Publish; not the same on another node
	Live        bool   // false: no more segments will come
	Generations []Generation
	Tracks      []View // in the order of presentations

	changed chan struct{}
	next    *Version // set by the publisher, followed and cleared by the notifier
}

// A View is one track as a Version lists it: Segment(n) for n in [First,End) is a GAP or has a body, and its descriptor
// stays the same in all that manifests say. Bytes stay for a window and three target durations after a Version has
// dropped them.
type View struct {
	*Track
	First, End uint64
	Parts      int      // how many parts of segment End are listed
	Open       *Segment // segment End, where parts of it are listed; else nil
	Inits      []Init   // in order of ordinal; that of a generation is the last at or before its ordinal

	// Kept is the newest media segment before First, where the list begins with a GAP; else nil. It stays held however
	// long an outage lasts, so that an MPD need not run empty (docs/time.md, section 7).
	Kept *Segment

	changed chan struct{} // carried on while what the view says stays
}

// Changed is closed when a newer Version stands in which the view says something else, or the channel is no longer live,
// and what hooks render of it is ready. What other tracks list does not close it.
func (v *View) Changed() <-chan struct{} { return v.changed }

// Same tells whether a view of another version of the same track says the same.
func (v *View) Same(o *View) bool { return v.changed == o.changed }

// says tells whether the views list the same, whatever their channels.
func (v *View) says(o *View) bool {
	return v.First == o.First && v.End == o.End && v.Parts == o.Parts && v.Kept == o.Kept &&
		len(v.Inits) == len(o.Inits) && (len(v.Inits) == 0 || &v.Inits[0] == &o.Inits[0])
}

// Changed is closed when a newer Version stands, and what hooks render of it is ready.
func (v *Version) Changed() <-chan struct{} { return v.changed }

// View is the view of a track, or nil: the track is newer than the version, or of another channel.
func (v *Version) View(t *Track) *View {
	for i := range v.Tracks {
		if v.Tracks[i].Track == t {
			return &v.Tracks[i]
		}
	}
	return nil
}

// Version is the newest version: never nil. It takes no lock and does not allocate. Anybody.
func (ch *Channel) Version() *Version { return ch.version.Load() }

// Publish makes a new Version of what the writer's calls have stated, kicks the notifier, and lets go of what the window
// has left behind. It does not wait for hooks or waiters: they cost the writer nothing, however many they are. It
// allocates the Version, its views and the channel that wakes. Writer.
//
// The order is that of invariant I4: bytes and index are stored by Commit, Complete and List, then the Version here, and
// a Load that observes it is synchronised after all of them; then waiters are woken. Eviction comes last: it takes only
// what this Version and all younger than the retention do not list.
func (ch *Channel) Publish() {
	if ch.closed {
		return
	}
	tracks := *ch.tracks.Load()
	cuts := ch.slide(tracks)
	old := ch.version.Load()
	v := &Version{
		Seq:         old.Seq + 1,
		Live:        ch.live,
		Generations: ch.pruneGenerations(tracks),
		Tracks:      make([]View, len(tracks)),
		changed:     make(chan struct{}),
	}
	for i, t := range tracks {
		view := View{Track: t, First: t.first, End: t.end, Parts: t.parts, Inits: *t.inits.Load(), Kept: t.keptView()}
		if view.Parts > 0 {
			view.Open = t.Segment(view.End)
		}
		if before := old.View(t); before != nil && before.says(&view) && old.Live == v.Live && !ch.closing {
			view.changed = before.changed
		} else {
			view.changed = make(chan struct{})
		}
		v.Tracks[i] = view
	}
	old.next = v
	ch.version.Store(v)
	select {
	case ch.kick <- struct{}{}:
	default: // the notifier is about to look anyway
	}
	for i, cut := range cuts {
		tracks[i].evictBehind(cut)
	}
}

// keptView is View.Kept of the list as it stands.
func (t *Track) keptView() *Segment {
	if t.passed == nil || t.first >= t.end {
		return nil
	}
	if s := t.Segment(t.first); s != nil && s.Gap {
		return t.passed
	}
	return nil
}
