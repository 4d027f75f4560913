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
	defer close(ch.done)
	for stopping := false; ; {
		for v := ch.version.Load(); v != seen; v = ch.version.Load() {
			for _, hook := range *ch.hooks.Load() {
				(*hook)(v)
			}
			for seen != v {
				old := seen
				seen, old.next = old.next, nil // a reader that keeps old does not keep all that follow
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
