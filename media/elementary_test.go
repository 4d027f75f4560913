package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

// boxIn is the payload of the first box of that type in b, wherever it stands.
func boxIn(t *testing.T, b []byte, kind string) []byte {
	t.Helper()
	i := bytes.Index(b, []byte(kind))
	if i < 4 {
		t.Fatalf("no %s", kind)
	}
	return b[i+4 : i-4+int(binary.BigEndian.Uint32(b[i-4:]))]
}

// opusHead is the identification header that says what a dOps box says.
func opusHead(dOps []byte) []byte {
	h := append([]byte("OpusHead\x01"), dOps[1])
	h = append(h, dOps[3], dOps[2], dOps[7], dOps[6], dOps[5], dOps[4], dOps[9], dOps[8], dOps[10])
	return append(h, dOps[11:]...)
}

// A configuration alone makes the track that a header with it makes: the same init segment, whatever the protocol.
func TestParseConfig(t *testing.T) {
	for name, c := range map[string]struct {
		entry, box string
		config     func(box []byte) []byte
		exact      bool // the header's sample entry has nothing beside the configuration
	}{
		"avc-cmaf.mp4":  {"avc1", "avcC", bytes.Clone, false},
		"hevc-hvc1.mp4": {"hvc1", "hvcC", bytes.Clone, false},
		"av1.mp4":       {"av01", "av1C", bytes.Clone, false},
		"aac-cmaf.mp4": {"mp4a", "esds", func(b []byte) []byte {
			c, err := parseEsds(b)
			if err != nil {
				t.Fatal(err)
			}
			return c.asc
		}, true},
		"opus.mp4": {"Opus", "dOps", opusHead, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := record(t, name)
			in, err := ParseConfig(c.entry, c.config(boxIn(t, r.moov, c.box)), 1000)
			if err != nil {
				t.Fatal(err)
			}
			want, err := r.inputs[0].Publish(48000)
			if err != nil {
				t.Fatal(err)
			}
			got, err := in.Publish(48000)
			if err != nil {
				t.Fatal(err)
			}
			if got.Codec != want.Codec || got.Kind != want.Kind || got.Width != want.Width || got.Height != want.Height ||
				got.FrameRate != want.FrameRate || got.SampleRate != want.SampleRate || got.Channels != want.Channels {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if c.exact && got.Language == want.Language && got.InitHash != want.InitHash {
				t.Errorf("init segments differ:\n%x\n%x", got.Init, want.Init)
			}
			if again, err := ParseInit(got.Init[24:]); err != nil || again[0].ConfigHash != got.ConfigHash {
				t.Errorf("its init segment is read as %+v, %v", again, err)
			}
		})
	}
}

func TestParseConfigFaults(t *testing.T) {
	for name, c := range map[string]struct {
		entry       string
		config      []byte
		unsupported bool
	}{
		"unknown":        {"vvc1", []byte{1, 2, 3}, true},
		"empty":          {"avc1", nil, false},
		"short hvcC":     {"hvc1", make([]byte, 22), false},
		"av1C alone":     {"av01", []byte{0x81, 0, 0, 0}, false},
		"av1C lying":     {"av01", []byte{0x81, 0, 0, 0, 0x0a, 0xff, 0xff, 0x7f}, false},
		"no OpusHead":    {"Opus", make([]byte, 19), false},
		"table missing":  {"Opus", []byte("OpusHead\x01\x02\x00\x00\x80\xbb\x00\x00\x00\x00\x01"), false},
		"too large":      {"mp4a", make([]byte, maxConfig+1), false},
		"ASC of nothing": {"mp4a", []byte{0}, false},
	} {
		if _, err := ParseConfig(c.entry, c.config, 1000); err == nil || errors.Is(err, ErrUnsupported) != c.unsupported {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add(uint8(0), []byte{1, 0x64, 0, 0x20, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, 0x20, 1, 0, 4, 0x68, 0xb5, 0xdf, 0x20})
	f.Add(uint8(2), []byte{0x81, 0, 0, 0, 0x0a, 0x0b, 0, 0, 0, 0x24, 0xcf, 0x7f, 0x0d, 0xbf, 0xff, 0x30, 0x08})
	f.Add(uint8(3), []byte{0x11, 0x90, 0x56, 0xe5, 0})
	f.Add(uint8(4), []byte("OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00"))
	entries := [...]string{"avc1", "hvc1", "av01", "mp4a", "Opus"}
	f.Fuzz(func(t *testing.T, entry uint8, config []byte) {
		in, err := ParseConfig(entries[int(entry)%len(entries)], config, 1000)
		if err != nil {
			return
		}
		pub, err := in.Publish(90000)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseInit(pub.Init[24:])
		if err != nil {
			t.Fatalf("what is published cannot be read: %v", err)
		}
		if again[0].ConfigHash != in.ConfigHash || again[0].Codec != in.Codec {
			t.Fatalf("published as %+v, read as %+v", in.Track, again[0].Track)
		}
	})
}
