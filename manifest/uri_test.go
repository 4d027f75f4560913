package manifest_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"weir/manifest"
)

func TestNames(t *testing.T) {
	for want, got := range map[string][]byte{
		"QualityLevels(3000000)/Manifest(v720,format=m3u8-cmaf).m3u8": manifest.AppendPlaylist(nil, 3_000_000, "v720"),
		"Fragments(v720=n935077499).m4s":                              manifest.AppendSegment(nil, "v720", 935077499),
		"Fragments(a-1._~=$Time$).m4s":                                manifest.AppendTimeTemplate(nil, "a-1._~"),
		"Fragments(v720=i92c6632042726cab).mp4":                       manifest.AppendInit(nil, "v720", "92c6632042726cab"),
		"%24Time%24%22%3C%2F%C3%A4":                                   manifest.AppendEscaped(nil, `$Time$"</ä`),
	} {
		if string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

var plain = regexp.MustCompile(`^([A-Za-z0-9._~-]|%[0-9A-F]{2})*$`)

func FuzzEscaped(f *testing.F) {
	for _, s := range []string{"v720", "$Time$", `a"b`, "a&<>'", "\x00\xff", "%41", "../..", "ä"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := string(manifest.AppendEscaped(nil, s))
		back, err := url.PathUnescape(got)
		if !plain.MatchString(got) || strings.Contains(got, "$") || err != nil || back != s {
			t.Errorf("AppendEscaped(%q) = %q, which reads %q, %v", s, got, back, err)
		}
	})
}
