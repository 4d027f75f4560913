package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestRecorder lets an origin break each rule that the recorder watches over.
func TestRecorder(t *testing.T) {
	playlist := func(first, last int, gap bool) string {
		var b strings.Builder
		fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n", first)
		for n := first; n <= last; n++ {
			fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:2026-11-24T00:00:%02dZ\n", 2*n)
			if gap && n == last {
				b.WriteString("#EXT-X-GAP\n")
			}
			fmt.Fprintf(&b, "#EXTINF:2.000,\nFragments(v=n%d).m4s\n", n)
		}
		return b.String()
	}
	mpd := func(published, period string, duration int) string {
		return fmt.Sprintf(`<MPD publishTime=%q><Period id="p" start=%q><AdaptationSet><Representation id="v">`+
			`<SegmentTemplate timescale="1" media="$Time$.m4s"><SegmentTimeline><S t="4" d="%d"/></SegmentTimeline></SegmentTemplate>`+
			`</Representation></AdaptationSet></Period></MPD>`, published, period, duration)
	}
	parts := func(duration string) string { // of the segment that follows
		return fmt.Sprintf("#EXT-X-PART:DURATION=%s,URI=\"Fragments(v=n7,part=0).m4s\",INDEPENDENT=YES\n", duration)
	}
	skip := func(full string, n int) string { // a delta update
		lines := strings.SplitAfter(full, "\n")
		return strings.Join(lines[:4], "") + fmt.Sprintf("#EXT-X-SKIP:SKIPPED-SEGMENTS=%d\n", n) + strings.Join(lines[4+3*n:], "")
	}
	early, late := "2026-11-24T00:00:00Z", "2026-11-24T00:00:02Z"
	media, list, manifest := "/x.ism/Fragments(v=n1).m4s", "/x.ism/Manifest(v).m3u8", "/x.ism/manifest(format=mpd-time-cmaf)"
	for name, c := range map[string]struct {
		path   string
		bodies []string
		want   string // in the one violation; empty: none
	}{
		"same bytes":           {media, []string{"one", "one"}, ""},
		"other bytes":          {media, []string{"one", "two"}, "other bytes"},
		"playlist that grows":  {list, []string{playlist(3, 5, false), playlist(3, 6, false), playlist(4, 7, false)}, ""},
		"left edge goes back":  {list, []string{playlist(4, 6, false), playlist(3, 6, false)}, "goes back"},
		"right edge goes back": {list, []string{playlist(3, 6, false), playlist(3, 5, false)}, "goes back"},
		"GAP turns into media": {list, []string{playlist(3, 6, true), playlist(3, 6, false)}, "and is"},
		"number and name":      {list, []string{strings.ReplaceAll(playlist(3, 4, false), "n3)", "n9)")}, "is called"},
		"parts":                {list, []string{playlist(3, 6, false) + parts("0.2"), playlist(3, 6, false) + parts("0.2")}, ""},
		"part that changes":    {list, []string{playlist(3, 6, false) + parts("0.2"), playlist(3, 6, false) + parts("0.1")}, "and is"},
		"delta update":         {list, []string{playlist(3, 6, false), skip(playlist(3, 7, false), 3)}, ""},
		"delta of other media": {list, []string{playlist(3, 6, false), skip(playlist(3, 6, true), 3)}, "and is"},
		"delta misses one":     {list, []string{strings.Replace(skip(playlist(3, 7, false), 3), "=3\n", "=2\n", 1)}, "is called"},
		"EXTINF over target":   {list, []string{strings.ReplaceAll(playlist(3, 3, false), "2.000", "2.600")}, "TARGETDURATION"},
		"MPD that goes on":     {manifest, []string{mpd(early, "PT1S", 2), mpd(late, "PT1S", 2)}, ""},
		"publishTime back":     {manifest, []string{mpd(late, "PT1S", 2), mpd(early, "PT1S", 2)}, "goes back"},
		"segment that grows":   {manifest, []string{mpd(early, "PT1S", 2), mpd(late, "PT1S", 3)}, "and is"},
		"Period that moves":    {manifest, []string{mpd(early, "PT1S", 2), mpd(late, "PT2S", 2)}, "and is"},
	} {
		t.Run(name, func(t *testing.T) {
			bodies := c.bodies
			origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, bodies[0])
				bodies = bodies[1:]
			}))
			defer origin.Close()
			r := record(t, origin.URL)
			for range c.bodies {
				if _, err := r.get(c.path); err != nil {
					t.Fatal(err)
				}
			}
			r.mu.Lock()
			got := r.violations
			r.violations = nil // they are what was wanted
			r.mu.Unlock()
			if c.want == "" && len(got) != 0 || c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)) {
				t.Errorf("violations %q, want one with %q", got, c.want)
			}
		})
	}
}
