package media

import (
	"errors"
	"testing"
)

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
