package push

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"weir/bench/stamp"
)

// TestStamp: each chunk of video begins with the time at which it is sent, samples are otherwise as they were, and mp4ff
// finds sizes that add up.
func TestStamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSink(t)
		tracks := demoTracks(t, "240p", "audio")
		if err := Run(t.Context(), Options{URL: base, Tracks: tracks, Stamp: true, Length: 16 * time.Second, dial: s.dial}); err != nil {
			t.Fatal(err)
		}
		var payload []byte
		for i, c := range s.of("/token/ingest.isml/Streams(240p.cmfv)")[0].chunks(t) {
			nanos, end, ok := stamp.Find(c.payload[:2*stamp.Size])
			if !ok || nanos != c.at.UnixNano() {
				t.Fatalf("chunk %d, which came at %d, says %d, %v", i, c.at.UnixNano(), nanos, ok)
			}
			from := end + 1 - stamp.Size
			payload = append(payload, slices.Concat(c.payload[:from], c.payload[end+1:])...)
		}
		if !bytes.Equal(payload, tracks.List()[0].source()) {
			t.Error("without its stamps, the payload is not the loop")
		}
		for _, c := range s.of("/token/ingest.isml/Streams(audio.cmfa)")[0].chunks(t) {
			if _, _, ok := stamp.Find(c.payload); ok {
				t.Fatal("audio is stamped")
			}
		}
		if err := Run(t.Context(), Options{URL: base, Tracks: demoTracks(t, "audio"), Stamp: true, dial: s.dial}); err == nil {
			t.Error("sound alone cannot be stamped: no error")
		}
	})
}

// TestStampStandsBehindTheDelimiter: an access unit delimiter must come first.
func TestStampStandsBehindTheDelimiter(t *testing.T) {
	track := &Track{data: []byte("xx\x00\x00\x00\x02\x09\xf0rest")}
	for size, want := range map[uint32]int{10: 8, 4: 2, 5: 2} {
		if got := track.stampAt(sample{offset: 2, size: size}); got != want {
			t.Errorf("in a sample of %d bytes at %d, want %d", size, got, want)
		}
	}
}
