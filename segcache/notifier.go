package segcache

import "slices"

// OnPublish has the notifier call f with each new Version before those who wait for it are woken: render there what they
// will ask for. Versions that follow each other faster than hooks run are skipped. f runs on one goroutine and delays
// this channel's waiters alone; it must not call Close. The returned function ends the calls, though one may be running
// still when it returns. Anybody.
func (ch *Channel) OnPublish(f func(*Version)) (remove func()) {
	hook := &f
	ch.hookMu.Lock()
	defer ch.hookMu.Unlock()
	hooks := append(slices.Clone(*ch.hooks.Load()), hook)
	ch.hooks.Store(&hooks)
	return func() {
		ch.hookMu.Lock()
		defer ch.hookMu.Unlock()
		rest := slices.DeleteFunc(slices.Clone(*ch.hooks.Load()), func(h *func(*Version)) bool { return h == hook })
		ch.hooks.Store(&rest)
	}
}

// notify is the notifier: for the newest version it runs the hooks once, then wakes the waiters of all older ones, each
// by closing one channel. The writer only kicks it, so that waking 10,000 readers costs the encoder's goroutine nothing.
func (ch *Channel) notify(seen *Version) {
	for stopping := false; ; {
		for v := ch.version.Load(); v != seen; v = ch.version.Load() {
			for _, hook := range *ch.hooks.Load() {
				(*hook)(v)
			}
			for seen != v {
				old := seen
				seen, old.next = old.next, nil // a reader that keeps old does not keep all that follow
				for i := range old.Tracks {
					view := &old.Tracks[i]
					if now := seen.View(view.Track); now == nil || !now.Same(view) {
						close(view.changed)
					}
				}
				close(old.changed)
			}
		}
		if stopping {
			return
		}
		select {
		case <-ch.kick:
		case <-ch.stop:
			stopping = true // the last version was published before
		}
	}
}

// Grown returns a channel that is closed with the next commit to the track, when a segment of it becomes whole or is listed
// as GAP, and when the channel is closed. Take it, then look, then wait: what came in between has closed it. It allocates
// once for all who wait. Anybody.
func (t *Track) Grown() <-chan struct{} {
	for {
		if w := t.waiting.Load(); w != nil {
			return *w
		}
		if w := make(chan struct{}); t.waiting.CompareAndSwap(nil, &w) {
			return w
		}
	}
}

// wake has those who wait for Grown woken, by a goroutine that is not the encoder's. It costs a load where nobody waits.
// Writer.
func (t *Track) wake() {
	if t.waiting.Load() == nil || t.channel.closed {
		return
	}
	w := t.waiting.Swap(nil)
	select {
	case t.channel.grown <- *w:
	default: // it is busy with others: rather wake them here than late
		close(*w)
	}
}

// stopWaiting wakes all who wait, and has nobody wait any more. Writer.
func (t *Track) stopWaiting() {
	over := make(chan struct{})
	close(over)
	if w := t.waiting.Swap(&over); w != nil {
		close(*w)
	}
}

// wakeFollowers closes the channels that wake hands over, until the channel is closed.
func (ch *Channel) wakeFollowers() {
	for {
		select {
		case w := <-ch.grown:
			close(w)
		case <-ch.stop:
			for {
				select {
				case w := <-ch.grown:
					close(w)
				default:
					return
				}
			}
		}
	}
}
