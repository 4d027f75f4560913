package origin

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/manifest"
)

// said is a target as the tables write it: what a request for it would say.
func (t *target) said() string {
	s := fmt.Sprintf("%s %s", t.locator, t.name)
	switch t.object {
	case objectManifest:
		s += " manifest"
	case objectPlaylist:
		s += fmt.Sprintf(" playlist %d %s", t.id, t.track)
	case objectFragment:
		s += fmt.Sprintf(" fragment %d %s", t.id, t.track)
		switch t.selector {
		case byNumber:
			s += fmt.Sprintf(" number %d", t.number)
		case byTime:
			if t.smooth() {
				s += " smooth"
			}
			s += fmt.Sprintf(" time %d", t.time)
		case byHash:
			s += fmt.Sprintf(" hash %s", t.hash)
		case byInit:
			s += " init"
		}
	case objectMoof:
		s += fmt.Sprintf(" moof %d %s time %d", t.id, t.track, t.time)
	case objectMdat:
		s += fmt.Sprintf(" mdat %d %s time %d", t.id, t.track, t.time)
	case objectKeyFrame:
		s += fmt.Sprintf(" keyframe %d %s", t.id, t.track)
		if t.selector == byNumber {
			s += fmt.Sprintf(" number %d", t.number)
		} else {
			s += fmt.Sprintf(" time %d", t.time)
		}
	}
	for _, p := range []struct {
		name  string
		value []byte
	}{{"format", t.format}, {"encryption", t.encryption}, {"filter", t.filter}} {
		if p.value != nil {
			s += fmt.Sprintf(" %s=%s", p.name, p.value)
		}
	}
	if t.keyframes {
		s += " keyframes"
	}
	if t.part >= 0 {
		s += " part"
	}
	return s
}

func TestTarget(t *testing.T) {
	for path, want := range map[string]string{
		// The names that manifests say.
		"/L/a.ism/manifest(format=m3u8-cmaf)":                                    "l a manifest format=m3u8-cmaf",
		"/L/a.ism/manifest(format=mpd-time-cmaf)":                                "l a manifest format=mpd-time-cmaf",
		"/L/a.ism/QualityLevels(3000000)/Manifest(video,format=m3u8-cmaf).m3u8":  "l a playlist 3000000 video format=m3u8-cmaf",
		"/L/a.ism/QualityLevels(3000000)/Fragments(video=n880103).m4s":           "l a fragment 3000000 video number 880103",
		"/L/a.ism/QualityLevels(3000000)/Fragments(video=22912000000000).m4s":    "l a fragment 3000000 video time 22912000000000",
		"/L/a.ism/QualityLevels(3000000)/Fragments(video=i0123456789abcdef).mp4": "l a fragment 3000000 video hash 0123456789abcdef",
		"/L/a.ism/QualityLevels(3000000)/Fragments(video=n880103,part=3).m4s":    "l a fragment 3000000 video number 880103 part",
		// Other spellings.
		"/L/a.ism/Manifest":                                                  "l a manifest",
		"/L/A.ISM/MANIFEST(FORMAT=M3U8-CMAF)":                                "l a manifest format=m3u8-cmaf",
		"/L/a.isml/manifest":                                                 "l a manifest",
		"/L/a.ism/manifest()":                                                "l a manifest",
		"/L/a.ism/manifest.mpd":                                              "l a manifest",
		"/L/a.ism/manifest(format=m3u8-cmaf).m3u8":                           "l a manifest format=m3u8-cmaf",
		"/L/a.ism/manifest(format=mpd-time-cmaf).mpd":                        "l a manifest format=mpd-time-cmaf",
		"/L/a.ism/manifest%28format=m3u8-cmaf%29":                            "l a manifest format=m3u8-cmaf",
		"/%4C/a%2Eism/manifest(format%3Dm3u8-cmaf)":                          "l a manifest format=m3u8-cmaf",
		"/L/Live Show.ism/manifest":                                          "l live show manifest",
		"/L/Live%20Show.ism/manifest":                                        "l live show manifest",
		"/L/a.b.ism/manifest":                                                "l a.b manifest",
		"/L/%C3%84.ism/manifest":                                             "l Ä manifest",
		"/L/a.ism/manifest(encryption=cenc,format=mpd-time-cmaf,filter=x;y)": "l a manifest format=mpd-time-cmaf encryption=cenc filter=x;y",
		"/L/a.ism/manifest(filter=x%3By)":                                    "l a manifest filter=x;y",
		"/L/a.ism/manifest(filtername=x)":                                    "l a manifest filter=x",
		"/L/a.ism/manifest(format=)":                                         "l a manifest format=",
		"/L/a.ism/manifest(audio-only=false,audioTrack=eng,what=ever,format=m3u8-aapl)": "l a manifest format=m3u8-aapl",
		"/L/a.ism/QualityLevels(1)/Manifest(video)":                                     "l a playlist 1 video",
		"/L/a.ism/qualitylevels(1)/manifest(VIDEO,type=keyframes,format=m3u8-aapl)":     "l a playlist 1 video format=m3u8-aapl keyframes",
		"/L/a.ism/QualityLevels(1)/Manifest(part,format=m3u8-cmaf)":                     "l a playlist 1 part format=m3u8-cmaf",
		"/L/a.ism/QualityLevels(1)/Fragments(video=0)":                                  "l a fragment 1 video smooth time 0",
		"/L/a.ism/QualityLevels(1)/Fragments(video=5,format=m3u8-cmaf)":                 "l a fragment 1 video time 5 format=m3u8-cmaf",
		"/L/a.ism/QualityLevels(1)/Fragments(video=i,format=mpd-time-cmaf)":             "l a fragment 1 video init format=mpd-time-cmaf",
		"/L/a.ism/QualityLevels(1)/Fragments(video=N7).M4S":                             "l a fragment 1 video number 7",
		"/L/a.ism/QualityLevels(1,hardware=x)/Fragments(video=5)":                       "l a fragment 1 video smooth time 5",
		"/L/a.ism/QualityLevels(1)/Fragments(video=5).m4s":                              "l a fragment 1 video time 5",
		"/L/a.ism/QualityLevels(1)/Fragments(video=5).mp4":                              "l a fragment 1 video smooth time 5",
		"/L/a.ism/QualityLevels(1)/Fragments(video=5,format=mpd-time-cmaf)":             "l a fragment 1 video time 5 format=mpd-time-cmaf",
		"/L/a.ism/QualityLevels(1)/Fragments(video=5,format=fmp4-v20)":                  "l a fragment 1 video smooth time 5 format=fmp4-v20",
		"/L/a.ism/QualityLevels(1)/Fragments(video=5,format=fmp4-v20).m4s":              "l a fragment 1 video smooth time 5 format=fmp4-v20",
		"/L/a.ism/QualityLevels(1)/KeyFrames(video=5)":                                  "l a keyframe 1 video time 5",
		"/L/a.ism/QualityLevels(1)/keyframes(video=N5).m4s":                             "l a keyframe 1 video number 5",
		"/L/a.ism/QualityLevels(1)/FragmentInfo(video=5)":                               "l a moof 1 video time 5",
		"/L/a.ism/QualityLevels(1)/RawFragments(video=5)":                               "l a mdat 1 video time 5",
		"/L/a.ism/QualityLevels(1)/Fragments(video=9223372036854775807)":                "l a fragment 1 video smooth time 9223372036854775807",
		// Faults.
		"":                          "MPE_BAD_URL_SYNTAX",
		"*":                         "MPE_BAD_URL_SYNTAX",
		"//":                        "MPE_RESOURCE_NOT_FOUND",
		"/favicon.ico":              "MPE_RESOURCE_NOT_FOUND",
		"/L/a.mp4":                  "MPE_RESOURCE_NOT_FOUND",
		"/L/a.ism":                  "MPE_RESOURCE_NOT_FOUND",
		"/L/.ism/manifest":          "MPE_RESOURCE_NOT_FOUND",
		"//a.ism/manifest":          "MPE_RESOURCE_NOT_FOUND",
		"/L/a.ism/nonsense":         "MPE_RESOURCE_NOT_FOUND",
		"/L/a.ism/QualityLevels(1)": "MPE_RESOURCE_NOT_FOUND",
		"/L/a.ism/QualityLevels(1)/Nonsense(video=1)":                    "MPE_RESOURCE_NOT_FOUND",
		"/L/a.ism/manifest/":                                             "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels(1)/KeyFrames(video)":                     "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels(1)/KeyFrames(video=i01)":                 "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/manifest(format=m3u8-cmaf":                             "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/manifest)format=m3u8-cmaf(":                            "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/manifest(format=m3u8-cmaf)x":                           "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/manifest(format=m3u8-cmaf).":                           "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/manifest(format=a,format=b)":                           "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/manifest(filter=a,filterName=b)":                       "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/manifest(format=a)/x":                                  "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels()/Fragments(video=1)":                    "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels(-1)/Fragments(video=1)":                  "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels(1x)/Fragments(video=1)":                  "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels(1)/Fragments(video=1)/":                  "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels(1)/Fragments(video)":                     "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels(1)/Fragments(video=)":                    "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels(1)/Fragments()":                          "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels(1)/Fragments(=1)":                        "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels(1)/Fragments(video=n)":                   "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels(1)/Fragments(video=n-1)":                 "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels(1)/Fragments(video=1.5)":                 "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels(1)/Fragments(video=9223372036854775808)": "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels(1)/Fragments(video=ixyz)":                "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels(1)/FragmentInfo(video=n5)":               "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels(1)/FragmentInfo(video=i)":                "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels(1)/RawFragments(video)":                  "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels(1)/Manifest()":                           "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/QualityLevels(1)/Manifest(video=1)":                    "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/manifest%":                                             "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/manifest%2":                                            "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/manifest%zz":                                           "MPE_BAD_URL_SYNTAX",
		"/L/a.ism/mani%00fest":                                           "MPE_BAD_URL_SYNTAX",
		"/L/a%2Fb.ism/manifest":                                          "MPE_BAD_URL_SYNTAX",
		"/L/a%5Cb.ism/manifest":                                          "MPE_BAD_URL_SYNTAX",
		"/L/" + strings.Repeat("a", maxPath) + ".ism/manifest":           "MPE_BAD_URL_SYNTAX",
	} {
		var got target
		_, fault := got.parse(nil, []byte(path))
		said := got.said()
		if fault != nil {
			said = fault.Code
		}
		if said != want {
			t.Errorf("parse(%s) = %s; want %s", path, said, want)
		}
	}
}

// TestTargetReadsWhatManifestsWrite parses the canonical names as package manifest writes them.
func TestTargetReadsWhatManifestsWrite(t *testing.T) {
	const id, track = 1_234_567, "v.720~p_-"
	relative := map[string]string{
		string(manifest.AppendPlaylist(nil, id, track)):                                                                 "playlist 1234567 v.720~p_- format=m3u8-cmaf",
		string(manifest.AppendSegment(manifest.AppendQuality(nil, id), track, 42)):                                      "fragment 1234567 v.720~p_- number 42",
		string(manifest.AppendInit(manifest.AppendQuality(nil, id), track, "00ff00ff")):                                 "fragment 1234567 v.720~p_- hash 00ff00ff",
		strings.Replace(string(manifest.AppendTimeTemplate(manifest.AppendQuality(nil, id), track)), "$Time$", "77", 1): "fragment 1234567 v.720~p_- time 77",
	}
	for name, want := range relative {
		var got target
		_, fault := got.parse(nil, []byte("/l/a.ism/"+name))
		if fault != nil || got.said() != "l a "+want {
			t.Errorf("parse(%s) = %s, %v; want %s", name, got.said(), fault, want)
		}
	}
}

func TestParseTicks(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "007": 7, "9223372036854775807": math.MaxInt64,
		"": -1, "-1": -1, "+1": -1, "1e3": -1, "9223372036854775808": -1, "00000000000000000001": -1,
	} {
		got, ok := parseTicks([]byte(in))
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("parseTicks(%q) = %d, want %d", in, got, want)
		}
	}
}

// FuzzTarget checks that what parse accepts is said back in canonical form, and that this means the same.
func FuzzTarget(f *testing.F) {
	for _, path := range []string{
		"/L/a.ism/manifest(format=m3u8-cmaf,encryption=cbc,filter=x%3By).m3u8",
		"/L/a.isml/QualityLevels(3000000,a=b)/Manifest(video,format=m3u8-cmaf).m3u8",
		"/l/a.ism/QualityLevels(1)/Fragments(video=n880103,part=1).m4s",
		"/l/a.ism/QualityLevels(1)/Fragments(video=i0123456789abcdef).mp4",
		"/l/a%20b.ism/QualityLevels(1)/Fragments(a%28b=22912000000000).m4s",
		"/l/a.ism/QualityLevels(1)/KeyFrames(video=1)",
		"/l/a.ism/QualityLevels(1)/KeyFrames(video=n1).m4s",
		"/l/a.ism/QualityLevels(1)/Manifest(video,format=m3u8-cmaf,type=keyframes).m3u8",
		"/l/a.ism/QualityLevels(1)/FragmentInfo(video=22912000000000)",
		"/l/a.ism/QualityLevels(1)/RawFragments(video=22912000000000)",
		"/l/a.ism/QualityLevels(1)/Fragments(video=22912000000000)",
	} {
		f.Add([]byte(path))
	}
	f.Fuzz(func(t *testing.T, path []byte) {
		var a, b target
		if _, fault := a.parse(nil, path); fault != nil {
			return
		}
		if bytes.ContainsAny(a.track, "(),=.") || bytes.ContainsAny(a.format, "(),=") || bytes.ContainsAny(a.encryption, "(),=") ||
			bytes.ContainsAny(a.filter, "(),=") {
			return // names that the grammar cannot carry back
		}
		canonical := a.canonical()
		if len(canonical) > maxPath {
			return // escaped, it is up to three times as long
		}
		if _, fault := b.parse(nil, canonical); fault != nil {
			t.Fatalf("parse(%q) is read as %q, which is refused: %s", path, canonical, fault.Code)
		}
		if diff := cmp.Diff(a.said(), b.said()); diff != "" {
			t.Fatalf("parse(%q) is read as %q, which means something else (-first +second):\n%s", path, canonical, diff)
		}
	})
}

// canonical writes the path that a target stands for.
func (t *target) canonical() []byte {
	b := append([]byte{'/'}, manifest.AppendEscaped(nil, string(t.locator))...)
	b = append(append(b, '/'), manifest.AppendEscaped(nil, string(t.name))...)
	b = append(b, ".ism/"...)
	separator := "("
	say := func(s string, value []byte) {
		b = append(append(append(b, separator...), s...), value...)
		separator = ","
	}
	if t.object != objectManifest {
		b = manifest.AppendQuality(b, t.id)
	}
	track := string(manifest.AppendEscaped(nil, string(t.track)))
	switch t.object {
	case objectManifest:
		b = append(b, "manifest"...)
	case objectPlaylist:
		b = append(b, "Manifest"...)
		say(track, nil)
	case objectFragment:
		b = append(b, "Fragments"...)
		switch t.selector {
		case byNumber:
			say(track, fmt.Appendf(nil, "=n%d", t.number))
		case byTime:
			say(track, fmt.Appendf(nil, "=%d", t.time))
		case byHash, byInit:
			say(track, fmt.Appendf(nil, "=i%s", t.hash))
		}
	case objectMoof:
		b = append(b, "FragmentInfo"...)
		say(track, fmt.Appendf(nil, "=%d", t.time))
	case objectMdat:
		b = append(b, "RawFragments"...)
		say(track, fmt.Appendf(nil, "=%d", t.time))
	case objectKeyFrame:
		b = append(b, "KeyFrames"...)
		if t.selector == byNumber {
			say(track, fmt.Appendf(nil, "=n%d", t.number))
		} else {
			say(track, fmt.Appendf(nil, "=%d", t.time))
		}
	}
	for _, p := range []struct {
		name  string
		value []byte
	}{{"format=", t.format}, {"encryption=", t.encryption}, {"filter=", t.filter}} {
		if p.value != nil {
			say(p.name, manifest.AppendEscaped(nil, string(p.value)))
		}
	}
	if t.keyframes {
		say("type=keyframes", nil)
	}
	if t.part >= 0 {
		say("part=1", nil)
	}
	if separator == "," {
		b = append(b, ')')
		if t.cmaf {
			b = append(b, ".m4s"...)
		}
	}
	return b
}
