package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestParseInitGolden holds what weir says of each stream: what players are told, and the hashes that must not change
// from one node or release to the next.
func TestParseInitGolden(t *testing.T) {
	var out strings.Builder
	for _, name := range recordings(t) {
		for _, in := range record(t, name).inputs {
			pub, err := in.Publish(in.Timescale)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "%s #%d: %s %s (%s) %dx%d@%d/%d %d Hz %d ch %s %d b/s; timescale %d shift %d %+v; config %016x init %s\n",
				name, in.ID, pub.Kind, pub.Codec, pub.SampleEntry, pub.Width, pub.Height, pub.FrameRate.Num, pub.FrameRate.Den,
				pub.SampleRate, pub.Channels, pub.Language, pub.Bitrate, in.Timescale, in.Shift, in.Defaults, pub.ConfigHash, pub.InitHash)
		}
	}
	golden(t, "inputs.golden", out.String())
}

// replaced returns b with old replaced by new of the same length, which must be there.
func replaced(t *testing.T, b []byte, old, new string) []byte {
	t.Helper()
	if len(old) != len(new) || !bytes.Contains(b, []byte(old)) {
		t.Fatalf("cannot replace %q", old)
	}
	return bytes.Replace(b, []byte(old), []byte(new), 1)
}

// TestConfigHashOfRestart: what an encoder says of itself, of the day and of its bitrate changes neither the hash nor the
// init segment; what a decoder must know does.
func TestConfigHashOfRestart(t *testing.T) {
	r := record(t, "avc-cmaf.mp4")
	want, _ := r.inputs[0].Publish(90000)
	change := func(f func([]byte)) *Track {
		moov := bytes.Clone(r.moov)
		f(moov)
		inputs, err := ParseInit(moov)
		if err != nil {
			t.Fatal(err)
		}
		got, err := inputs[0].Publish(90000)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	at := func(moov []byte, kind string, offset int) []byte {
		return moov[bytes.Index(moov, []byte(kind))+4+offset:]
	}
	same := map[string]func([]byte){
		"creation time": func(b []byte) {
			binary.BigEndian.PutUint32(at(b, "mvhd", 4), 0xdeadbeef)
			binary.BigEndian.PutUint32(at(b, "tkhd", 4), 0xdeadbeef)
			binary.BigEndian.PutUint32(at(b, "mdhd", 4), 0xdeadbeef)
		},
		"encoder": func(b []byte) { copy(at(b, "avc1", 42), "\x08some enc") },
		"handler": func(b []byte) { copy(at(b, "hdlr", 24), "another") },
		"bitrate": func(b []byte) { copy(at(b, "btrt", 8), "\x00\x00\x00\x01") },
		"track": func(b []byte) {
			copy(at(b, "tkhd", 12), "\x00\x00\x00\x07")
			copy(at(b, "trex", 4), "\x00\x00\x00\x07")
		},
		"version": func(b []byte) { copy(b[bytes.Index(b, []byte("Lavf")):], "Weir") },
	}
	for name, f := range same {
		got := change(f)
		if got.ConfigHash != want.ConfigHash || !bytes.Equal(got.Init, want.Init) || got.InitHash != want.InitHash {
			t.Errorf("%s: another configuration or init segment", name)
		}
	}
	other := map[string]func([]byte){
		"SPS":      func(b []byte) { at(b, "avcC", 8+3)[0]++ }, // level
		"language": func(b []byte) { copy(at(b, "mdhd", 20), "\x15\xc7") },
	}
	for name, f := range other {
		got := change(f)
		if got.ConfigHash == want.ConfigHash || got.InitHash == want.InitHash {
			t.Errorf("%s: the same configuration or init segment", name)
		}
	}
	if bytes.Contains(want.Init, []byte("Lav")) || bytes.Contains(want.Init, []byte("x264")) {
		t.Error("the init segment names the encoder")
	}
}

// TestNoEncoderInHevc: x265 writes its settings into hvcC as an SEI message.
func TestNoEncoderInHevc(t *testing.T) {
	r := record(t, "hevc-hvc1.mp4")
	if !bytes.Contains(r.moov, []byte("x265")) {
		t.Skip("this x265 does not name itself")
	}
	pub, err := r.inputs[0].Publish(30000)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(pub.Init, []byte("x265")) {
		t.Error("the init segment names the encoder")
	}
}

func TestParseInitFaults(t *testing.T) {
	r := record(t, "avc-cmaf.mp4")
	audio := record(t, "aac-cmaf.mp4")
	cases := map[string]struct {
		moov        []byte
		unsupported bool
		want        string
	}{
		"empty":           {nil, false, "incomplete"},
		"not a moov":      {replaced(t, r.moov, "moov", "moof"), false, `"moov" is due`},
		"cut":             {r.moov[:len(r.moov)-1], false, "bytes are there"},
		"no tracks":       {[]byte("\x00\x00\x00\x08moov"), false, "without tracks"},
		"codec":           {replaced(t, r.moov, "avc1", "mp4v"), true, "mp4v"},
		"encrypted":       {replaced(t, r.moov, "avc1", "encv"), true, "encv"},
		"audio codec":     {replaced(t, audio.moov, "mp4a", "samr"), true, "samr"},
		"only time code":  {replaced(t, r.moov, "vide", "tmcd"), true, "none of 1 tracks"},
		"no avcC":         {replaced(t, r.moov, "avcC", "free"), false, "no avcC"},
		"no esds":         {replaced(t, audio.moov, "esds", "free"), false, "no esds"},
		"no mdhd":         {replaced(t, r.moov, "mdhd", "free"), false, "mdhd"},
		"no tkhd":         {replaced(t, r.moov, "tkhd", "free"), false, "tkhd"},
		"no stsd":         {replaced(t, r.moov, "stsd", "free"), false, "no stsd"},
		"child too large": {replaced(t, r.moov, "\x00\x00\x00\x6cmvhd", "\x7f\x00\x00\x6cmvhd"), false, "exceeds its container"},
	}
	for name, c := range cases {
		_, err := ParseInit(c.moov)
		if err == nil || errors.Is(err, ErrUnsupported) != c.unsupported || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: ParseInit: %v; want %q", name, err, c.want)
		}
	}
}

func TestLanguages(t *testing.T) {
	for _, language := range []string{"eng", "deu", "und", "pt-BR", "en", "x"} {
		packed, ok := packLanguage(language)
		got := unpackLanguage(packed)
		if want := language; ok != (len(language) == 3) || ok && got != want || !ok && got != "und" {
			t.Errorf("packLanguage(%q) = %#x, %v: reads as %q", language, packed, ok, got)
		}
	}
	if got := unpackLanguage(0x7fff); got != "und" {
		t.Errorf("QuickTime's unknown language reads as %q", got)
	}
}

// TestAnnouncement: language and roles go through a header and back, and stand in the hash.
func TestAnnouncement(t *testing.T) {
	in := record(t, "aac-cmaf.mp4").inputs[0]
	before := in.ConfigHash
	in.Language = "pt-BR"
	in.Roles = []Role{{"urn:mpeg:dash:role:2011", "main"}, {"urn:mpeg:dash:role:2011", "dub"}}
	pub, err := in.Publish(48000)
	if err != nil {
		t.Fatal(err)
	}
	ftyp, _ := ReadBox(pub.Init)
	again, err := ParseInit(pub.Init[ftyp.Size:])
	if err != nil {
		t.Fatal(err)
	}
	if got := again[0]; got.Language != "pt-BR" || !slices.Equal(got.Roles, in.Roles) || got.ConfigHash == before {
		t.Errorf("%+v", got)
	}
	if !bytes.Contains(pub.Init, []byte("\x55\xc4")) {
		t.Error("mdhd does not say und beside elng")
	}
}

func FuzzParseInit(f *testing.F) {
	for _, name := range recordings(f) {
		f.Add(record(f, name).moov)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		inputs, err := ParseInit(b)
		if err != nil {
			return
		}
		for i := range inputs {
			in := &inputs[i]
			pub, err := in.Publish(in.Timescale)
			if err != nil {
				t.Fatal(err)
			}
			if len(pub.Init) > 4*len(b)+4096 {
				t.Fatalf("%d bytes of header make %d", len(b), len(pub.Init))
			}
			ftyp, _ := ReadBox(pub.Init)
			again, err := ParseInit(pub.Init[ftyp.Size:])
			if err != nil || len(again) != 1 {
				t.Fatalf("published init segment: %d tracks, %v", len(again), err)
			}
			if got, _ := again[0].Publish(in.Timescale); got.InitHash != pub.InitHash || got.ConfigHash != pub.ConfigHash || got.Codec != pub.Codec {
				t.Fatalf("published again:\n%+v\nwant\n%+v", again[0], *in)
			}
		}
	})
}
