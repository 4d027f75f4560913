package hls

import (
	"testing"

	"weir/manifest"
	"weir/manifest/internal/sample"
	"weir/media"
)

// FuzzStrings renders whatever strings an encoder may have sent: the playlists stay well-formed, line by line and
// attribute by attribute.
func FuzzStrings(f *testing.F) {
	f.Add("a128", "eng", "mp4a.40.2", manifest.RoleScheme, "main", "0123456789abcdef")
	f.Add(`a"b`, `e"`, "x\ny", "a\"\r", "\u0085\u009f", "%\x00")
	f.Add("b128", "", "", "", "", "")
	f.Add("\xff,\n#EXT-X-ENDLIST\n", "de\n", ",,", manifest.RoleScheme, "caption", "../../etc")
	f.Fuzz(func(t *testing.T, name, language, codec, scheme, value, hash string) {
		if name == "" {
			return // no track is called so
		}
		for _, kind := range []media.Kind{media.Video, media.Audio, media.Text, media.Metadata} {
			p := sample.Live(2)
			odd := *p.Tracks[3].Inits[0].Media
			odd.Kind, odd.Language, odd.Codec, odd.InitHash = kind, language, codec, hash
			odd.Roles = []media.Role{{Scheme: scheme, Value: value}}
			track := p.Tracks[3]
			track.Name, track.ID, track.Inits = name, 5, []manifest.Init{{Media: &odd}}
			p.Tracks = append(p.Tracks, track)

			pl, err := parseMultivariant(Multivariant(nil, p))
			if err != nil {
				t.Fatal(err)
			}
			for kind, groups := range pl.groups {
				for _, members := range groups {
					if _, err := checkGroup(kind, members); err != nil {
						t.Fatal(err)
					}
				}
			}
			checkMedia(t, Media(nil, p, len(p.Tracks)-1))
		}
	})
}

// FuzzQuoted holds appendQuoted to what a playlist may contain.
func FuzzQuoted(f *testing.F) {
	for _, s := range []string{"eng", `"`, "\n", "\xff\u0085", "a,b=c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s == "" {
			return
		}
		got := appendQuoted(append([]byte("#EXTM3U\n#EXT-X-VERSION:6\n"), "A="...), s)
		if lines, err := playlistLines(append(got, '\n')); err != nil || len(lines) != 1 {
			t.Fatalf("%q gives %d lines: %v", s, len(lines), err)
		} else if a, err := parseAttributes(lines[0]); err != nil || len(a) != 1 {
			t.Fatalf("%q gives %v: %v", s, a, err)
		}
	})
}
