package origin

import (
	"sync"
	"sync/atomic"

	"weir/segcache"
)

// A variantKind says what a variant of a segment is. There are few, and a segment has at most one of each: what clients
// ask cannot make more.
type variantKind uint8

const (
	variantSmooth   variantKind = iota // Smooth Streaming's fragment: one moof with tfxd and tfrf, one mdat
	variantMoof                        // the moof of that alone (FragmentInfo)
	variantMdat                        // the mdat of that alone (RawFragments)
	variantKeyFrame                    // the first sync sample alone
	variantKinds
)

// variants are what has been derived of one segment. They hang on the segment (segcache.Segment.Variant) and live as
// long as it does.
type variants [variantKinds]variant

// A variant is one derived body: made by the first who asks while others wait for it, then served without allocation.
type variant struct {
	mu   sync.Mutex
	made atomic.Pointer[derived]
}

type derived struct {
	body segcache.Body
	err  error // the segment cannot be had in this form: nobody tries again
}

// variantOf is the segment's variant of that kind, where somebody has made it already. It does not allocate.
func variantOf(s *segcache.Segment, kind variantKind) *derived {
	if v, _ := s.Variant().Load().(*variants); v != nil {
		return v[kind].made.Load()
	}
	return nil
}

// derive is a variant of a whole segment, made of its body if it has not been made yet. A variant is a function of what
// never changes any more: it is made once, and an error stays too. make must not ask for a variant of the same kind.
// Safe for concurrent use; it does not allocate for a variant that is there.
func derive(s *segcache.Segment, kind variantKind, make func(whole segcache.Body) (segcache.Body, error)) (segcache.Body, error) {
	slot := s.Variant()
	v, _ := slot.Load().(*variants)
	if v == nil {
		slot.CompareAndSwap(nil, &variants{})
		v = slot.Load().(*variants)
	}
	if d := v[kind].made.Load(); d != nil {
		return d.body, d.err
	}
	return v[kind].make(s, make)
}

func (v *variant) make(s *segcache.Segment, make func(segcache.Body) (segcache.Body, error)) (segcache.Body, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if d := v.made.Load(); d != nil {
		return d.body, d.err
	}
	whole, ok := s.Body()
	if !ok {
		panic("origin: a variant of a segment that is not whole")
	}
	d := &derived{}
	d.body, d.err = make(whole)
	v.made.Store(d)
	return d.body, d.err
}
