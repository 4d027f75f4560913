package dash

import (
	"bytes"
	"flag"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"weir/manifest"
	"weir/manifest/internal/golden"
	"weir/manifest/internal/sample"
)

var update = flag.Bool("update", false, "write golden files anew")

// cases are all of sample's.
func cases() map[string]*manifest.Presentation {
	all := sample.Cases()
	maps.Copy(all, sample.LowCases())
	return all
}

// TestPlain: the MPD by time says nothing of low latency, whatever is offered.
func TestPlain(t *testing.T) {
	for name, p := range cases() {
		without := *p
		without.PartTarget = 0
		if got, want := MPD(nil, p), Low(nil, &without); !bytes.Equal(got, want) || bytes.Contains(got, []byte("availabilityTimeOffset")) {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
		}
	}
}

// TestGolden renders every case of sample and compares with testdata; what is rendered also passes the strict checks.
func TestGolden(t *testing.T) {
	cases := cases()
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) {
			got := Low(nil, cases[name])
			golden.Compare(t, *update, filepath.Join("testdata", name+".mpd"), got)
			checkMPD(t, got)
		})
		if !Numbers(cases[name]) {
			continue
		}
		t.Run(name+" by number", func(t *testing.T) {
			got := Numbered(nil, cases[name])
			golden.Compare(t, *update, filepath.Join("testdata", name+".number.mpd"), got)
			checkMPD(t, got)
		})
	}
}
