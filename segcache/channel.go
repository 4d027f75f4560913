package segcache

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"weir/media"
)

// A Channel is the live window of one channel: its tracks, generations and current Version.
//
// NewChannel, AddTrack, the setters, Publish, Close and the tracks' writer calls belong to the channel's writer. The
// rest is for anybody.
type Channel struct {
	Name   string
	cache  *Cache
	window time.Duration

	tracks  atomic.Pointer[[]*Track] // sorted; copied to change
	version atomic.Pointer[Version]  // the edge for readers: see Publish
	hooks   atomic.Pointer[[]*func(*Version)]
	hookMu  sync.Mutex // serialises changes of hooks

	kick, stop chan struct{}      // of the notifier
	grown      chan chan struct{} // closed by wakeFollowers
	running    sync.WaitGroup     // both goroutines

	// The writer's own.
	live, closed bool
	closing      bool         // Close has begun: all views change
	generations  []Generation // copied to change
	bases        []int64      // of each: see position
	cuts         []int64      // scratch of slide

	held atomic.Int64 // bytes of media in retained segments
	need atomic.Int64 // bytes admitted for open arenas
}

// NewChannel makes a channel with nothing in it, live, whose lists keep window of media. It starts the channel's
// notifier and the goroutine that wakes who follows growing segments; Close ends both.
func (c *Cache) NewChannel(name string, window time.Duration) *Channel {
	ch := &Channel{
		Name: name, cache: c, window: window, live: true,
		kick: make(chan struct{}, 1), stop: make(chan struct{}),
		grown: make(chan chan struct{}, 16),
	}
	ch.tracks.Store(new([]*Track))
	ch.hooks.Store(new([]*func(*Version)))
	v := &Version{Live: true, changed: make(chan struct{})}
	ch.version.Store(v)
	c.mu.Lock()
	c.channels[ch] = struct{}{}
	c.mu.Unlock()
	ch.running.Go(func() { ch.notify(v) })
	ch.running.Go(ch.wakeFollowers)
	return ch
}

// AddTrack adds a track, or returns the one with that name and ID. Tracks are kept in the order that presentations have:
// kind, then descending ID for video, then name. Writer.
func (ch *Channel) AddTrack(config TrackConfig) *Track {
	if t := ch.Track(config.Name, config.ID); t != nil {
		return t
	}
	t := &Track{TrackConfig: config, channel: ch}
	t.inits.Store(new([]Init))
	tracks := append(slices.Clone(*ch.tracks.Load()), t)
	slices.SortFunc(tracks, func(a, b *Track) int {
		if c := cmp.Compare(a.Kind, b.Kind); c != 0 {
			return c
		}
		if c := cmp.Compare(b.ID, a.ID); c != 0 && a.Kind == media.Video {
			return c
		}
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	ch.tracks.Store(&tracks)
	return t
}

// Tracks are all tracks, in the order of presentations. Do not change the slice. Anybody.
func (ch *Channel) Tracks() []*Track { return *ch.tracks.Load() }

// Track is the track of that name and ID, or nil. It does not allocate. Anybody.
func (ch *Channel) Track(name string, id int64) *Track {
	for _, t := range *ch.tracks.Load() {
		if t.ID == id && t.Name == name {
			return t
		}
	}
	return nil
}

// SetLive states whether more segments may come. Readers see it with the next Publish. Writer.
func (ch *Channel) SetLive(live bool) { ch.live = live }

// Window is how much media the lists keep. Anybody.
func (ch *Channel) Window() time.Duration { return ch.window }

// Close takes the channel away: a last Version that is not live and lists nothing wakes all waiters, all segments are
// let go of, and the notifier has ended when Close returns. Bodies that readers hold stay valid; what the writer commits
// or lists afterwards is refused with ErrClosed. Closing again does nothing. Writer.
func (ch *Channel) Close() {
	if ch.closed {
		return
	}
	ch.live, ch.closing = false, true
	for _, t := range ch.Tracks() {
		t.first, t.parts = t.end, 0
	}
	ch.Publish()
	ch.closed = true
	for _, t := range ch.Tracks() {
		t.evict(t.top.Load())
		t.forgetKept()
		t.passed = nil
	}
	close(ch.stop)
	ch.running.Wait()
	for _, t := range ch.Tracks() {
		t.stopWaiting()
	}
	ch.cache.mu.Lock()
	delete(ch.cache.channels, ch)
	ch.cache.mu.Unlock()
}
