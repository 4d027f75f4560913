package manifest_test

import (
	"flag"
	"slices"
	"testing"

	"weir/manifest"
	"weir/manifest/internal/sample"
)

// Nothing here has golden files, but go test ./manifest/... -update must not fail here either.
var _ = flag.Bool("update", false, "of no effect")

// TestRuns cuts random lists into runs and back: nothing is lost, and no two runs that follow each other are one.
func TestRuns(t *testing.T) {
	for seed := range uint64(20) {
		ch := sample.NewChannel(seed)
		for range 100 {
			p := ch.Step()
			for i := range p.Tracks {
				track := &p.Tracks[i]
				var again []manifest.Run
				for j, r := range track.Runs {
					if j > 0 && r.N != track.Runs[j-1].End() {
						t.Fatalf("seed %d: %s has a hole before %d", seed, track.Name, r.N)
					}
					for n := r.N; n < r.End(); n++ {
						one := r.Cut(n, n+1)
						if one.Count != 1 || one.N != n || one.EndTicks() != one.Start+r.Duration {
							t.Fatalf("Cut(%d) of %+v is %+v", n, r, one)
						}
						again = manifest.AppendRun(again, one)
					}
				}
				if !slices.Equal(again, track.Runs) {
					t.Fatalf("seed %d: %+v\nput together again is %+v", seed, track.Runs, again)
				}
			}
		}
	}
}

func TestCut(t *testing.T) {
	r := manifest.Run{N: 10, Count: 5, Start: 1000, Duration: 7, Ordinal: 2}
	for _, c := range []struct {
		from, to uint64
		want     manifest.Run
	}{
		{0, 100, r},
		{10, 15, r},
		{12, 14, manifest.Run{N: 12, Count: 2, Start: 1014, Duration: 7, Ordinal: 2}},
		{0, 11, manifest.Run{N: 10, Count: 1, Start: 1000, Duration: 7, Ordinal: 2}},
		{0, 10, manifest.Run{}},
		{15, 20, manifest.Run{}},
		{14, 12, manifest.Run{}},
	} {
		if got := r.Cut(c.from, c.to); got != c.want {
			t.Errorf("Cut(%d, %d) = %+v, want %+v", c.from, c.to, got, c.want)
		}
	}
	if runs := manifest.AppendRun(nil, manifest.Run{N: 5}); runs != nil {
		t.Errorf("a run of nothing is added: %+v", runs)
	}
}
