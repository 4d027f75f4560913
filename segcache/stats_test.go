package segcache

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestMetrics: a cache is a well-formed collector, and its figures are those of Stats.
func TestMetrics(t *testing.T) {
	c := newCache(t, Config{Memory: 8 << 20})
	f := newFeed(t, c, 4, 1)
	f.slots(0, 3)
	wantError(t, f.ch.Admit(c.NewArena(1<<30)), ErrMemory)
	held := int64(0)
	for _, track := range f.tracks {
		held += track.Held()
	}
	if held != c.Stats().Media {
		t.Errorf("the tracks hold %d bytes, the cache %d", held, c.Stats().Media)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, family := range families {
		m := family.GetMetric()[0]
		got[family.GetName()] = int64(m.GetGauge().GetValue() + m.GetCounter().GetValue())
	}
	for name, want := range map[string]int64{
		"weir_segcache_memory_bytes": 8 << 20, "weir_segcache_media_bytes": 3 * 6501,
		"weir_segcache_refused_inputs_total": 1, "weir_segcache_failed_rooms_total": 0,
	} {
		if value, found := got[name]; !found || value != want {
			t.Errorf("%s = %d, want %d", name, value, want)
		}
	}
}

// TestCommitRefusesNothing: a chunk without bytes is a fault of the caller, and changes nothing.
func TestCommitRefusesNothing(t *testing.T) {
	f := newFeed(t, newCache(t, Config{Memory: 8 << 20}), 4, 1)
	wantError(t, f.tracks[0].Commit(Chunk{N: 1}), ErrEmpty)
	wantError(t, f.tracks[0].Commit(Chunk{N: 1, NumExtents: 3}), ErrEmpty)
	wantError(t, f.tracks[0].Complete(1, 0, 1), ErrNotWhole)
	if f.tracks[0].Segment(1) != nil {
		t.Fatal("an empty segment is held")
	}
}
