package origin

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"weir/segcache"
)

// bodyBytes is all of a body.
func bodyBytes(b segcache.Body) (all []byte) {
	for _, s := range b.Slices() {
		all = append(all, s...)
	}
	return all
}

// TestVariantIsMadeOnce: a crowd that asks for the same variants costs one derivation of each, and sees the same bytes.
func TestVariantIsMadeOnce(t *testing.T) {
	_, c := newTestServer(t, Config{}, 5000, 3)
	s := c.video.Segment(firstN)
	var made [variantKinds]atomic.Int32
	var start, crowd sync.WaitGroup
	start.Add(1)
	const viewers = 200
	bodies := make([]segcache.Body, viewers)
	for i := range viewers {
		crowd.Go(func() {
			kind := variantKind(i) % variantKinds
			start.Wait()
			b, err := derive(s, kind, func(whole segcache.Body) (segcache.Body, error) {
				made[kind].Add(1)
				return whole.Derive(segcache.Piece{Own: []byte{byte(kind)}}, segcache.Piece{N: 100}), nil
			})
			if err != nil {
				t.Error(err)
			}
			bodies[i] = b
		})
	}
	start.Done()
	crowd.Wait()
	for kind := range made {
		if n := made[kind].Load(); n != 1 {
			t.Errorf("variant %d was made %d times", kind, n)
		}
	}
	for i, b := range bodies {
		if want := bodies[i%int(variantKinds)]; b != want || b.Len() != 101 || bodyBytes(b)[0] != byte(i%int(variantKinds)) {
			t.Fatalf("viewer %d got another body", i)
		}
	}
}

// TestVariantErrorStays: what cannot be derived is not tried again by everybody who asks.
func TestVariantErrorStays(t *testing.T) {
	_, c := newTestServer(t, Config{}, 5000, 3)
	fault, tries := errors.New("no sync sample"), 0
	for range 3 {
		_, err := derive(c.video.Segment(firstN), variantKeyFrame, func(segcache.Body) (segcache.Body, error) {
			tries++
			return segcache.Body{}, fault
		})
		if !errors.Is(err, fault) {
			t.Fatalf("error %v, want %v", err, fault)
		}
	}
	if tries != 1 {
		t.Errorf("%d tries, want 1", tries)
	}
}

// TestVariantOfAPanic: whoever asks after a derivation that panicked is not locked out.
func TestVariantOfAPanic(t *testing.T) {
	_, c := newTestServer(t, Config{}, 5000, 3)
	s := c.video.Segment(firstN)
	func() {
		defer func() { _ = recover() }()
		_, _ = derive(s, variantSmooth, func(segcache.Body) (segcache.Body, error) { panic("broken") })
	}()
	b, err := derive(s, variantSmooth, func(whole segcache.Body) (segcache.Body, error) { return whole.Derive(), nil })
	if err != nil || b.ETag() == "" {
		t.Errorf("body %v, error %v", b, err)
	}
}
