package media

import (
	"bytes"
	"encoding/hex"
	"errors"
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

func TestASC(t *testing.T) {
	cases := map[string]struct {
		asc      string
		object   int
		rate     uint32
		channels int
	}{
		"LC 48 kHz stereo":           {"1190", 2, 48000, 2},
		"LC 44.1 kHz stereo":         {"1210", 2, 44100, 2},
		"LC, SBR denied (ffmpeg)":    {"119056e500", 2, 48000, 2},
		"LC 5.1":                     {"11b0", 2, 48000, 6},
		"LC 7.1":                     {"11b8", 2, 48000, 8},
		"HE in front":                {"2b118800", 5, 48000, 2},
		"HE v2 in front":             {"eb098800", 29, 48000, 2},
		"HE at the end":              {"131056e598", 5, 48000, 2},
		"HE v2 at the end (fdk-aac)": {"130856e59d4880", 29, 48000, 2},
	}
	for name, c := range cases {
		got, err := parseASC(unhex(t, c.asc))
		if err != nil || got.object != c.object || got.sampleRate != c.rate || got.channels != c.channels {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, asc := range map[string]string{"empty": "", "short": "11", "rate 13": "1690", "rate 0": "17800000000010", "no channels": "1100"} {
		if got, err := parseASC(unhex(t, asc)); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if _, err := parseASC(unhex(t, "4990")); !errors.Is(err, ErrUnsupported) { // CELP
		t.Errorf("object type 9: %v", err)
	}
}

// TestPCE: channels of a layout that has no number, written out.
func TestPCE(t *testing.T) {
	w := &bitWriter{}
	w.u(5, 2)
	w.u(4, 3)
	w.u(4, 0)
	w.u(3, 0)  // GASpecificConfig
	w.u(10, 0) // tag, object, rate
	w.u(4, 2)  // front: a centre and a pair
	w.u(4, 0)
	w.u(4, 1) // back: a pair
	w.u(2, 1) // one LFE
	w.u(3, 0)
	w.u(4, 0)
	w.u(3, 0)
	w.u(5, 0<<4)
	w.u(5, 1<<4)
	w.u(5, 1<<4)
	w.u(4, 0)
	w.u(-w.n&7, 0)
	w.u(8, 0)
	if c, err := parseASC(w.b); err != nil || c.channels != 6 {
		t.Errorf("%+v, %v; want 6 channels", c, err)
	}
}

// TestImplicitSBR: an encoder that does not signal HE-AAC gives itself away by the rate it counts in.
func TestImplicitSBR(t *testing.T) {
	esds := appendEsds(nil, 0x40, unhex(t, "1310")) // LC, 24 kHz, stereo
	entry := func(rate uint32) []byte {
		return boxOf("mp4a", make([]byte, 6), []byte{0, 1}, make([]byte, 8), []byte{0, 2, 0, 16, 0, 0, 0, 0}, words(rate<<16), esds)
	}
	cases := map[string]struct {
		entry, scale uint32
		codec        string
		rate         uint32
	}{
		"plain LC":         {24000, 24000, "mp4a.40.2", 24000},
		"by timescale":     {24000, 48000, "mp4a.40.5", 48000},
		"by entry":         {48000, 24000, "mp4a.40.5", 48000},
		"Smooth timescale": {24000, 10_000_000, "mp4a.40.2", 24000},
	}
	for name, c := range cases {
		e, err := parseStsd(append(words(0, 1), entry(c.entry)...), Audio, c.scale)
		if err != nil || e.codec != c.codec || e.sampleRate != c.rate || e.channels != 2 {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

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

func FuzzASC(f *testing.F) {
	for _, s := range []string{"1190", "119056e500", "2b118800", "eb098800", "130856e59d4880"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := parseASC(b); err == nil && (c.sampleRate == 0 || c.channels < 0 || c.channels > 256) {
			t.Fatalf("%+v", c)
		}
	})
}
