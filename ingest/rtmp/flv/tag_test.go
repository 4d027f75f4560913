package flv

import (
	"errors"
	"testing"
)

func TestParseVideo(t *testing.T) {
	for name, c := range map[string]struct {
		b    string
		want Tag
	}{
		"AVC configuration":   {"\x17\x00\x00\x00\x00\x01\x64", Tag{Kind: Config, Codec: "avc1", Name: "avc1", Sync: true, Head: 5}},
		"AVC key frame":       {"\x17\x01\x00\x00\x50....", Tag{Kind: Frame, Codec: "avc1", Name: "avc1", Sync: true, Offset: 80, Head: 5}},
		"AVC shown before":    {"\x27\x01\xff\xff\xd8....", Tag{Kind: Frame, Codec: "avc1", Name: "avc1", Offset: -40, Head: 5}},
		"AVC end":             {"\x17\x02\x00\x00\x00", Tag{Kind: End, Codec: "avc1", Name: "avc1", Sync: true, Head: 5}},
		"HEVC of old":         {"\x1c\x01\x00\x00\x00....", Tag{Kind: Frame, Codec: "hvc1", Name: "hvc1", Sync: true, Head: 5}},
		"command frame":       {"\x57\x00", Tag{Name: "avc1", Head: 1}},
		"VP6":                 {"\x14\x00", Tag{Name: "VP6", Head: 1}},
		"HEVC start":          {"\x90hvc1\x01", Tag{Kind: Config, Codec: "hvc1", Name: "hvc1", Sync: true, Head: 5}},
		"HEVC frames":         {"\xa1hvc1\xff\xff\xff..", Tag{Kind: Frame, Codec: "hvc1", Name: "hvc1", Offset: -1, Head: 8}},
		"HEVC frames X":       {"\xa3hvc1..", Tag{Kind: Frame, Codec: "hvc1", Name: "hvc1", Head: 5}},
		"AV1 frames":          {"\x91av01..", Tag{Kind: Frame, Codec: "av01", Name: "av01", Sync: true, Head: 5}},
		"colours":             {"\x94hvc1..", Tag{Codec: "hvc1", Name: "hvc1", Sync: true, Head: 5}},
		"VP9":                 {"\x90vp09..", Tag{Kind: Config, Name: "VP9", Sync: true, Head: 5}},
		"one of tracks":       {"\x96\x01avc1\x03\x00\x00\x28..", Tag{Kind: Frame, Codec: "avc1", Name: "avc1", Track: 3, Sync: true, Offset: 40, Head: 10}},
		"many tracks":         {"\x96\x11avc1\x00\x00\x00\x01.", Tag{Name: "several tracks in one message", Head: 2}},
		"nanoseconds":         {"\x97\x02\x07\xa1\x20\x01avc1\x00\x00\x00..", Tag{Kind: Frame, Codec: "avc1", Name: "avc1", Sync: true, Head: 13}},
		"an enhanced command": {"\xd1avc1\x00", Tag{Codec: "avc1", Name: "avc1", Head: 5}},
	} {
		check(t, name, ParseVideo, c.b, c.want)
	}
}

func TestParseAudio(t *testing.T) {
	for name, c := range map[string]struct {
		b    string
		want Tag
	}{
		"AAC configuration": {"\xaf\x00\x11\x90", Tag{Kind: Config, Codec: "mp4a", Name: "mp4a", Sync: true, Head: 2}},
		"AAC frame":         {"\xaf\x01....", Tag{Kind: Frame, Codec: "mp4a", Name: "mp4a", Sync: true, Head: 2}},
		"MP3":               {"\x2f....", Tag{Name: "MP3", Sync: true, Head: 1}},
		"Opus start":        {"\x90OpusOpusHead", Tag{Kind: Config, Codec: "Opus", Name: "Opus", Sync: true, Head: 5}},
		"Opus frame":        {"\x91Opus..", Tag{Kind: Frame, Codec: "Opus", Name: "Opus", Sync: true, Head: 5}},
		"AAC frame anew":    {"\x91mp4a..", Tag{Kind: Frame, Codec: "mp4a", Name: "mp4a", Sync: true, Head: 5}},
		"AC-3":              {"\x91ac-3..", Tag{Kind: Frame, Name: "AC-3", Sync: true, Head: 5}},
		"channels":          {"\x94mp4a..", Tag{Codec: "mp4a", Name: "mp4a", Sync: true, Head: 5}},
		"one of tracks":     {"\x95\x00mp4a\x01..", Tag{Kind: Config, Codec: "mp4a", Name: "mp4a", Track: 1, Sync: true, Head: 7}},
	} {
		check(t, name, ParseAudio, c.b, c.want)
	}
}

// check reads a tag whole, and byte by byte: it is short until it is there, and the same then.
func check(t *testing.T, name string, parse func([]byte) (Tag, error), b string, want Tag) {
	t.Helper()
	for n := range len(b) + 1 {
		got, err := parse([]byte(b[:n]))
		switch {
		case n < want.Head && !errors.Is(err, ErrShort):
			t.Errorf("%s: %d bytes are enough for %+v, %v", name, n, got, err)
		case n >= want.Head && (err != nil || got != want):
			t.Errorf("%s: %d bytes: got %+v, %v, want %+v", name, n, got, err, want)
		}
	}
}

// A chain of modifiers that never ends is passed over.
func TestLongHead(t *testing.T) {
	b := make([]byte, MaxHead)
	for i := range b {
		b[i] = 0x97
	}
	if got, err := ParseVideo(b); err != nil || got.Kind != Other {
		t.Errorf("%+v, %v", got, err)
	}
}

// What is read of a prefix holds for the whole.
func FuzzTag(f *testing.F) {
	for _, s := range []string{"\x17\x01\x00\x00\x50....", "\x97\x02\x07\xa1\x20\x01avc1\x00\x00\x00..", "\x96\x01avc1\x03\x00\x00\x28..", "\x90OpusOpusHead", "\xaf\x01"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, parse := range []func([]byte) (Tag, error){ParseVideo, ParseAudio} {
			whole, err := parse(b[:min(len(b), MaxHead)])
			if err != nil && !errors.Is(err, ErrShort) || errors.Is(err, ErrShort) && len(b) >= MaxHead {
				t.Fatal(err)
			}
			if err == nil && (whole.Head > len(b) || whole.Kind != Other && whole.Head == 0) {
				t.Fatalf("%+v of %d bytes", whole, len(b))
			}
			for n := range min(len(b), MaxHead) {
				if part, err := parse(b[:n]); err == nil && part != whole {
					t.Fatalf("%d bytes: %+v, all: %+v", n, part, whole)
				}
			}
		}
	})
}

func TestParsingDoesNotAllocate(t *testing.T) {
	b := []byte("\x97\x02\x07\xa1\x20\x01avc1\x00\x00\x00..")
	if n := testing.AllocsPerRun(100, func() { sink, _ = ParseVideo(b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

var sink Tag
