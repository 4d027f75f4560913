package manifest_test

import (
	"regexp"
	"testing"

	"weir/manifest"
	"weir/media"
)

var xsLanguage = regexp.MustCompile(`^[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*$`)

func TestLanguage(t *testing.T) {
	for in, want := range map[string]string{
		"eng": "eng", "de-AT": "de-AT", "zh-Hant-TW": "zh-Hant-TW", "es-419": "es-419", "": "und", "und": "und",
		"```": "und", "en_US": "und", "4de": "und", "d4": "und", "en-": "und", "-en": "und", "en--US": "und",
		`e"x`: "und", "ünd": "und", "muchtoolong": "und", "en-abcdefghi": "und",
		"a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p-q-r-s-t-u": "und",
	} {
		if got := manifest.Language(&media.Track{Language: in}); got != want {
			t.Errorf("Language(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzLanguage(f *testing.F) {
	for _, s := range []string{"eng", "de-AT", "", "en--US", "\xff", "a\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := manifest.Language(&media.Track{Language: s})
		if !xsLanguage.MatchString(got) {
			t.Errorf("Language(%q) = %q, which is no xs:language", s, got)
		}
		if want := xsLanguage.MatchString(s) && len(s) <= 35; want != (got == s) && s != "und" {
			t.Errorf("Language(%q) = %q", s, got)
		}
	})
}
