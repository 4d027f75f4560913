package segcache

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

// TestStress: one writer runs through the window as fast as it can, while readers check every byte of what versions
// list, of what grows, and of bodies that they go on holding long after eviction. Run it with -race.
func TestStress(t *testing.T) {
	c := newCache(t, Config{Memory: 64 << 20})
	f := newFeed(t, c, 8, 2)
	f.layout = func(_ int, n uint64) []int { return []int{500, 700, 1 + int(n%300), 2000, 900, 64, 1200, 800} }
	slots := uint64(600)
	if testing.Short() {
		slots = 100
	}
	var readers sync.WaitGroup
	var wakes, reads, grown atomic.Int64
	for i := range 8 {
		readers.Go(func() {
			r := stressReader{f: f, rnd: rand.New(rand.NewPCG(uint64(i), 2)), reads: &reads, grown: &grown}
			for v := f.ch.Version(); v.Live; v = f.ch.Version() {
				if !r.look(v) {
					return
				}
				if i%2 == 0 {
					<-v.Changed()
					wakes.Add(1)
				}
			}
			r.checkHeld()
		})
	}
	for n := range slots {
		for k := range f.layout(0, n) {
			for i := range f.tracks {
				if err := f.chunk(i, n, k); err != nil {
					t.Fatal(err)
				}
			}
			if k%4 == 0 {
				f.ch.Publish() // as low latency will: a version per chunk
			}
		}
		for i, track := range f.tracks {
			if err := track.Complete(n, int64(n)*1000, int64(n+1)*1000); err != nil {
				t.Fatal(err)
			}
			if err := f.list(i, n, n%16 == 7); err != nil {
				t.Fatal(err)
			}
		}
		f.ch.Publish()
	}
	f.ch.Close()
	readers.Wait()
	t.Logf("%d bodies read, %d growths, %d wake-ups", reads.Load(), grown.Load(), wakes.Load())
	if reads.Load() == 0 || wakes.Load() == 0 {
		t.Fatal("readers saw nothing")
	}
}

type stressReader struct {
	f            *feed
	rnd          *rand.Rand
	held         [32]stressBody
	reads, grown *atomic.Int64
}

type stressBody struct {
	body  Body
	track int
	n     uint64
	etag  string
}

// look checks one version; false: it failed.
func (r *stressReader) look(v *Version) bool {
	for i, track := range r.f.tracks {
		view := v.View(track)
		if view == nil {
			continue
		}
		if view.First < view.End {
			// The reader may be any number of versions behind: it reads the newest entries, which a retention guards.
			n := view.End - 1 - uint64(r.rnd.IntN(int(min(view.End-view.First, 3))))
			if !r.listed(v, view, i, n) {
				return false
			}
		}
		if !r.growing(track, i, view.End) {
			return false
		}
	}
	return true
}

func (r *stressReader) listed(v *Version, view *View, i int, n uint64) bool {
	s := view.Segment(n)
	if s == nil {
		// Only a version that was overtaken by more than the retention may miss what it lists.
		if now := r.f.ch.Version(); now.Live && now.View(view.Track).End-view.End < 8 {
			r.f.t.Errorf("I4: version %d lists %d, which is not held", v.Seq, n)
			return false
		}
		return true
	}
	b, ok := s.Body()
	if !ok {
		if !s.Gap {
			r.f.t.Errorf("I4: listed segment %d has no body", n)
		}
		return s.Gap
	}
	r.reads.Add(1)
	if !s.Gap && s.Duration != 1000 {
		r.f.t.Errorf("I3: segment %d has duration %d", n, s.Duration)
		return false
	}
	slot := &r.held[r.rnd.IntN(len(r.held))]
	if slot.etag != "" && !r.check(slot) {
		return false
	}
	*slot = stressBody{b, i, n, b.ETag()}
	return r.check(slot)
}

func (r *stressReader) check(h *stressBody) bool {
	if !bytes.Equal(read(h.body), r.f.segment(h.track, h.n)) || h.body.ETag() != h.etag {
		r.f.t.Errorf("I1, I5: body of segment %d changed", h.n)
		return false
	}
	return true
}

func (r *stressReader) checkHeld() {
	for i := range r.held {
		if r.held[i].etag != "" && !r.check(&r.held[i]) {
			return
		}
	}
}

// growing checks that what is visible of the running segment is a run of whole chunks with the right bytes.
func (r *stressReader) growing(track *Track, i int, n uint64) bool {
	s := track.Segment(n)
	if s == nil {
		return true
	}
	b, whole := s.Grow(0)
	if whole && len(b.ETag()) != 18 {
		r.f.t.Errorf("I3: segment %d is whole without a tag", n)
		return false
	}
	got, want := read(b), r.f.segment(i, n)
	r.grown.Add(1)
	if len(got) > len(want) || !bytes.Equal(got, want[:len(got)]) {
		r.f.t.Errorf("I2: %d bytes of growing segment %d are wrong", len(got), n)
		return false
	}
	if len(got) == 0 {
		r.f.t.Errorf("I2: segment %d was published before its first chunk", n)
		return false
	}
	return true
}
