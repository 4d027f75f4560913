package manifest_test

import (
	"testing"

	"weir/manifest"
	"weir/manifest/internal/sample"
	"weir/media"
)

func TestRoles(t *testing.T) {
	audio, text := sample.Audio("mp4a.40.2", "eng"), sample.Text("eng")
	foreign := *audio
	foreign.Roles = []media.Role{{Scheme: "about:html-kind", Value: "main-desc"}}
	for name, c := range map[string]struct {
		a, b        *media.Track
		plain, same bool // of a; a and b
	}{
		"none and main":             {audio, sample.With(audio, "main"), true, true},
		"main and none":             {sample.With(audio, "main"), audio, true, true},
		"dub and none":              {sample.With(audio, "dub"), audio, false, false},
		"main dub and dub":          {sample.With(audio, "main", "dub"), sample.With(audio, "dub"), true, false},
		"in another order":          {sample.With(audio, "alternate", "dub"), sample.With(audio, "dub", "alternate"), false, true},
		"text is a subtitle":        {text, sample.With(text, "subtitle"), true, true},
		"captions are not":          {sample.With(text, "caption"), text, false, false},
		"audio is no subtitle":      {sample.With(audio, "subtitle"), audio, false, false},
		"another scheme":            {&foreign, audio, true, false},
		"another scheme, with main": {&foreign, sample.With(&foreign, "main"), true, true},
	} {
		if got := manifest.Plain(c.a); got != c.plain {
			t.Errorf("%s: Plain = %v, want %v", name, got, c.plain)
		}
		if got, back := manifest.SamePurpose(c.a, c.b), manifest.SamePurpose(c.b, c.a); got != c.same || back != c.same {
			t.Errorf("%s: SamePurpose = %v and back %v, want %v", name, got, back, c.same)
		}
	}
}
