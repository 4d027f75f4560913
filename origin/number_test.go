package origin

import (
	"strings"
	"testing"

	"weir/segcache"
)

// TestNumbered asks for the MPD by number: of a channel that may be addressed so, and of one that may not.
func TestNumbered(t *testing.T) {
	const path = base + "manifest(format=mpd-number-cmaf)"
	s, c := newTestServer(t, Config{}, 5000, 3)
	a := ask(s, path)
	if a.Status != 200 || a.Kind != KindMPD || a.ContentType != typeMPD || a.CacheControl != maxAge(1) ||
		!strings.Contains(string(a.Bytes), `Fragments(Video=n$Number$).m4s"/>`) {
		t.Fatalf("GET %s = %d %s\n%s", path, a.Status, a.CacheControl, a.Bytes)
	}
	if again := ask(s, path); &again.Bytes[0] != &a.Bytes[0] {
		t.Error("rendered twice")
	}
	c.SetGenerations([]segcache.Generation{{
		Ordinal: 1, N0: c.next, K0: int64(c.next), DiscontinuitySequence: 1, Timescale: videoScale, SlotTicks: videoSegment,
		Epoch: true, TargetDuration: testTarget,
	}})
	<-c.publish()
	if a := ask(s, path); a.Status != 415 || !strings.Contains(string(a.Bytes), "format=mpd-time-cmaf") {
		t.Errorf("GET %s of an irregular channel = %d %s", path, a.Status, a.Bytes)
	}
}
