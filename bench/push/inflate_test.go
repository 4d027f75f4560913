package push

import (
	"bytes"
	"testing"
	"time"
)

func TestInflate(t *testing.T) {
	from := demoTracks(t, "240p")
	const bits = 4_000_000
	ts, err := from.Inflate("v1", bits, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	track := ts.List()[0]
	if ts.Length() != 2*time.Second || len(track.samples) != 50 || len(track.data) != bits/8*2 || track.Name != "v1" {
		t.Errorf("%v, %d samples, %d bytes of %q; want 2 s, 50 and %d", ts.Length(), len(track.samples), len(track.data), track.Name, bits/4)
	}
	for i, s := range track.samples {
		old := from.List()[0].samples[i]
		was, is := from.List()[0].data[old.offset:old.offset+int(old.size)], track.data[s.offset:s.offset+int(s.size)]
		if !bytes.HasPrefix(is, was) || s.at != old.at || s.sync != old.sync {
			t.Fatalf("sample %d does not begin as it was", i)
		}
		if rest := is[len(was):]; len(rest) > 0 && (rest[4] != 12 || rest[len(rest)-1] != 0x80) {
			t.Fatalf("sample %d is not padded by filler data", i)
		}
	}
	if _, err := from.Inflate("v1", bits, 3*time.Second); err == nil {
		t.Error("a cut within a GOP: no error")
	}
	if _, err := demoTracks(t, "audio").Inflate("v1", bits, 0); err == nil {
		t.Error("audio: no error")
	}
}
