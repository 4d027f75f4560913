package dash

import (
	"encoding/xml"
	"strings"
	"testing"

	"weir/manifest"
	"weir/manifest/internal/sample"
	"weir/media"
)

// FuzzStrings renders whatever strings an encoder may have sent: the MPD stays well-formed and valid.
func FuzzStrings(f *testing.F) {
	f.Add("a128", "eng", "mp4a.40.2", manifest.RoleScheme, "main", "0123456789abcdef")
	f.Add(`a"b`, `e"`, "x\ny", "a\"\r", "\u0085\u009f", "%\x00")
	f.Add("$Time$", "-", "<&>'\"", "", "", "$Number$")
	f.Add("\xff</MPD>", "de\n", "]]>", "urn:scte:dash:cc:cea-608:2015", "CC1=eng;CC3=\ufffe", "../../etc")
	f.Fuzz(func(t *testing.T, name, language, codec, scheme, value, hash string) {
		if name == "" || codec == "" || scheme == "" {
			return // none of them is ever empty
		}
		for _, kind := range []media.Kind{media.Video, media.Audio, media.Text, media.Metadata} {
			p := sample.Live(2)
			odd := *p.Tracks[3].Inits[0].Media
			odd.Kind, odd.Language, odd.Codec, odd.InitHash = kind, language, codec, hash
			odd.Roles = []media.Role{{Scheme: scheme, Value: value}}
			if kind == media.Video {
				odd.Channels, odd.Width, odd.Height, odd.FrameRate = 0, 16, 16, media.Ratio{Num: 25, Den: 1}
			} else if kind == media.Text {
				odd.Channels = 0
			}
			track := p.Tracks[3]
			track.Name, track.ID, track.Inits = name, 5, []manifest.Init{{Media: &odd}}
			p.Tracks = append(p.Tracks, track)
			checkMPD(t, Low(nil, p))
			p.Burst = 200e6
			if kind == media.Video || kind == media.Audio {
				p.Tracks[len(p.Tracks)-1].Inits[0].Cadence = 1
			}
			checkMPD(t, Low(nil, p))
			checkMPD(t, Numbered(nil, p))
		}
	})
}

// FuzzText reads back what manifest.AppendAttribute wrote.
func FuzzText(f *testing.F) {
	for _, s := range []string{"eng", `"&<>'`, "\n\t", "\xff\u0085", "\ufffe", "\U0010ffff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := append(manifest.AppendAttribute([]byte("<E"), "a", s), "/>"...)
		var e struct {
			A string `xml:"a,attr"`
		}
		if err := xml.Unmarshal(got, &e); err != nil {
			t.Fatalf("%q gives %s: %v", s, got, err)
		}
		if want := strings.Map(legal, strings.ToValidUTF8(s, "\x00")); e.A != want && len(s) == len(strings.ToValidUTF8(s, "\x00")) {
			t.Fatalf("%q reads back as %q, want %q", s, e.A, want)
		}
	})
}

// legal is the character, or the replacement of one that XML 1.0 has not.
func legal(r rune) rune {
	if r < ' ' || r == 0xfffe || r == 0xffff {
		return 0xfffd
	}
	return r
}
