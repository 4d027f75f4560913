package segcache

import (
	"slices"
	"testing"

	"weir/media"
)

// part commits chunks [from,to) of segment n of the first track as part k, and lists it.
func (f *feed) part(n uint64, k, from, to int) error {
	for i := from; i < to; i++ {
		if err := f.chunkIn(0, n, i, k); err != nil {
			return err
		}
	}
	return f.tracks[0].ListPart(PartEntry{N: n, Part: k, Start: int64(n)*1000 + int64(k)*100, End: int64(n)*1000 + int64(k+1)*100})
}

// TestParts: parts are fetched by index as soon as they are listed, tile their segment, and are seen by versions.
func TestParts(t *testing.T) {
	f := newFeed(t, newCache(t, Config{Memory: 8 << 20}), 4, 2)
	f.slots(0, 3)
	track := f.tracks[0]
	wantError(t, track.ListPart(PartEntry{N: 3, Part: 0}), ErrNotWhole)
	wantError(t, f.part(3, 0, 0, 2), nil)
	wantError(t, track.ListPart(PartEntry{N: 3, Part: 0}), ErrOrder)
	wantError(t, track.ListPart(PartEntry{N: 3, Part: 1}), ErrNotWhole)
	wantError(t, track.ListPart(PartEntry{N: 4, Part: 0}), ErrOrder)
	if v := f.ch.Version().View(track); v.Parts != 0 || v.Open != nil {
		t.Fatalf("before Publish: %d parts", v.Parts)
	}
	f.ch.Publish()
	v := f.ch.Version().View(track)
	if v.End != 3 || v.Parts != 1 || v.Open == nil || v.Open.N != 3 {
		t.Fatalf("version says end %d, parts %d, open %v", v.End, v.Parts, v.Open)
	}
	first, _ := v.Open.Part(0)
	tag := first.ETag()
	wantError(t, f.part(3, 1, 2, 3), nil)
	wantError(t, f.part(3, 2, 3, 4), nil)
	wantError(t, track.Complete(3, 3000, 4000), nil)
	wantError(t, f.list(0, 3, false), nil)
	f.ch.Publish()
	if v := f.ch.Version().View(track); v.End != 4 || v.Parts != 0 || v.Open != nil {
		t.Fatalf("version says end %d, parts %d, open %v", v.End, v.Parts, v.Open)
	}
	s := track.Segment(3)
	want := []media.Part{{Start: 3000, End: 3100, Independent: true}, {Start: 3100, End: 3200}, {Start: 3200, End: 3300}}
	if got := s.Parts(); !slices.Equal(got, want) {
		t.Fatalf("parts %v, want %v", got, want)
	}
	var all []byte
	tags := map[string]bool{}
	for k := range want {
		b, ok := s.Part(k)
		if !ok {
			t.Fatalf("part %d is not there", k)
		}
		all = append(all, read(b)...)
		tags[b.ETag()] = true
	}
	if !slices.Equal(all, f.segment(0, 3)) {
		t.Fatal("the parts are not the segment")
	}
	if b, _ := s.Part(0); b.ETag() != tag || len(tag) != 18 || len(tags) != 3 {
		t.Fatalf("entity tags %v, the first was %s", tags, tag)
	}
	for _, k := range []int{-1, 3, 1 << 20} {
		if _, ok := s.Part(k); ok {
			t.Fatalf("part %d is there", k)
		}
	}
	// A slot that becomes a GAP keeps the parts that were listed, and gets no more.
	wantError(t, f.part(4, 0, 0, 1), nil)
	wantError(t, f.list(0, 4, true), nil)
	wantError(t, f.part(4, 1, 1, 2), ErrOrder)
	if s := track.Segment(4); !s.Gap || len(s.Parts()) != 1 {
		t.Fatalf("the GAP has %d parts", len(s.Parts()))
	}
}

// TestManyParts: indexes of parts grow, and what readers have of the old one stays true.
func TestManyParts(t *testing.T) {
	f := newFeed(t, newCache(t, Config{Memory: 8 << 20}), 4, 1)
	f.layout = func(int, uint64) []int { return slices.Repeat([]int{50}, 100) }
	var before []media.Part
	for k := range 100 {
		wantError(t, f.part(0, k, k, k+1), nil)
		now := f.tracks[0].Segment(0).Parts()
		if len(now) != k+1 || !slices.Equal(now[:k], before) {
			t.Fatalf("parts %v after %v", now, before)
		}
		before = now
	}
	if b, ok := f.tracks[0].Segment(0).Part(57); !ok || !slices.Equal(read(b), pattern(nil, 0, 0, 57, 50)) {
		t.Fatal("part 57 has other bytes")
	}
}

// TestViewChanged: who waits for a track is woken by that track alone, and by the channel's end.
func TestViewChanged(t *testing.T) {
	f := newFeed(t, newCache(t, Config{Memory: 8 << 20}), 4, 2)
	f.slots(0, 2)
	a, b := f.ch.Version().View(f.tracks[0]), f.ch.Version().View(f.tracks[1])
	for n := range uint64(3) {
		f.whole(1, 2+n)
		wantError(t, f.list(1, 2+n, false), nil)
		f.ch.Publish()
	}
	<-b.Changed()
	select {
	case <-a.Changed():
		t.Fatal("woken by another track")
	default:
	}
	if now := f.ch.Version().View(f.tracks[0]); !now.Same(a) || f.ch.Version().View(f.tracks[1]).Same(b) {
		t.Fatal("Same does not say which view changed")
	}
	wantError(t, f.part(2, 0, 0, 1), nil)
	f.ch.Publish()
	<-a.Changed()
	last := f.ch.Version().View(f.tracks[0])
	f.ch.Close()
	<-last.Changed()
}

// TestGrown: who follows a track is woken by each commit, when a segment is whole or a GAP, and by the channel's end.
func TestGrown(t *testing.T) {
	f := newFeed(t, newCache(t, Config{Memory: 8 << 20}), 4, 1)
	track := f.tracks[0]
	for _, step := range []func() error{
		func() error { return f.chunk(0, 0, 0) },
		func() error { f.whole(0, 1); return nil },
		func() error { return f.list(0, 0, true) },
	} {
		w := track.Grown()
		if w != track.Grown() {
			t.Fatal("two channels for the same wait")
		}
		wantError(t, step(), nil)
		<-w
	}
	w := track.Grown()
	f.ch.Close()
	<-w
	<-track.Grown()
}
