package media

import (
	"bytes"
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"
)

// encoded is a box of mp4ff's as bytes.
func encoded(t testing.TB, b mp4.Box) []byte {
	t.Helper()
	w := bits.NewFixedSliceWriter(int(b.Size()))
	if err := b.EncodeSW(w); err != nil {
		t.Fatal(err)
	}
	return w.Bytes()
}

func emsgs(t testing.TB) map[string][]byte {
	return map[string][]byte{
		"0": encoded(t, &mp4.EmsgBox{
			Version: 0, TimeScale: 90000, PresentationTimeDelta: 5, EventDuration: 6, ID: 7,
			SchemeIDURI: "urn:scte:scte35:2013:bin", Value: "1001", MessageData: []byte{1, 2, 3},
		}),
		"1": encoded(t, &mp4.EmsgBox{
			Version: 1, TimeScale: 90000, PresentationTime: 1 << 40, EventDuration: 6, ID: 7,
			SchemeIDURI: "urn:scte:scte35:2013:bin", Value: "1001", MessageData: []byte{1, 2, 3},
		}),
	}
}

func TestEmsg(t *testing.T) {
	for version, b := range emsgs(t) {
		e, err := ParseEmsg(b)
		if err != nil {
			t.Fatal(err)
		}
		if e.Timescale != 90000 || e.Duration != 6 || e.ID != 7 || string(e.Scheme) != "urn:scte:scte35:2013:bin" ||
			string(e.Value) != "1001" || !bytes.Equal(e.Data, []byte{1, 2, 3}) {
			t.Errorf("version %s: %+v", version, e)
		}
		if version == "0" && e.Delta != 5 || version == "1" && e.Time != 1<<40 {
			t.Errorf("version %s: delta %d, time %d", version, e.Delta, e.Time)
		}
	}
	text := words(0)
	for name, b := range map[string][]byte{
		"no end of text": boxOf("emsg", text, []byte("urn")),
		"long text":      boxOf("emsg", text, []byte(strings.Repeat("x", maxText+1)), make([]byte, 30)),
		"short":          boxOf("emsg", text, []byte("a\x00b\x00"), make([]byte, 15)),
		"timescale 0":    boxOf("emsg", text, []byte("a\x00b\x00"), make([]byte, 16)),
		"version 2":      boxOf("emsg", words(2<<24, 1, 1, 1, 1, 1, 1, 1)),
		"short 1":        boxOf("emsg", words(1<<24, 1, 1, 1, 1)),
	} {
		if e, err := ParseEmsg(b); err == nil {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func FuzzEmsg(f *testing.F) {
	for _, b := range emsgs(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ParseEmsg(b)
		if err == nil && (len(e.Scheme)+len(e.Value)+len(e.Data)+30 > len(b) || e.Timescale == 0 ||
			bytes.IndexByte(e.Scheme, 0) >= 0 || bytes.IndexByte(e.Value, 0) >= 0) {
			t.Fatalf("%+v out of %d bytes", e, len(b))
		}
	})
}
