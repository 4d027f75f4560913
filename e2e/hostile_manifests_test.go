package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// manifestFamily PUTs manifests that no encoder writes: bombs, lies, and what leads elsewhere. Rows 45, 61 and 62.
func manifestFamily(t *testing.T, y *yard) {
	const (
		mpd, m3u8 = "live.mpd", "v/live.m3u8"
		bad       = "400 closed"
	)
	representations := func(n int) string {
		var b strings.Builder
		b.WriteString("<MPD><Period><AdaptationSet>")
		for i := range n {
			fmt.Fprintf(&b, `<Representation id="r%d" bandwidth="1"/>`, i)
		}
		b.WriteString("</AdaptationSet></Period></MPD>")
		return b.String()
	}
	attributes := func(n int) string {
		var b strings.Builder
		b.WriteString("<MPD ")
		for i := range n {
			fmt.Fprintf(&b, `a%d="b" `, i)
		}
		return b.String() + "/>"
	}
	const lol = `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><MPD>&b;</MPD>`
	channel := y.channel()
	var all group
	for name, c := range map[string]struct{ path, body, want string }{
		"nothing":                     {mpd, "", "200"},
		"no element":                  {mpd, "abc", bad},
		"HTML":                        {mpd, "<html><body>404</body></html>", bad},
		"document type":               {mpd, lol, bad},
		"external entity":             {mpd, `<!DOCTYPE MPD [<!ENTITY x SYSTEM "file:///etc/passwd">]><MPD><BaseURL>&x;</BaseURL></MPD>`, bad},
		"entity that is not declared": {mpd, "<MPD>&x;</MPD>", bad},
		"nested 10,000 deep":          {mpd, strings.Repeat("<MPD>", 10_000), bad},
		"100,000 elements":            {mpd, "<MPD>" + strings.Repeat("<a/>", 100_000) + "</MPD>", bad},
		"20,000 representations":      {mpd, representations(20_000), "200"},
		"50,000 attributes":           {mpd, attributes(50_000), "200"},
		"not closed":                  {mpd, "<MPD><Period>", bad},
		"closed twice":                {mpd, "<MPD></MPD></MPD>", bad},
		"two roots":                   {mpd, "<MPD/><MPD/>", bad},
		"UTF-16 without a mark":       {mpd, strings.Join(strings.Split("<?xml version=\"1.0\"?><MPD/>", ""), "\x00") + "\x00", bad},
		"another encoding":            {mpd, `<?xml version="1.0" encoding="utf-7"?><MPD/>`, bad},
		"NUL":                         {mpd, "<MPD>\x00</MPD>", bad},
		"timescale 0, times of 2^63":  {mpd, `<MPD availabilityStartTime="2026-01-01T00:00:00Z"><Period start="P99999D"><AdaptationSet><SegmentTemplate timescale="0" presentationTimeOffset="9223372036854775807"/><Representation id="a" bandwidth="-1"/></AdaptationSet></Period></MPD>`, "200"},
		"templates that lead out":     {mpd, `<MPD><BaseURL>http://evil/</BaseURL><Period><AdaptationSet><SegmentTemplate initialization="../../$RepresentationID$" media="//evil/$Number%0999999d$"/><Representation id="../../x"/></AdaptationSet></Period></MPD>`, "200"},
		"a playlist called an MPD":    {mpd, "#EXTM3U\n", bad},
		"an MPD called a playlist":    {m3u8, "<MPD/>", bad},
		"playlist of 80,000 lines":    {m3u8, "#EXTM3U\n" + strings.Repeat("#\na\n", 40_000), bad},
		"playlist with a long line":   {m3u8, "#EXTM3U\n#EXT-X-MAP:URI=\"" + strings.Repeat("a", 100_000) + "\"\n", bad},
		"playlist of other hosts":     {m3u8, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://169.254.169.254/latest/meta-data\n#EXTINF:1,\nfile:///etc/passwd\n", "200"},
		"playlist with odd numbers":   {m3u8, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=-99999999999999999999\nx\n#EXT-X-MEDIA-SEQUENCE:18446744073709551616\n", "200"},
		"variant without end":         {m3u8, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1", "200"},
		"manifest outside":            {"../../live.mpd", "<MPD/>", "403 closed"},
		"manifest far inside":         {"a/b/c/d/e/f/live.mpd", "<MPD/>", "403 closed"},
	} {
		all.add(name, func(t *testing.T) {
			if got := putManifest(t, y.node, token(channel), c.path, c.body); got != c.want {
				t.Errorf("answered %q, want %q", got, c.want)
			}
		})
	}
	all.run(t)
}

func putManifest(t *testing.T, n *node, token, path, body string) string {
	t.Helper()
	p := startPosting(t, n, "PUT", token, path)
	if body != "" {
		p.send([]byte(body))
	}
	return p.end()
}
