package push

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestFaults: what Options.Fault asks for happens, and the live point is kept.
func TestFaults(t *testing.T) {
	const path = "/token/ingest.isml/Streams(240p.cmfv)"
	second := func(c Chunk, n time.Duration) bool { return c.Media == n*time.Second }
	cases := map[string]struct {
		fault  func(Chunk) Fault
		bodies int
		lost   int
		check  func(t *testing.T, began time.Time, bodies []*received)
	}{
		"delay": {func(c Chunk) Fault {
			if c.Media >= 2*time.Second && c.Media < 4*time.Second {
				return Fault{Delay: 300 * time.Millisecond}
			}
			return Fault{}
		}, 1, 0, func(t *testing.T, began time.Time, bodies []*received) {
			for _, c := range bodies[0].chunks(t) {
				start, end := toDuration(c.start, 12800), toDuration(c.end, 12800)
				want := end
				if start >= 2*time.Second && start < 4*time.Second {
					want = end + 300*time.Millisecond
				} else if start >= 4*time.Second && start < 4200*time.Millisecond {
					want = 4300 * time.Millisecond // behind the last late one
				}
				if got := c.at.Sub(began); got != want {
					t.Errorf("the chunk at %v came after %v, want %v", start, got, want)
				}
			}
		}},
		"drop": {func(c Chunk) Fault { return Fault{Drop: second(c, 3)} }, 1, 1, func(t *testing.T, _ time.Time, bodies []*received) {
			chunks := bodies[0].chunks(t)
			if len(chunks) != 49 || chunks[15].start-chunks[14].end != 12800/5 {
				t.Errorf("%d chunks, want one missing after 3 s", len(chunks))
			}
		}},
		"end": {func(c Chunk) Fault {
			if second(c, 3) {
				return Fault{Cut: End}
			}
			return Fault{}
		}, 2, 2, func(t *testing.T, _ time.Time, bodies []*received) {
			if bodies[0].err != nil || bodies[1].boxes[1].kind != "moov" {
				t.Errorf("bodies end with %v, want a clean end and the header again", bodies[0].err)
			}
			if got, want := bodies[1].chunks(t)[0].start, int64(12800*17/5); got != want {
				t.Errorf("goes on at %d, want %d, the live point 0.2 s later", got, want)
			}
		}},
		"reset, away for 3 s": {func(c Chunk) Fault {
			if second(c, 3) {
				return Fault{Cut: Reset, Down: 3 * time.Second}
			}
			return Fault{}
		}, 2, 16, func(t *testing.T, began time.Time, bodies []*received) {
			if bodies[0].err == nil {
				t.Error("the first body ended cleanly, want in the middle of a box")
			}
			if got, want := bodies[1].begin.Sub(began), 6200*time.Millisecond; got != want {
				t.Errorf("back after %v, want %v", got, want)
			}
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, stats, began := newSink(t), new(Stats), time.Now()
				err := Run(t.Context(), Options{
					URL: base, Tracks: demoTracks(t, "240p"), Length: 10 * time.Second, Fault: tc.fault, Stats: stats, dial: s.dial,
				})
				if err != nil {
					t.Fatal(err)
				}
				bodies := s.of(path)
				if sum := stats.Sum(); len(bodies) != tc.bodies || sum.Lost != tc.lost || sum.Connections != tc.bodies {
					t.Fatalf("%d bodies, stats %+v; want %d bodies, %d lost", len(bodies), sum, tc.bodies, tc.lost)
				}
				tc.check(t, began, bodies)
			})
		})
	}
}
