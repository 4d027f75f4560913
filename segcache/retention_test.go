package segcache

import (
	"testing"

	"weir/media"
)

// lists reports what the newest version lists of a track.
func (f *feed) lists(track int) (first, end uint64) {
	v := f.ch.Version().View(f.tracks[track])
	return v.First, v.End
}

// TestRetention: a list keeps the window; bytes stay for another window and three target durations, and then go.
func TestRetention(t *testing.T) {
	c := newCache(t, Config{Memory: 64 << 20})
	f := newFeed(t, c, 10, 1)
	f.slots(100, 200)
	if first, end := f.lists(0); first != 190 || end != 200 {
		t.Fatalf("lists [%d,%d), want [190,200)", first, end)
	}
	for n, want := range map[uint64]bool{176: false, 177: true, 190: true, 199: true, 200: false} {
		if got := f.tracks[0].Segment(n) != nil; got != want {
			t.Errorf("segment %d held: %v, want %v", n, got, want)
		}
	}
	wantError(t, f.chunk(0, 176, 0), ErrLate)
	wantError(t, f.list(0, 150, true), ErrOrder)
}

// TestLaggingTrackKeepsItsWindow: a track that is behind its siblings lists a window of its own; one that stopped is
// drained as the others go on.
func TestLaggingTrackKeepsItsWindow(t *testing.T) {
	c := newCache(t, Config{Memory: 64 << 20})
	f := newFeed(t, c, 10, 2)
	f.slots(0, 50)
	tracks := f.tracks
	f.tracks = tracks[:1]
	f.slots(50, 55)
	f.tracks = tracks
	if first, end := f.lists(1); first != 40 || end != 50 {
		t.Fatalf("behind by 5: lists [%d,%d), want [40,50)", first, end)
	}
	f.tracks = tracks[:1]
	f.slots(55, 66)
	f.tracks = tracks
	if first, end := f.lists(1); first != 46 || end != 50 {
		t.Fatalf("behind by 16: lists [%d,%d), want [46,50)", first, end)
	}
	f.tracks = tracks[:1]
	f.slots(66, 200)
	f.tracks = tracks
	if first, end := f.lists(1); first != 50 || end != 50 {
		t.Fatalf("ended: lists [%d,%d), want nothing", first, end)
	}
	if f.tracks[1].Segment(48) != nil {
		t.Fatal("the ended track's media is held for ever")
	}
}

// TestGapBecomesWhole: a GAP stays listed as GAP with its times, and its bytes are served by name once they came.
func TestGapBecomesWhole(t *testing.T) {
	c := newCache(t, Config{Memory: 64 << 20})
	f := newFeed(t, c, 10, 1)
	f.slots(0, 5)
	if err := f.chunk(0, 5, 0); err != nil { // half of 5, nothing of 6
		t.Fatal(err)
	}
	f.gaps(5, 7)
	for _, n := range []uint64{5, 6} {
		s := f.tracks[0].Segment(n)
		if _, ok := s.Body(); ok || !s.Gap || s.Duration != 1000 {
			t.Fatalf("segment %d after GAP: %+v", n, s)
		}
	}
	if f.tracks[0].Segment(6).Variant() != nil {
		t.Fatal("a variant of nothing")
	}
	for k := range f.layout(0, 5) {
		if k > 0 {
			wantError(t, f.chunk(0, 5, k), nil)
		}
		wantError(t, f.chunk(0, 6, k), nil)
	}
	for _, n := range []uint64{5, 6} {
		wantError(t, f.tracks[0].Complete(n, int64(n)*1000+3, int64(n)*1000+9), nil)
		s := f.tracks[0].Segment(n)
		if got := read(f.bodyOf(0, n)); string(got) != string(f.segment(0, n)) || !s.Gap || s.Start != int64(n)*1000 || s.Duration != 1000 {
			t.Fatalf("segment %d after it became whole: %+v", n, s)
		}
		if s.Variant() == nil || f.tracks[0].SegmentAt(int64(n)*1000) != s {
			t.Fatalf("segment %d is not served", n)
		}
	}
}

// TestOutageKeepsNewestMedia: in an outage of any length the newest media segment stays, and goes when media that came
// after it has served its time.
func TestOutageKeepsNewestMedia(t *testing.T) {
	c := newCache(t, Config{Memory: 64 << 20})
	f := newFeed(t, c, 10, 1)
	f.ch.SetGenerations([]Generation{testGeneration()})
	second := testGeneration()
	second.Ordinal, second.N0 = 1, 3000
	f.tracks[0].SetInit(Init{Ordinal: 0, Media: &media.Track{InitHash: "one"}})
	f.slots(0, 20)
	if f.ch.Version().Tracks[0].Kept != nil {
		t.Fatal("something is kept though the list begins with media")
	}
	f.gaps(20, 3000)
	f.ch.SetGenerations([]Generation{testGeneration(), second})
	f.tracks[0].SetInit(Init{Ordinal: 1, Media: &media.Track{InitHash: "two"}})
	f.gaps(3000, 4000)
	kept := f.ch.Version().Tracks[0].Kept
	if kept == nil || kept.N != 19 || f.tracks[0].Segment(19) != kept || f.tracks[0].SegmentAt(19000) != kept || f.tracks[0].Segment(18) != nil {
		t.Fatalf("kept %+v, want 19 alone", kept)
	}
	if g := f.ch.Version().Generations; len(g) != 2 || f.tracks[0].Init("one") == nil {
		t.Fatalf("generations %+v: that of the kept segment is missing", g)
	}
	if got := read(f.bodyOf(0, 19)); string(got) != string(f.segment(0, 19)) {
		t.Fatal("the kept segment's bytes are wrong")
	}
	f.slots(4000, 4009)
	if f.ch.Version().Tracks[0].Kept != kept {
		t.Fatal("not kept though the list still begins with a GAP")
	}
	f.slots(4009, 4020)
	if f.ch.Version().Tracks[0].Kept != nil || f.tracks[0].Segment(19) == nil {
		t.Fatal("the kept segment must leave the version, and stay for its retention")
	}
	f.slots(4020, 4030)
	if f.tracks[0].Segment(19) != nil || f.tracks[0].Init("one") != nil || len(f.ch.Version().Generations) != 1 {
		t.Fatal("the kept segment is held for ever")
	}
	if media := c.Stats().Media; media != 23*6501 {
		t.Fatalf("Stats.Media %d, want 23 segments of 6501", media)
	}
}

// TestGenerationsOfOtherGrids: the window counts media time across generations of other slot lengths, and a leap of the
// clock between them does not empty it.
func TestGenerationsOfOtherGrids(t *testing.T) {
	c := newCache(t, Config{Memory: 64 << 20})
	f := newFeed(t, c, 10, 1)
	second := Generation{Ordinal: 1, N0: 50, K0: 1 << 40, Timescale: 90000, SlotTicks: 180000, TargetDuration: 2, DiscontinuitySequence: 1}
	f.slots(0, 50)
	f.ch.SetGenerations([]Generation{testGeneration(), second})
	f.slots(50, 53) // 3 slots of 2 s, so 4 of 1 s are left of the window
	if first, end := f.lists(0); first != 46 || end != 53 {
		t.Fatalf("lists [%d,%d), want [46,53)", first, end)
	}
	if g := f.ch.Version().Generations; len(g) != 2 || g[1].DiscontinuitySequence != 1 {
		t.Fatalf("generations %+v", g)
	}
	f.slots(53, 80)
	if first, end := f.lists(0); first != 75 || end != 80 {
		t.Fatalf("lists [%d,%d), want [75,80)", first, end)
	}
	if g := f.ch.Version().Generations; len(g) != 1 || g[0].Ordinal != 1 {
		t.Fatalf("generations %+v", g)
	}
}

// TestNumbersLeap: a list that leaps starts anew, however far, and the window goes on.
func TestNumbersLeap(t *testing.T) {
	c := newCache(t, Config{Memory: 64 << 20})
	f := newFeed(t, c, 10, 1)
	f.slots(0, 20)
	wantError(t, f.chunk(0, 1<<40, 0), ErrFar)
	wantError(t, f.list(0, 1<<40, true), ErrOrder)
	f.ch.Publish()
	if first, end := f.lists(0); first != 1<<40 || end != 1<<40+1 {
		t.Fatalf("lists [%d,%d), want 1<<40 alone", first, end)
	}
	f.slots(1<<40+1, 1<<40+30)
	f.whole(0, 1<<40+500) // far ahead, with a hole before it
	for n := uint64(1<<40 + 10); n < 1<<40+30; n++ {
		if s := f.tracks[0].SegmentAt(int64(n) * 1000); s == nil || s.N != n {
			t.Fatalf("segment at %d: %+v", n*1000, s)
		}
	}
	if s := f.tracks[0].SegmentAt((1<<40 + 500) * 1000); s == nil || s.N != 1<<40+500 {
		t.Fatalf("segment behind the hole: %+v", s)
	}
}

func TestTracksAreSorted(t *testing.T) {
	c := newCache(t, Config{Memory: 8 << 20})
	ch := c.NewChannel("test", 10e9)
	defer ch.Close()
	for _, config := range []TrackConfig{
		{Name: "fr", ID: 128, Kind: media.Audio},
		{Name: "low", ID: 500, Kind: media.Video},
		{Name: "de", ID: 64, Kind: media.Audio},
		{Name: "high", ID: 3000, Kind: media.Video},
	} {
		ch.AddTrack(config)
	}
	names := ""
	for _, track := range ch.Tracks() {
		names += track.Name + " "
	}
	if names != "high low de fr " {
		t.Fatalf("order %q", names)
	}
	if ch.AddTrack(TrackConfig{Name: "de", ID: 64}) != ch.Track("de", 64) || len(ch.Tracks()) != 4 {
		t.Fatal("a track was added twice")
	}
}
