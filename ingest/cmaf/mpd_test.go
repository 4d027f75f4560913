package cmaf

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFFmpegMPD(t *testing.T) {
	for _, file := range []string{"ffmpeg.mpd", "ffmpeg-ll.mpd"} {
		m, err := ParseMPD(read(t, file))
		if err != nil {
			t.Fatal(err)
		}
		if at := time.Unix(0, m.Start).UTC(); !m.HasStart || at.Year() < 2026 || at.Nanosecond()%int(time.Millisecond) != 0 {
			t.Errorf("%s: time 0 is %v, %v", file, at, m.HasStart)
		}
		want := []Representation{
			{ID: "0", Bitrate: 115755, Init: "init-stream0.m4s", Media: Pattern{"chunk-stream0-", ".m4s"}},
			{ID: "1", Bitrate: 232345, Init: "init-stream1.m4s", Media: Pattern{"chunk-stream1-", ".m4s"}},
			{ID: "2", Bitrate: 427843, Init: "init-stream2.m4s", Media: Pattern{"chunk-stream2-", ".m4s"}},
			{ID: "3", Bitrate: 101722, Language: "eng", Init: "init-stream3.m4s", Media: Pattern{"chunk-stream3-", ".m4s"}},
		}
		if diff := cmp.Diff(want, m.Tracks); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

func TestParseMPD(t *testing.T) {
	wrap := func(s string) string {
		return `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011">` + s + `</MPD>`
	}
	one := func(template string) string {
		return wrap(`<Period><AdaptationSet><SegmentTemplate ` + template + `/><Representation id="v1" bandwidth="7"/></AdaptationSet></Period>`)
	}
	plain := Representation{ID: "v1", Bitrate: 7}
	with := func(init string, media Pattern) []Representation {
		r := plain
		r.Init, r.Media = init, media
		return []Representation{r}
	}
	cases := map[string]struct {
		mpd  string
		want []Representation
	}{
		"number":            {one(`initialization="$RepresentationID$/init.cmfv" media="$RepresentationID$/$Number$.cmfv"`), with("v1/init.cmfv", Pattern{"v1/", ".cmfv"})},
		"time, bandwidth":   {one(`initialization="i$Bandwidth%03d$.mp4" media="$Bandwidth$-$Time$.m4s"`), with("i7.mp4", Pattern{"7-", ".m4s"})},
		"dollar":            {one(`initialization="a$$b.mp4" media="$Number$.m4s"`), with("", Pattern{"", ".m4s"})},
		"two variables":     {one(`initialization="i.mp4" media="$Time$-$Number$.m4s"`), with("i.mp4", Pattern{})},
		"unknown variable":  {one(`initialization="i.mp4" media="$SubNumber$.m4s"`), with("i.mp4", Pattern{})},
		"unclosed variable": {one(`initialization="i$RepresentationID.mp4" media="$Number.m4s"`), with("", Pattern{})},
		"wild width":        {one(`initialization="i.mp4" media="$Number%s$.m4s"`), with("i.mp4", Pattern{})},
		"foreign host":      {one(`initialization="http://example.org/i.mp4" media="//example.org/$Number$.m4s"`), with("", Pattern{})},
		"no template":       {wrap(`<Period><AdaptationSet><Representation id="v1" bandwidth="7"/></AdaptationSet></Period>`), []Representation{plain}},
		"no id":             {wrap(`<Period><AdaptationSet><Representation/></AdaptationSet></Period>`), nil},
		"base": {
			wrap(`<BaseURL>live/</BaseURL><Period><BaseURL> a </BaseURL><BaseURL>b/</BaseURL><AdaptationSet><Representation id="v1" bandwidth="7">` +
				`<SegmentTemplate initialization="i.mp4" media="$Number$.m4s"/></Representation></AdaptationSet></Period>`),
			with("live/b/i.mp4", Pattern{"live/b/", ".m4s"}),
		},
		"base elsewhere": {
			wrap(`<BaseURL>https://example.org/</BaseURL><Period><AdaptationSet><SegmentTemplate initialization="i.mp4" media="$Number$.m4s"/>` +
				`<Representation id="v1" bandwidth="7"/></AdaptationSet></Period>`),
			[]Representation{plain},
		},
		"other namespaces": {
			wrap(`<Period xmlns:x="urn:x"><AdaptationSet x:lang="fr" lang="und"><Representation id="v1" bandwidth="-7"/></AdaptationSet></Period>`),
			[]Representation{{ID: "v1"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			m, err := ParseMPD([]byte(tc.mpd))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, m.Tracks); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMPDStart(t *testing.T) {
	at := func(ast, period, offset string) string {
		return `<MPD availabilityStartTime="` + ast + `"><Period start="` + period + `"><AdaptationSet><SegmentTemplate timescale="1000" presentationTimeOffset="` +
			offset + `"/><Representation id="a"/></AdaptationSet></Period></MPD>`
	}
	cases := map[string]struct {
		mpd  string
		want string // "" for none
	}{
		"plain":         {at("2026-11-25T09:04:51.479Z", "PT0.0S", "0"), "2026-11-25T09:04:51.479Z"},
		"no zone":       {at("2026-11-25T09:04:51", "PT0S", "0"), "2026-11-25T09:04:51Z"},
		"zone":          {at("2026-11-25T10:04:51+01:00", "", ""), "2026-11-25T09:04:51Z"},
		"period":        {at("2026-11-25T00:00:00Z", "PT9H4M51.5S", "0"), "2026-11-25T09:04:51.5Z"},
		"days":          {at("2026-11-24T09:00:00Z", "P1DT4M", "0"), "2026-11-25T09:04:00Z"},
		"offset":        {at("2026-11-25T09:04:51Z", "PT0S", "51500"), "2026-11-25T09:03:59.5Z"},
		"epoch":         {at("1970-01-01T00:00:00Z", "PT0S", "0"), "1970-01-01T00:00:00Z"},
		"no time":       {at("yesterday", "PT0S", "0"), ""},
		"before 1970":   {at("1969-01-01T00:00:00Z", "PT0S", "0"), ""},
		"wild offset":   {at("2026-11-25T09:04:51Z", "PT0S", "9223372036854775807"), ""},
		"minus":         {at("2026-11-25T09:04:51Z", "PT0S", "-1"), ""},
		"static, ended": {`<MPD type="static"><Period><AdaptationSet><Representation id="a"/></AdaptationSet></Period></MPD>`, ""},
		"they differ": {
			`<MPD availabilityStartTime="2026-11-25T09:04:51Z"><Period><AdaptationSet><Representation id="a"/></AdaptationSet></Period>` +
				`<Period start="PT5S"><AdaptationSet><Representation id="b"/></AdaptationSet></Period></MPD>`, "",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			m, err := ParseMPD([]byte(tc.mpd))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if m.HasStart {
				got = time.Unix(0, m.Start).UTC().Format(time.RFC3339Nano)
			}
			if got != tc.want {
				t.Errorf("time 0 is %q, want %q", got, tc.want)
			}
		})
	}
}

func TestHostileMPD(t *testing.T) {
	cases := map[string]string{
		"empty":           "",
		"text":            "hello",
		"unclosed":        "<MPD><Period>",
		"crossed":         "<MPD><Period></MPD></Period>",
		"another root":    "<html></html>",
		"two roots":       "<MPD></MPD><MPD></MPD>",
		"DTD":             `<!DOCTYPE MPD [<!ENTITY a "aaaa">]><MPD>&a;</MPD>`,
		"entity":          `<MPD availabilityStartTime="&a;"/>`,
		"external entity": `<!DOCTYPE MPD SYSTEM "http://example.org/x.dtd"><MPD/>`,
		"UTF-16":          "\xfe\xff\x00<\x00M\x00P\x00D\x00/\x00>",
		"other encoding":  `<?xml version="1.0" encoding="utf-16"?><MPD/>`,
		"deep":            "<MPD>" + strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100) + "</MPD>",
		"many elements":   "<MPD>" + strings.Repeat("<a/>", maxElements+1) + "</MPD>",
		"levels":          "<MPD>" + strings.Repeat("<Period>", 8) + strings.Repeat("</Period>", 8) + "</MPD>",
		"large":           "<MPD>" + strings.Repeat(" ", MaxManifest) + "</MPD>",
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := ParseMPD([]byte(text)); !errors.Is(err, ErrManifest) {
				t.Errorf("accepted: %v", err)
			}
		})
	}
	many := "<MPD><Period><AdaptationSet>" + strings.Repeat(`<Representation id="a"/>`, 1000) + "</AdaptationSet></Period></MPD>"
	if m, err := ParseMPD([]byte(many)); err != nil || len(m.Tracks) != maxTracks {
		t.Errorf("of 1000 tracks: %v", err)
	}
}

func FuzzParseMPD(f *testing.F) {
	f.Add(read(f, "ffmpeg.mpd"))
	f.Add([]byte(`<MPD availabilityStartTime="2026-11-25T09:04:51Z"><BaseURL>../a</BaseURL><Period start="P1DT2H"/></MPD>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMPD(b)
		if err != nil {
			if !errors.Is(err, ErrManifest) {
				t.Fatalf("%v is not the encoder's fault", err)
			}
			return
		}
		var book Book
		for _, stream := range book.MPD("live/a.mpd", m) {
			if !ValidName(stream) {
				t.Fatalf("stream %q", stream)
			}
		}
		for _, p := range book.patterns {
			if _, ok := resolve("", p.init); !ok {
				t.Fatalf("header %q", p.init)
			}
		}
	})
}
