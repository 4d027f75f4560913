package smooth

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"weir/media"
)

// manifest is the payload of the Live Server Manifest box in what ffmpeg has sent.
func recorded(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("../../media/testdata/smooth.ismv")
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, UUID[:])
	return b[at+16 : at-8+int(binary.BigEndian.Uint32(b[at-8:]))]
}

func TestParseRecorded(t *testing.T) {
	got, err := Parse(recorded(t))
	if err != nil {
		t.Fatal(err)
	}
	want := []Track{
		{Kind: media.Video, ID: 1, Name: "video", Language: "und", FourCC: "H264"},
		{Kind: media.Audio, ID: 2, Name: "audio", Bitrate: 32000, Language: "und", FourCC: "AACL"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
}

func utf16Of(s string, order binary.ByteOrder, mark bool) []byte {
	if mark {
		s = "\ufeff" + s
	}
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.BigEndian.AppendUint16(b, u)
		if order == binary.LittleEndian {
			b[len(b)-2], b[len(b)-1] = b[len(b)-1], b[len(b)-2]
		}
	}
	return append([]byte{0, 0, 0, 0}, b...)
}

func TestParse(t *testing.T) {
	const one = `<smil><body><switch><video SystemBitrate="500000" TRACKNAME="v &amp; w"><param Name="TrackID" VALUE=" 7 "/>` +
		`<param name="timeScale" value="90000"/><param name="fourCC" value="H264"/></video></switch></body></smil>`
	want := []Track{{Kind: media.Video, ID: 7, Name: "v & w", Bitrate: 500000, FourCC: "H264", Timescale: 90000}}
	cases := map[string]struct {
		b    []byte
		want []Track
	}{
		"attributes and children, any case": {[]byte("\x00\x00\x00\x00" + one), want},
		"without version and flags":         {[]byte(one), want},
		"zero bytes at the end":             {[]byte(one + "\x00\x00"), want},
		"UTF-8 with its mark":               {[]byte("\xef\xbb\xbf" + one), want},
		"declared as UTF-16, and UTF-8":     {[]byte(`<?xml version="1.0" encoding="utf-16"?>` + one), want},
		"UTF-16LE with its mark":            {utf16Of(`<?xml version="1.0" encoding="utf-16"?>`+one, binary.LittleEndian, true), want},
		"UTF-16BE with its mark":            {utf16Of(one, binary.BigEndian, true), want},
		"UTF-16LE without":                  {utf16Of(one, binary.LittleEndian, false), want},
		"UTF-16BE without":                  {utf16Of(one, binary.BigEndian, false), want},
		"the first value counts": {
			[]byte(`<audio systemBitrate="1"><param name="systemBitrate" value="2"/><param name="trackName" value="x"/><param name="trackName" value="y"/></audio>`),
			[]Track{{Kind: media.Audio, Bitrate: 1, Name: "x"}},
		},
		"sparse": {
			[]byte(`<textstream systemBitrate="0" Subtype="DATA" Scheme="urn:scte:scte35:2013:bin" parentTrackName="video" trackName="scte35" trackID="3"/>`),
			[]Track{{Kind: media.Metadata, ID: 3, Name: "scte35", Subtype: "DATA", Scheme: "urn:scte:scte35:2013:bin", Parent: "video"}},
		},
		"captions":              {[]byte(`<textstream trackName="s"><param name="Subtype" value="capt"/></textstream>`), []Track{{Kind: media.Text, Name: "s", Subtype: "capt"}}},
		"numbers that are none": {[]byte(`<video systemBitrate="-1" trackID="99999999999"><param name="timescale" value="x"/></video>`), []Track{{Kind: media.Video}}},
		"long values":           {[]byte(`<video trackName="` + strings.Repeat("x", 257) + `"/>`), []Track{{Kind: media.Video}}},
		"no tracks":             {[]byte(`<smil/>`), nil},
		"nothing":               {nil, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(c.b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("Parse (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, s := range map[string]string{
		"a DTD":                 `<!DOCTYPE smil SYSTEM "http://x/y.dtd"><smil/>`,
		"entities":              `<!DOCTYPE s [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><smil>&b;</smil>`,
		"an unknown entity":     `<smil><video trackName="&nbsp;"/></smil>`,
		"unclosed":              `<smil><body>`,
		"closed wrongly":        `<smil><body></smil></body>`,
		"too deep":              strings.Repeat("<a>", 17) + strings.Repeat("</a>", 17),
		"too many elements":     `<smil>` + strings.Repeat("<a/>", 2048) + `</smil>`,
		"too many attributes":   `<video ` + strings.Repeat(`a="" `, 33) + `/>`,
		"too many tracks":       `<smil>` + strings.Repeat("<video/>", 65) + `</smil>`,
		"larger than 64 KiB":    `<smil>` + strings.Repeat(" ", 64<<10) + `</smil>`,
		"not UTF-8":             "<smil a=\"\xff\"/>",
		"half a UTF-16 unit":    "\xff\xfe<\x00a",
		"another encoding":      `<?xml version="1.0" encoding="shift_jis"?><smil/>`,
		"no XML":                "hello < world",
		"an attribute unquoted": `<video trackID=1/>`,
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := Parse([]byte(s)); err == nil {
				t.Errorf("Parse accepted it as %+v", got)
			}
		})
	}
}

func TestIdentity(t *testing.T) {
	for want, track := range map[string]Track{
		"video_und_1500000": {Kind: media.Video, Name: "video_und", Bitrate: 1500000},
		"audio_96000":       {Kind: media.Audio, Bitrate: 96000},
		"":                  {Kind: media.Video, Name: "video"},
		"scte35":            {Kind: media.Metadata, Name: "scte35"},
		"a-b-_5":            {Kind: media.Video, Name: "a b/", Bitrate: 5},
		"-._9":              {Kind: media.Video, Name: "..", Bitrate: 9},
	} {
		if got := track.Identity(); got != want {
			t.Errorf("%+v goes by %q, want %q", track, got, want)
		}
	}
}

// FuzzParse: whatever the bytes, names are safe, tracks are few and memory is bounded by the bytes.
func FuzzParse(f *testing.F) {
	f.Add(recorded(f))
	f.Add(utf16Of(`<smil><video trackName="x" systemBitrate="5"/></smil>`, binary.LittleEndian, true))
	f.Add([]byte(`<!DOCTYPE s [<!ENTITY a "b">]><s>&a;</s>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		tracks, err := Parse(b)
		if err != nil {
			return
		}
		if len(tracks) > maxTracks {
			t.Fatalf("%d tracks", len(tracks))
		}
		for i := range tracks {
			name := tracks[i].Identity()
			if len(name) > 128 || strings.ContainsFunc(name, func(r rune) bool {
				return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-", r)
			}) || strings.HasPrefix(name, ".") {
				t.Fatalf("%+v goes by %q", tracks[i], name)
			}
		}
	})
}
