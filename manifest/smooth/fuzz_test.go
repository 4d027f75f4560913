package smooth

import (
	"testing"

	"weir/manifest"
	"weir/manifest/internal/sample"
	"weir/media"
)

// FuzzStrings renders whatever strings an encoder may have sent: the manifest stays well-formed, and names stay apart.
func FuzzStrings(f *testing.F) {
	f.Add("a128", "eng", manifest.RoleScheme, "main", int64(5))
	f.Add(`a"b`, `e"`, "a\"\r", "\u0085\u009f", int64(128_000))
	f.Add("{start time}", "-", "", "", int64(1))
	f.Add("\xff</SmoothStreamingMedia>", "de\n", "urn:scte:dash:cc:cea-608:2015", "CC1=eng;CC3=\ufffe", int64(1))
	f.Fuzz(func(t *testing.T, name, language, scheme, value string, id int64) {
		if name == "" || id <= 0 {
			return
		}
		for _, kind := range []media.Kind{media.Video, media.Audio, media.Text, media.Metadata} {
			p := sample.Live(4)
			odd := *p.Tracks[0].Inits[0].Media
			switch kind {
			case media.Audio:
				odd = *p.Tracks[3].Inits[0].Media
			case media.Text, media.Metadata:
				odd = *sample.Text(language)
				odd.Kind = kind
			}
			odd.Language = language
			odd.Roles = []media.Role{{Scheme: scheme, Value: value}}
			tr := track(name, id, &odd, 4, nil)
			p.Tracks = append(p.Tracks, tr)
			check(t, Manifest(nil, p, true))
		}
	})
}
