package segcache

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestNotifier: who waits for a version is woken after the hooks have seen a newer one, and finds what they made of it.
func TestNotifier(t *testing.T) {
	c := newCache(t, Config{Memory: 8 << 20})
	f := newFeed(t, c, 4, 1)
	var rendered atomic.Uint64
	remove := f.ch.OnPublish(func(v *Version) { rendered.Store(v.Seq) })
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for v := f.ch.Version(); v.Live; {
				<-v.Changed()
				next := f.ch.Version()
				if next.Seq <= v.Seq || rendered.Load() <= v.Seq {
					t.Errorf("I6: woken at %d by version %d, rendered %d", v.Seq, next.Seq, rendered.Load())
					return
				}
				v = next
			}
		})
	}
	for range 200 {
		f.ch.Publish()
	}
	f.ch.Close()
	wg.Wait()
	if rendered.Load() != f.ch.Version().Seq {
		t.Fatalf("version %d was not rendered", f.ch.Version().Seq)
	}
	remove()
}

// TestNotifierSkips: versions that come while a hook runs are rendered once, as one, and the writer does not wait.
func TestNotifierSkips(t *testing.T) {
	c := newCache(t, Config{Memory: 8 << 20})
	f := newFeed(t, c, 4, 1)
	entered, leave := make(chan uint64), make(chan struct{})
	remove := f.ch.OnPublish(func(v *Version) {
		entered <- v.Seq
		<-leave
	})
	old := f.ch.Version()
	f.ch.Publish()
	if seq := <-entered; seq != 1 {
		t.Fatalf("hook saw version %d, want 1", seq)
	}
	var between []*Version
	for range 100 {
		between = append(between, f.ch.Version())
		f.ch.Publish() // returns though the hook is busy
	}
	for _, v := range append(between, old) {
		select {
		case <-v.Changed():
			t.Fatalf("I6: version %d was woken before the hook had seen a newer one", v.Seq)
		default:
		}
	}
	leave <- struct{}{}
	if seq := <-entered; seq != 101 {
		t.Fatalf("hook saw version %d, want 101: the last", seq)
	}
	<-old.Changed()
	remove()
	leave <- struct{}{}
	for _, v := range between {
		<-v.Changed()
	}
	select {
	case <-f.ch.Version().Changed():
		t.Fatal("the newest version's waiters were woken")
	default:
	}
	f.ch.Publish() // the hook is removed: nobody reads entered
	<-between[0].Changed()
}

// TestClose: closing wakes everybody with a version that is not live and lists nothing, and refuses what comes later.
func TestClose(t *testing.T) {
	c := newCache(t, Config{Memory: 8 << 20})
	f := newFeed(t, c, 4, 1)
	f.slots(0, 30)
	v := f.ch.Version()
	f.ch.Close()
	<-v.Changed()
	last := f.ch.Version()
	if last.Live || last.Tracks[0].First != last.Tracks[0].End {
		t.Fatalf("last version %+v", last)
	}
	if f.tracks[0].Segment(29) != nil || c.Stats().Media != 0 {
		t.Fatal("segments are held after Close")
	}
	wantError(t, f.chunk(0, 30, 0), ErrClosed)
	wantError(t, f.list(0, 30, true), ErrClosed)
	f.ch.Publish()
	f.ch.Close()
	if f.ch.Version() != last {
		t.Fatal("a version after the last")
	}
}

// TestVersionIsImmutable: what a version says stays, whatever comes after it.
func TestVersionIsImmutable(t *testing.T) {
	c := newCache(t, Config{Memory: 8 << 20})
	f := newFeed(t, c, 4, 1)
	f.slots(0, 10)
	v := f.ch.Version()
	view, generations := *v.View(f.tracks[0]), len(v.Generations)
	second := testGeneration()
	second.Ordinal, second.N0, second.TargetDuration = 1, 12, 0
	f.ch.SetGenerations([]Generation{testGeneration(), second})
	f.ch.SetLive(false)
	f.slots(10, 40)
	if now := v.View(f.tracks[0]); now.First != view.First || now.End != view.End || len(v.Generations) != generations || !v.Live {
		t.Fatalf("version changed: %+v", v)
	}
	if now := f.ch.Version(); now.Live || len(now.Generations) != 1 || now.Generations[0].Ordinal != 1 || now.Generations[0].TargetDuration != 1 {
		t.Fatalf("newest version: live %v, generations %+v", now.Live, now.Generations)
	}
}
