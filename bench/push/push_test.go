package push

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const base = "http://origin.test/token/ingest.isml"

// TestRun pushes two and a half loops, and looks at what came, byte by byte, and when.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSink(t)
		tracks, stats, began := demoTracks(t, "240p", "audio"), new(Stats), time.Now()
		err := Run(t.Context(), Options{URL: base, Tracks: tracks, Prft: true, Length: 40 * time.Second, Stats: stats, dial: s.dial})
		if err != nil {
			t.Fatal(err)
		}
		for _, track := range tracks.List() {
			path := "/token/ingest.isml/Streams(" + track.Name + ".cmfv)"
			if track.frame != 0 {
				path = "/token/ingest.isml/Streams(" + track.Name + ".cmfa)"
			}
			bodies := s.of(path)
			if len(bodies) != 1 || bodies[0].method != "POST" || bodies[0].err != nil || len(bodies[0].boxes) < 2 {
				t.Fatalf("%s: bodies %+v, want one POST that ended cleanly", path, bodies)
			}
			if h := bodies[0].boxes; h[1].at != began || h[1].kind != "moov" {
				t.Errorf("%s: header came after %v, want at once", path, h[1].at.Sub(began))
			}
			at, payload := int64(0), []byte(nil)
			for i, c := range bodies[0].chunks(t) {
				if c.start != at || c.seq != uint32(i+1) {
					t.Fatalf("%s: chunk %d starts at %d with sequence %d, want %d and %d", path, i, c.start, c.seq, at, i+1)
				}
				if got, want := c.at.Sub(began), toDuration(c.end, track.Timescale); got != want {
					t.Fatalf("%s: chunk %d came after %v, want %v, its end", path, i, got, want)
				}
				if c.prft == nil || int64(c.prft.MediaTime) != c.start {
					t.Fatalf("%s: chunk %d: prft %+v, want media time %d", path, i, c.prft, c.start)
				}
				if wantSync := track.frame != 0 || c.start%(2*int64(track.Timescale)) == 0; c.sync != wantSync {
					t.Fatalf("%s: chunk %d at %d starts with a sync sample: %v", path, i, c.start, c.sync)
				}
				at, payload = c.end, append(payload, c.payload...)
			}
			if got, want := toDuration(at, track.Timescale), 40*time.Second; got != want {
				t.Errorf("%s: %v of media, want %v", path, got, want)
			}
			loop := track.source()
			if endless := bytes.Repeat(loop, 3); !bytes.HasPrefix(endless, payload) || len(payload) < 2*len(loop) {
				t.Errorf("%s: the payload is not the loop over and over", path)
			}
		}
		if sum := stats.Sum(); sum.Connections != 2 || sum.Lost != 0 || sum.Late != 0 || sum.LastError != nil {
			t.Errorf("stats %+v, want two connections and no trouble", sum)
		}
	})
}

// TestRunPerSegment: one PUT for the header and one a segment, as the chunks become due.
func TestRunPerSegment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSink(t)
		began := time.Now()
		err := Run(t.Context(), Options{URL: base + "/", Tracks: demoTracks(t, "360p"), PerSegment: true, Length: 6 * time.Second, dial: s.dial})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"init.cmfv", "0.cmfv", "1.cmfv", "2.cmfv"}
		for i, name := range want {
			bodies := s.of("/token/ingest.isml/360p/" + name)
			if len(bodies) != 1 || bodies[0].method != "PUT" || bodies[0].err != nil {
				t.Fatalf("%s: %+v, want one PUT", name, bodies)
			}
			if i == 0 {
				continue
			}
			chunks := bodies[0].chunks(t)
			if len(chunks) != 10 || !chunks[0].sync || chunks[0].start != int64(i-1)*2*12800 {
				t.Fatalf("%s: %d chunks from %d on, want 10 from a sync sample on", name, len(chunks), chunks[0].start)
			}
			if got, want := chunks[9].at.Sub(began), time.Duration(i)*2*time.Second; got != want {
				t.Errorf("%s came after %v, want %v", name, got, want)
			}
		}
		if got := len(s.bodies); got != len(want) {
			t.Errorf("%d requests, want %d", got, len(want))
		}
	})
}

// TestRunEpoch: two pushes that begin at different times send the same bytes under the same times, and these are UTC.
func TestRunEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newSink(t), newSink(t)
		done := make(chan error, 2)
		push := func(s *sink) {
			done <- Run(t.Context(), Options{URL: base, Tracks: demoTracks(t, "240p", "audio"), Epoch: true, Length: 30 * time.Second, dial: s.dial})
		}
		go push(a)
		time.Sleep(9700 * time.Millisecond)
		go push(b)
		for range 2 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		for path, timescale := range map[string]uint32{"/token/ingest.isml/Streams(240p.cmfv)": 12800, "/token/ingest.isml/Streams(audio.cmfa)": 48000} {
			first := map[int64]chunk{}
			for _, c := range a.of(path)[0].chunks(t) {
				first[c.start] = c
				if got := time.Unix(0, int64(toDuration(c.end, timescale))); !got.Equal(c.at) {
					t.Fatalf("%s: a chunk that ends at %v came at %v", path, got, c.at)
				}
			}
			same := 0
			for _, c := range b.of(path)[0].chunks(t) {
				if other, ok := first[c.start]; ok {
					same++
					if c.end != other.end || !bytes.Equal(c.payload, other.payload) {
						t.Fatalf("%s: the chunk at %d is another one", path, c.start)
					}
				}
			}
			if same < 90 {
				t.Errorf("%s: %d common chunks, want the 19 s in which both pushed", path, same)
			}
		}
	})
}

// TestRunOffset: Offset changes the times on the wire and nothing else.
func TestRunOffset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSink(t)
		err := Run(t.Context(), Options{URL: base, Tracks: demoTracks(t, "240p"), Offset: time.Hour, Chunk: WholeSegment, Length: 4 * time.Second, dial: s.dial})
		if err != nil {
			t.Fatal(err)
		}
		chunks := s.of("/token/ingest.isml/Streams(240p.cmfv)")[0].chunks(t)
		if len(chunks) != 2 || chunks[0].start != 3600*12800 || chunks[1].start != 3602*12800 {
			t.Errorf("chunks %+v, want two whole segments from 1 h on", chunks)
		}
	})
}

// TestRunGivesUpNever: a server that is away, refuses, or answers in the middle is tried again, ever more slowly.
func TestRunGivesUpNever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSink(t)
		s.refuse = func(n int, _ *http.Request) int {
			if n <= 2 {
				return 503
			}
			return 0
		}
		s.setDown(true)
		time.AfterFunc(5*time.Second, func() { s.setDown(false) })
		stats, began := new(Stats), time.Now()
		err := Run(t.Context(), Options{URL: base, Tracks: demoTracks(t, "240p"), Length: 20 * time.Second, Stats: stats, dial: s.dial})
		if err != nil {
			t.Fatal(err)
		}
		bodies := s.of("/token/ingest.isml/Streams(240p.cmfv)")
		if len(bodies) != 3 {
			t.Fatalf("%d requests, want two refused and one", len(bodies))
		}
		if got := bodies[0].begin.Sub(began); got != 5*time.Second+0 && (got < 5*time.Second || got > 7*time.Second) {
			t.Errorf("first request after %v, want within 2 s of the server's start", got)
		}
		chunks := bodies[2].chunks(t)
		if at := toDuration(chunks[0].start, 12800); !chunks[0].sync || at < bodies[2].begin.Sub(began) || at > bodies[2].begin.Sub(began)+2*time.Second {
			t.Errorf("first chunk starts at %v, want the first segment after %v", at, bodies[2].begin.Sub(began))
		}
		if sum := stats.Sum(); sum.LastError == nil || !strings.Contains(sum.LastError.Error(), "503") {
			t.Errorf("last error %v, want the 503", sum.LastError)
		}
	})
}

func TestRunRefusesOptions(t *testing.T) {
	tracks := demoTracks(t, "240p")
	for name, o := range map[string]Options{
		"no URL":    {Tracks: tracks},
		"no scheme": {URL: "localhost:8081/token", Tracks: tracks},
		"ftp":       {URL: "ftp://localhost/token", Tracks: tracks},
		"bad URL":   {URL: "http://[::1", Tracks: tracks},
		"no tracks": {URL: base},
	} {
		if err := Run(t.Context(), o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
