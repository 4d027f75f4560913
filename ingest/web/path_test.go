package web

import (
	"strings"
	"testing"

	"weir/ingest"
)

func TestParsePath(t *testing.T) {
	cases := map[string]struct {
		path string
		want target
		ok   bool
	}{
		"AMS form":              {"/0a1b/ingest.isml/Streams(video.cmfv)", target{"0a1b", "video", "", whole, ""}, true},
		"any case":              {"/0a1b/INGEST.isml/streams(720p)", target{"0a1b", "720p", "", whole, ""}, true},
		"encoded parentheses":   {"/0a1b/ingest.isml/Streams%28a.cmfa%29", target{"0a1b", "a", "", whole, ""}, true},
		"switching set":         {"/0a1b/ingest.isml/Switching(1)/Streams(v)", target{"0a1b", "v", "", whole, ""}, true},
		"an event":              {"/0a1b/ingest.isml/Events(1763802000)/Streams(stream0)", target{"0a1b", "stream0", "", whole, ""}, true},
		"an event, any case":    {"/0a1b/Ingest.ISML/events%281%29/STREAMS%28v%29", target{"0a1b", "v", "", whole, ""}, true},
		"an event alone":        {"/0a1b/ingest.isml/Events(1)", target{"0a1b", "", "", point, ""}, true},
		"without ingest.isml":   {"/0a1b/Streams(v.mp4)", target{"0a1b", "v", "", whole, ""}, true},
		"a file is a track":     {"/0a1b/ingest.isml/v1.cmfv", target{"0a1b", "", "v1.cmfv", object, ""}, true},
		"per segment":           {"/0a1b/ingest.isml/v1/17.cmfv", target{"0a1b", "", "v1/17.cmfv", object, ""}, true},
		"header per segment":    {"/0a1b/ingest.isml/v1/init.cmfv", target{"0a1b", "", "v1/init.cmfv", object, ""}, true},
		"flat":                  {"/0a1b/ingest.isml/chunk-stream0-00001.m4s", target{"0a1b", "", "chunk-stream0-00001.m4s", object, ""}, true},
		"folders":               {"/0a1b/ingest.isml/a/b/c.cmfv", target{"0a1b", "", "a/b/c.cmfv", object, ""}, true},
		"segment under Streams": {"/0a1b/ingest.isml/Streams(v1.cmfv)/17.cmfv", target{"0a1b", "v1", "", segment, ""}, true},
		"dots in a name":        {"/0a1b/ingest.isml/Streams(v1.5m.cmfv)", target{"0a1b", "v1.5m", "", whole, ""}, true},
		"publishing point":      {"/0a1b/ingest.isml", target{"0a1b", "", "", point, ""}, true},
		"publishing point bare": {"/0a1b/", target{"0a1b", "", "", point, ""}, true},
		"manifest":              {"/0a1b/ingest.isml/live.mpd", target{"0a1b", "", "live.mpd", manifest, ""}, true},
		"manifest in a folder":  {"/0a1b/ingest.isml/v1/live.m3u8", target{"0a1b", "", "v1/live.m3u8", manifest, ""}, true},
		"a source":              {"/0a1b/secondary/ingest.isml/Streams(v.cmfv)", target{"0a1b", "v", "", whole, "secondary"}, true},
		"a source's object":     {"/0a1b/west.2/ingest.isml/v1/17.cmfv", target{"0a1b", "", "v1/17.cmfv", object, "west.2"}, true},
		"a source's point":      {"/0a1b/secondary/ingest.isml", target{"0a1b", "", "", point, "secondary"}, true},
		"a bad source":          {"/0a1b/.x/ingest.isml/Streams(v.cmfv)", target{}, false},
		"root":                  {"/", target{}, false},
		"empty":                 {"", target{}, false},
		"unclosed":              {"/0a1b/ingest.isml/Streams(v", target{}, false},
		"empty name":            {"/0a1b/ingest.isml/Streams()", target{}, false},
		"traversal":             {"/0a1b/ingest.isml/../../etc/passwd", target{}, false},
		"encoded traversal":     {"/0a1b/%2e%2e/x.cmfv", target{}, false},
		"NUL":                   {"/0a1b/ingest.isml/Streams(v%00)", target{}, false},
		"space":                 {"/0a1b/ingest.isml/Streams(a%20b)", target{}, false},
		"bad escape":            {"/0a1b/ingest.isml/Streams(%zz)", target{}, false},
		"homoglyph":             {"/0a1b/ingest.isml/Streams(vidео)", target{}, false},
		"long name":             {"/0a1b/ingest.isml/Streams(" + strings.Repeat("v", 129) + ")", target{}, false},
		"too deep":              {"/0a1b/ingest.isml/a/b/c/d/e/f.cmfv", target{}, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, ok := parsePath(tc.path)
			if ok != tc.ok || ok && got != tc.want {
				t.Errorf("parsePath(%q) = %+v, %v; want %+v, %v", tc.path, got, ok, tc.want, tc.ok)
			}
		})
	}
}

func FuzzParsePath(f *testing.F) {
	f.Add("/0a1b/ingest.isml/Streams(video.cmfv)")
	f.Add("/0a1b/ingest.isml/v1/17.cmfv")
	f.Add("/%28/..")
	f.Fuzz(func(t *testing.T, path string) {
		got, ok := parsePath(path)
		if !ok {
			return
		}
		if !ingest.ValidName(got.token) || (got.stream != "" && !ingest.ValidName(got.stream)) {
			t.Fatalf("parsePath(%q) let %+v through", path, got)
		}
		if (got.kind == whole || got.kind == segment) != (got.stream != "") {
			t.Fatalf("parsePath(%q): %+v: a stream without a name, or a name that is not the URL's", path, got)
		}
		if (got.kind == object || got.kind == manifest) != (got.path != "") {
			t.Fatalf("parsePath(%q): %+v", path, got)
		}
	})
}
