package origin

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/segcache"
)

// TestSnapshotsAreIncremental drives a window at random and compares the snapshot that was carried from version to
// version, with versions skipped, with one made afresh.
func TestSnapshotsAreIncremental(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	c := newTestChannel(t, 600)
	carried := newHistory(testWindow)
	ordinal := 0
	c.open(ordinal)
	for step := range 300 {
		switch random.IntN(20) {
		case 0:
			ordinal++
			c.open(ordinal)
		case 1:
			c.list(ordinal, 1+random.IntN(15), true)
		case 2:
			c.list(ordinal, 1+random.IntN(15), false)
		default:
			c.list(ordinal, 1, random.IntN(5) == 0)
		}
		if random.IntN(3) == 0 {
			continue // this version is skipped
		}
		afresh := newHistory(testWindow)
		got, want := carried.snapshot(c.Version()), afresh.snapshot(c.Version())
		if !reflect.DeepEqual(want.presentation, got.presentation) { // Diff takes its time
			t.Fatalf("step %d: the carried snapshot differs (-afresh +carried):\n%s", step, cmp.Diff(want.presentation, got.presentation))
		}
	}
}

// TestAnOutageKeepsTheNewestMedia lets the window fill with gaps: the MPD goes on listing the last segment, also after
// its generation has left the window.
func TestAnOutageKeepsTheNewestMedia(t *testing.T) {
	for name, ordinal := range map[string]int{"same generation": 0, "new generation": 1} {
		t.Run(name, func(t *testing.T) {
			s, c := newTestServer(t, Config{}, 600, 12)
			last := c.next - 1
			if ordinal > 0 {
				c.open(ordinal)
			}
			mpd := base + "manifest(format=mpd-time-cmaf)"
			for range 40 { // each slot in a version of its own, and nobody asks
				c.list(ordinal, 1, true)
			}
			snapshot := s.Routes().Locators[Fold(testLocator)].Presentations["live"].current.Load()
			for _, track := range snapshot.presentation.Tracks {
				if track.Kept.N != last || track.Kept.Count != 1 {
					t.Errorf("%s keeps %+v, want segment %d", track.Name, track.Kept, last)
				}
			}
			if a := ask(s, mpd); a.Status != 200 || bytes.Count(a.Bytes, []byte("<Representation ")) != 3 { // with its key frames
				t.Errorf("GET %s = %d:\n%s", mpd, a.Status, a.Bytes)
			}
			c.list(ordinal, 1, false)
			if a := ask(s, mpd); a.Status != 200 {
				t.Errorf("GET %s after the outage = %d", mpd, a.Status)
			}
			c.list(ordinal, 12, false)
			for _, track := range s.Routes().Locators[Fold(testLocator)].Presentations["live"].current.Load().presentation.Tracks {
				if track.Kept.Count != 0 {
					t.Errorf("%s still keeps %+v", track.Name, track.Kept)
				}
			}
		})
	}
}

// TestWhatIsListedCanBeFetched asks for every name in every manifest, over generations and gaps.
func TestWhatIsListedCanBeFetched(t *testing.T) {
	s, c, tracks := recorded(t)
	c.slots(0, 3, false, tracks...)
	c.slots(0, 2, true, tracks...)
	c.generations(1)
	c.slots(1, 2, false, tracks...)
	for range 30 {
		c.slots(1, 1, false, tracks...)
		multivariant := ask(s, base+"manifest(format=m3u8-cmaf)")
		playlists := 0
		for line := range strings.Lines(string(multivariant.Bytes)) {
			_, uri, ok := strings.Cut(line, `URI="`)
			if uri, _, _ = strings.Cut(uri, `"`); !ok {
				uri = strings.TrimSpace(line)
			}
			if uri == "" || uri[0] == '#' {
				continue
			}
			playlists++
			fetchListed(t, s, base+uri)
		}
		if playlists != 3 { // video, its key frames, audio
			t.Fatalf("multivariant playlist lists %d playlists:\n%s", playlists, multivariant.Bytes)
		}
	}
}

// fetchListed asks for what a media playlist lists.
func fetchListed(t *testing.T, s *Server, playlist string) {
	t.Helper()
	a := ask(s, playlist)
	if a.Status != 200 {
		t.Fatalf("GET %s = %d", playlist, a.Status)
	}
	folder, gap := playlist[:strings.LastIndexByte(playlist, '/')+1], false
	for line := range strings.Lines(string(a.Bytes)) {
		line = strings.TrimSpace(line)
		_, uri, ok := strings.Cut(line, `#EXT-X-MAP:URI="`)
		switch {
		case ok:
			uri, _, _ = strings.Cut(uri, `"`)
		case line == "#EXT-X-GAP":
			gap = true
			continue
		case line == "" || line[0] == '#':
			continue
		default:
			uri = line
		}
		want := 200
		if gap {
			want, gap = 404, false
		}
		if got := ask(s, folder+uri); got.Status != want {
			t.Errorf("%s lists %s: GET = %d, want %d", playlist, uri, got.Status, want)
		}
	}
}

func TestDocumentsAreRenderedOncePerVersion(t *testing.T) {
	s, c := newTestServer(t, Config{}, 600, 3)
	path := base + "manifest(format=mpd-time-cmaf)"
	for range 3 {
		before := s.metrics.renders.Load()
		done := make(chan *Answer)
		for range 50 {
			go func() { done <- ask(s, path) }()
		}
		first := <-done
		for range 49 {
			if a := <-done; &a.Bytes[0] != &first.Bytes[0] {
				t.Fatal("two answers of one version were rendered apart")
			}
		}
		if n := s.metrics.renders.Load() - before; n != 1 {
			t.Errorf("%d renderings for 50 requests, want 1", n)
		}
		c.list(0, 1, false)
	}
}

// What is cut without a sync sample is never called independent.
func TestGenerationOf(t *testing.T) {
	for _, cut := range []bool{false, true} {
		if g := generationOf(&segcache.Generation{Cut: cut}); g.Dependent != cut {
			t.Errorf("cut %v: Dependent is %v", cut, g.Dependent)
		}
	}
}

// Low latency is offered where parts come at least twice in a target duration.
func TestPartTargetOffered(t *testing.T) {
	for burst, want := range map[time.Duration]time.Duration{
		0: 0, 40 * time.Millisecond: 200 * time.Millisecond, time.Second: 200 * time.Millisecond,
		1100 * time.Millisecond: 0, 2 * time.Second: 0,
	} {
		g := &segcache.Generation{TargetDuration: 2, PartTarget: 200e6, Burst: int64(burst)}
		if got := partTarget(g); got != int64(want) {
			t.Errorf("burst %v: PART-TARGET %v, want %v", burst, time.Duration(got), want)
		}
	}
}

// TestAppearsWhole: nothing is shown of a presentation before all its tracks have listed something.
func TestAppearsWhole(t *testing.T) {
	s, c := newTestServer(t, Config{}, 600, 0)
	multivariant := base + "manifest(format=m3u8-cmaf)"
	list := func(track *segcache.Track, ticks int64) {
		start := int64(c.next) * ticks
		if err := track.List(segcache.Entry{N: c.next, Slot: int64(c.next), Start: start, End: start + ticks, Gap: true}); err != nil {
			t.Fatal(err)
		}
		<-c.publish()
	}
	list(c.video, videoSegment)
	if a := ask(s, multivariant); a.Status != 404 {
		t.Errorf("with video alone: %d\n%s", a.Status, a.Bytes)
	}
	list(c.audio, audioSegment)
	if a := ask(s, multivariant); a.Status != 200 || !bytes.Contains(a.Bytes, []byte("TYPE=AUDIO")) {
		t.Errorf("with both: %d\n%s", a.Status, a.Bytes)
	}
}
