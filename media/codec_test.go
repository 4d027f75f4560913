package media

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/hevc"
)

// spsOf is the first SPS of a recording's video track.
func spsOf(t testing.TB, name string) []byte {
	t.Helper()
	entry := record(t, name).inputs[0].entry
	if i := bytes.Index(entry, []byte("avcC")); i >= 0 {
		c, err := parseAvcC(entry[i+4:])
		if err != nil {
			t.Fatal(err)
		}
		return c.sps
	}
	c, err := parseHvcC(entry[bytes.Index(entry, []byte("hvcC"))+4:])
	if err != nil {
		t.Fatal(err)
	}
	return c.sps
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSPSAgainstMp4ff: sizes, pixel aspect, frame rate and codec string are the same here and there.
func TestSPSAgainstMp4ff(t *testing.T) {
	for _, name := range []string{"avc-cmaf.mp4", "avc-sar.mp4", "avc3.mp4", "smooth.ismv"} {
		nal := spsOf(t, name)
		got, err := parseAvcSPS(nal)
		if err != nil {
			t.Fatal(err)
		}
		want, err := avc.ParseSPSNALUnit(nal, true)
		if err != nil {
			t.Fatal(err)
		}
		rate := frameRate(uint64(want.VUI.TimeScale), 2*uint64(want.VUI.NumUnitsInTick))
		aspect := Ratio{uint32(want.VUI.SampleAspectRatioWidth), uint32(want.VUI.SampleAspectRatioHeight)}
		if got.width != int(want.Width) || got.height != int(want.Height) || got.rate != rate || got.aspect != aspect {
			t.Errorf("%s: %+v, want %d by %d, %v, %v", name, got, want.Width, want.Height, aspect, rate)
		}
	}
	for _, name := range []string{"hevc-hvc1.mp4", "hevc-hev1.mp4"} {
		nal := spsOf(t, name)
		got, err := parseHevcSPS(nal)
		if err != nil {
			t.Fatal(err)
		}
		want, err := hevc.ParseSPSNALUnit(nal)
		if err != nil {
			t.Fatal(err)
		}
		width, height := want.ImageSize()
		rate := frameRate(uint64(want.VUI.TimeScale), uint64(want.VUI.NumUnitsInTick))
		if got.width != int(width) || got.height != int(height) || got.rate != rate {
			t.Errorf("%s: %+v, want %d by %d, %v", name, got, width, height, rate)
		}
		in := record(t, name).inputs[0]
		if s := hevc.CodecString(in.SampleEntry, want); in.Codec != s {
			t.Errorf("%s: %s, want %s", name, in.Codec, s)
		}
	}
}

func TestShown(t *testing.T) {
	cases := map[string]struct {
		p             picture
		width, height int
	}{
		"square":        {picture{width: 1280, height: 720, aspect: Ratio{1, 1}}, 1280, 720},
		"not said":      {picture{width: 1280, height: 720}, 1280, 720},
		"HDV":           {picture{width: 1440, height: 1080, aspect: Ratio{4, 3}}, 1920, 1080},
		"PAL wide":      {picture{width: 720, height: 576, aspect: Ratio{64, 45}}, 1024, 576},
		"NTSC":          {picture{width: 720, height: 480, aspect: Ratio{8, 9}}, 640, 480},
		"beyond reason": {picture{width: 720, height: 480, aspect: Ratio{65535, 1}}, 720, 480},
		"nothing left":  {picture{width: 720, height: 480, aspect: Ratio{1, 65535}}, 720, 480},
	}
	for name, c := range cases {
		if w, h := c.p.shown(); w != c.width || h != c.height {
			t.Errorf("%s: %d by %d, want %d by %d", name, w, h, c.width, c.height)
		}
	}
}

func TestFrameRate(t *testing.T) {
	cases := map[string]struct {
		scale, ticks uint64
		want         Ratio
	}{
		"25":        {50, 2, Ratio{25, 1}},
		"29.97":     {60000, 2002, Ratio{30000, 1001}},
		"59.94":     {120000, 2002, Ratio{60000, 1001}},
		"none":      {0, 0, Ratio{}},
		"too fast":  {1 << 32, 2, Ratio{}},
		"too slow":  {1, 1 << 32, Ratio{}},
		"no second": {25, 0, Ratio{}},
	}
	for name, c := range cases {
		if got := frameRate(c.scale, c.ticks); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// bitWriter makes parameter sets for tests.
type bitWriter struct {
	b []byte
	n int
}

func (w *bitWriter) u(n int, v uint64) {
	for i := n - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v>>i&1) << (7 - w.n%8)
		w.n++
	}
}

func (w *bitWriter) ue(v uint64) {
	size := 0
	for x := v + 1; x > 1; x >>= 1 {
		size++
	}
	w.u(size, 0)
	w.u(size+1, v+1)
}

// TestHostileSPS: a count that mp4ff 0.55 allocates by (1 GiB for 2^27) and one that it panics over.
func TestHostileSPS(t *testing.T) {
	for _, count := range []uint64{1 << 27, 1<<32 - 2, 1 << 50} {
		w := &bitWriter{}
		w.u(8, 0x67)
		w.u(24, 66<<16|30)
		w.ue(0)
		w.ue(0)
		w.ue(1)
		w.u(1, 0)
		w.ue(0)
		w.ue(0)
		w.ue(count)
		w.u(8, 0xff)
		if p, err := parseAvcSPS(w.b); err == nil {
			t.Errorf("%d frames in the cycle: %+v", count, p)
		}
	}
}

// TestPCE: channels of a layout that has no number, written out.
// TestImplicitSBR: an encoder that does not signal HE-AAC gives itself away by the rate it counts in.
// visual is a sample entry of that size for tests.
func visual(name string, width, height uint32, children ...[]byte) []byte {
	parts := [][]byte{make([]byte, 6), {0, 1}, make([]byte, 16), words(width<<16 | height), make([]byte, 50)}
	return boxOf(name, append(parts, children...)...)
}

// TestInBandParameterSets: avc3 and hev1 may leave the parameter sets to the samples; the entry gives the size then.
func TestInBandParameterSets(t *testing.T) {
	avcC := boxOf("avcC", []byte{1, 0x64, 0, 0x1f, 0xff, 0xe0, 0})
	hvcC := boxOf("hvcC", []byte{1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 93, 0xf0, 0, 0xfc, 0xfd, 0xf8, 0xf8, 0, 0, 0x0f, 0})
	pasp := boxOf("pasp", words(4, 3))
	dvcC := boxOf("dvcC", []byte{1, 0, 5 << 1, 6<<3 | 5}, make([]byte, 20))
	cases := map[string]struct {
		entry []byte
		codec string // empty: refused
		width int
	}{
		"avc3":           {visual("avc3", 1280, 720, avcC), "avc3.64001f", 1280},
		"avc3, pasp":     {visual("avc3", 1440, 1080, avcC, pasp), "avc3.64001f", 1920},
		"avc1":           {visual("avc1", 1280, 720, avcC), "", 0},
		"hev1":           {visual("hev1", 1280, 720, hvcC), "hev1.1.6.L93.90", 1280},
		"hvc1":           {visual("hvc1", 1280, 720, hvcC), "", 0},
		"dvhe":           {visual("dvhe", 1280, 720, hvcC, dvcC), "dvhe.05.06", 1280},
		"dvhe, no dvcC":  {visual("dvhe", 1280, 720, hvcC), "", 0},
		"no size at all": {visual("avc3", 0, 0, avcC), "", 0},
		"too large":      {visual("avc3", 20000, 720, avcC), "", 0},
		"twice":          {visual("avc3", 1280, 720, avcC, avcC), "", 0},
	}
	for name, c := range cases {
		e, err := parseStsd(append(words(0, 1), c.entry...), Video, 90000)
		if (err == nil) != (c.codec != "") || err == nil && (e.codec != c.codec || e.shown[0] != c.width) {
			t.Errorf("%s: %+v, %v; want %s, %d", name, e, err, c.codec, c.width)
		}
	}
}

func TestTextEntries(t *testing.T) {
	head := append(make([]byte, 7), 1)
	cases := map[string]struct {
		entry []byte
		kind  Kind
		codec string
	}{
		"IMSC":        {boxOf("stpp", head, []byte("http://www.w3.org/ns/ttml\x00\x00\x00")), Text, "stpp.ttml.im1t"},
		"IMSC, named": {boxOf("stpp", head, []byte("http://www.w3.org/ns/ttml\x00\x00\x00"), boxOf("mime", words(0), []byte("application/ttml+xml;codecs=im1i\x00"))), Text, "stpp.ttml.im1i"},
		"WebVTT":      {boxOf("wvtt", head, boxOf("vttC", []byte("WEBVTT")), boxOf("btrt", words(0, 9, 8))), Text, "wvtt"},
		"events":      {boxOf("evte", head, boxOf("silb", words(0, 0))), Metadata, "evte"},
		"URI":         {boxOf("urim", head, boxOf("uri ", words(0), []byte("urn:mpeg:dash:event:2012\x00"))), Metadata, "urim"},
	}
	for name, c := range cases {
		e, err := parseStsd(append(words(0, 1), c.entry...), c.kind, 1000)
		if err != nil || e.codec != c.codec || bytes.Contains(e.published, []byte("btrt")) {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

func FuzzSPS(f *testing.F) {
	for _, name := range []string{"avc-cmaf.mp4", "avc-sar.mp4", "hevc-hvc1.mp4"} {
		f.Add(spsOf(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, parse := range []func([]byte) (picture, error){parseAvcSPS, parseHevcSPS} {
			p, err := parse(b)
			if w, h := p.shown(); err == nil && (w <= 0 || w > maxPixels || h <= 0 || h > maxPixels || p.rate.Num > 0 && p.rate.Den == 0) {
				t.Fatalf("%+v", p)
			}
		}
	})
}
