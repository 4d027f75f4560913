package origin

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"weir/media"
	"weir/segcache"
)

// ask answers a GET without any HTTP.
func ask(s *Server, path string) *Answer {
	r := Request{Method: MethodGet, Path: []byte(path), Now: s.config.Now(), Client: netip.MustParseAddr("192.0.2.1")}
	var a Answer
	s.Answer(&r, &a)
	return &a
}

// TestStatuses walks through the life of a window: each name gets the status, code and cache time of its time.
func TestStatuses(t *testing.T) {
	s, c := newTestServer(t, Config{}, 5000, 0)
	expect := func(when string, want map[string]string) {
		t.Helper()
		for path, want := range want {
			a := ask(s, path)
			got := fmt.Sprint(a.Status)
			if a.Fault != nil {
				got += " " + a.Fault.Code
				if a.ContentType != typeJSON || !strings.Contains(string(a.Bytes), a.Fault.Code) {
					t.Errorf("%s: GET %s: the fault's body is %s %q", when, path, a.ContentType, a.Bytes)
				}
			}
			got += ", " + a.CacheControl
			if got != want {
				t.Errorf("%s: GET %s = %s; want %s", when, path, got, want)
			}
		}
	}
	const (
		second   = ", public, max-age=1"
		target   = ", public, max-age=2"
		forever  = ", " + cacheImmutable
		noMedia  = "404 MPE_LIVE_MEDIA_ENTRIES_NOT_FOUND" + second
		notYet   = "412 MPE_FRAGMENT_NOT_READY" + second
		gone     = "404 MPE_EGRESS_TIMESTAMP_NOT_FOUND" + target
		never    = "404 MPE_FRAGMENT_TIMESTAMP_NOT_FOUND" + target
		future   = "404 MPE_FRAGMENT_TIMESTAMP_NOT_FOUND" + second
		gap      = "404 MPE_MANIFEST_MEDIA_ENTRY_NOT_FOUND" + target
		noTrack  = "404 MPE_EGRESS_TRACK_NOT_FOUND" + second
		playlist = base + "QualityLevels(3000000)/Manifest(Video,format=m3u8-cmaf).m3u8"
		byTicks  = base + "QualityLevels(3000000)/Fragments(Video=%d).m4s"
	)
	at := func(n, ticks int64) string { return fmt.Sprintf(byTicks, (firstN+n)*videoSegment+ticks) }

	expect("before the encoder", map[string]string{
		base + "manifest(format=m3u8-cmaf)":     noMedia,
		base + "manifest(format=mpd-time-cmaf)": noMedia,
		playlist:                                noMedia,
		videoPath(firstN):                       noMedia,
		at(0, 0):                                noMedia,
		"/time":                                 "200, no-store",
		"/":                                     "404 MPE_RESOURCE_NOT_FOUND" + second,
	})

	c.commit(c.video, 0, c.next, videoSegment, 5000)
	expect("while the first segment grows", map[string]string{
		base + "manifest(format=m3u8-cmaf)": noMedia,
		videoPath(firstN):                   "200" + forever,
		at(0, 0):                            "200" + forever,
	})
	if err := c.video.Complete(c.next, int64(c.next)*videoSegment, int64(c.next+1)*videoSegment); err != nil {
		t.Fatal(err)
	}
	expect("whole, and not listed yet", map[string]string{videoPath(firstN): "200" + forever, at(0, 0): "200" + forever})
	c.next++
	// The first slot is listed as whole in video only; the audio of it never came.
	mustList := func(track *segcache.Track, n uint64, ticks int64, isGap bool) {
		t.Helper()
		start := int64(n) * ticks
		if err := track.List(segcache.Entry{N: n, Slot: int64(n), Start: start, End: start + ticks, Gap: isGap}); err != nil {
			t.Fatal(err)
		}
	}
	mustList(c.video, firstN, videoSegment, false)
	mustList(c.audio, firstN, audioSegment, true)
	<-c.publish()
	c.list(0, 4, false)

	init := testInit(media.Video, 0)
	expect("in the middle", map[string]string{
		base + "manifest(format=m3u8-cmaf)":      "200, public, max-age=2",
		base + "manifest(format=mpd-time-cmaf)":  "200" + second,
		playlist:                                 "200" + second,
		strings.ToUpper(playlist):                "200" + second,
		videoPath(firstN):                        "200" + forever,
		videoPath(firstN + 4):                    "200" + forever,
		at(4, 0):                                 "200" + forever,
		audioPath(firstN):                        gap,
		audioPath(firstN + 1):                    "200" + forever,
		videoPath(firstN + 5):                    notYet,
		videoPath(firstN + 5 + nearSegments - 1): notYet,
		videoPath(firstN + 5 + nearSegments):     future,
		videoPath(firstN - 1):                    gone,
		videoPath(0):                             gone,
		at(5, 0):                                 notYet,
		at(5, 100):                               notYet,
		at(5+nearSegments, -1):                   notYet,
		at(5+nearSegments, 0):                    future,
		at(2, 1):                                 never,
		at(2, -1):                                never,
		at(-1, 0):                                gone,
		base + "QualityLevels(3000000)/Fragments(Video=i" + init.InitHash + ").mp4": "200" + forever,
		base + "QualityLevels(3000000)/Fragments(Video=i)":                          "200, no-cache",
		base + "QualityLevels(3000000)/Fragments(Video=i0123).mp4":                  "404 MPE_FRAGMENT_TIMESTAMP_NOT_FOUND" + second,
		base + "QualityLevels(3000001)/Fragments(Video=n1)":                         noTrack,
		base + "QualityLevels(3000000)/Fragments(video2=n1)":                        noTrack,
		base + "QualityLevels(3000001)/Manifest(Video)":                             noTrack,
		base + "QualityLevels(3000000)/Fragments(Video=n1,part=2)":                  gone,
		base + "QualityLevels(3000000)/KeyFrames(Video=0)":                          gone,
		base + "QualityLevels(3000000)/Manifest(Video,type=keyframes)":              "200" + second,
		base + "QualityLevels(96000)/Manifest(audio,type=keyframes)":                noTrack,
		base + "QualityLevels(3000000)/Manifest(Video,format=mpd-time-cmaf)":        "415 MPE_FORMAT_NOT_SUPPORTED" + second,
		base + "manifest":                                           noMedia, // of a codec that Smooth can describe: smooth_test.go
		base + "manifest(format=m3u8-aapl)":                         "415 MPE_OUTPUT_FORMAT_NOT_SUPPORTED" + second,
		base + "manifest(format=nonsense)":                          "415 MPE_FORMAT_NOT_SUPPORTED" + second,
		base + "manifest(format=m3u8-cmaf,encryption=cenc)":         "403 MPE_ENC_ENCRYPTION_NOT_SET_IN_DELIVERY_POLICY" + second,
		base + "manifest(format=m3u8-cmaf,encryption=rot13)":        "415 MPE_ENCRYPTION_NOT_SUPPORTED" + second,
		base + "manifest(format=m3u8-cmaf,filter=mobile)":           "404 MPE_EGRESS_FILTER_NOT_FOUND" + second,
		base + "manifest(format=m3u8-cmaf":                          "400 MPE_BAD_URL_SYNTAX" + second,
		"/" + testLocator + "/other.ism/manifest(format=m3u8-cmaf)": "404 MPE_RESOURCE_NOT_FOUND" + second,
		"/" + strings.Repeat("0", 36) + "/Live.ism/manifest":        "404 MPE_UNAUTHORIZED" + second,
		"/" + strings.Repeat("a", maxPath) + "/Live.ism/manifest":   "414 MPE_BAD_URL_SYNTAX" + second,
		"/robots.txt":         "404 MPE_RESOURCE_NOT_FOUND" + second,
		"/page/app.js":        "404 MPE_RESOURCE_NOT_FOUND" + second,
		"/page/channels.json": "404 MPE_RESOURCE_NOT_FOUND" + second,
	})

	c.commit(c.audio, 0, firstN, audioSegment, 500)
	if err := c.audio.Complete(firstN, firstN*audioSegment, (firstN+1)*audioSegment); err != nil {
		t.Fatal(err)
	}
	expect("a gap that became whole", map[string]string{audioPath(firstN): "200" + forever})

	c.list(0, 20, false)
	expect("out of the list, held", map[string]string{videoPath(c.next - 15): "200" + forever})
	c.list(0, 60, false)
	expect("much later", map[string]string{videoPath(firstN): gone, at(0, 0): gone, audioPath(firstN): gone})

	c.SetLive(false)
	<-c.publish()
	expect("at the end", map[string]string{
		base + "manifest(format=m3u8-cmaf)":     "200, public, max-age=60",
		base + "manifest(format=mpd-time-cmaf)": "200, public, max-age=60",
		playlist:                                "200, public, max-age=60",
	})
}

func TestLocatorIsALock(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	s, _ := newTestServer(t, Config{Now: func() time.Time { return now }}, 5000, 3)
	p := s.Routes().Locators[Fold(testLocator)].Presentations["live"]
	for name, c := range map[string]struct {
		locator Locator
		want    int
	}{
		"open":                   {Locator{}, 200},
		"started":                {Locator{Start: now}, 200},
		"not started":            {Locator{Start: now.Add(time.Nanosecond)}, 404},
		"ends later":             {Locator{End: now.Add(time.Nanosecond)}, 200},
		"ended":                  {Locator{End: now}, 404},
		"in between":             {Locator{Start: now.Add(-time.Hour), End: now.Add(time.Hour)}, 200},
		"address allowed":        {Locator{Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, 200},
		"address not allowed":    {Locator{Allow: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}, 403},
		"ended, and not allowed": {Locator{End: now, Allow: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}, 404},
		"without a presentation": {Locator{Presentations: map[string]*Presentation{}}, 404},
	} {
		l := c.locator
		l.ID = testLocator
		if l.Presentations == nil {
			l.Presentations = map[string]*Presentation{"live": p}
		}
		s.SetRoutes(&Routes{Locators: map[string]*Locator{Fold(testLocator): &l}})
		for _, path := range []string{base + "manifest(format=m3u8-cmaf)", videoPath(firstN)} {
			if a := ask(s, path); a.Status != c.want {
				t.Errorf("%s: GET %s = %d, want %d", name, path, a.Status, c.want)
			}
		}
	}
}

func TestMethods(t *testing.T) {
	s, _ := newTestServer(t, Config{}, 5000, 3)
	for method, want := range map[Method]int{MethodGet: 200, MethodHead: 200, MethodOptions: 204, MethodOther: 405} {
		r := Request{Method: method, Path: []byte(videoPath(firstN))}
		var a Answer
		s.Answer(&r, &a)
		if a.Status != want {
			t.Errorf("method %d = %d, want %d", method, a.Status, want)
		}
	}
}

func TestPage(t *testing.T) {
	files := fstest.MapFS{
		"index.html":     {Data: []byte("<!doctype html>")},
		"app.js":         {Data: []byte("// app")},
		"players/hls.js": {Data: []byte("// hls")},
	}
	s, _ := newTestServer(t, Config{Page: files, ListChannels: true}, 5000, 3)
	for path, want := range map[string]string{
		"/":                    "200 text/html; charset=utf-8 <!doctype html>",
		"/page/app.js":         "200 text/javascript; charset=utf-8 // app",
		"/page/players/hls.js": "200 text/javascript; charset=utf-8 // hls",
		"/page/channels.json": "200 application/json " +
			`[{"name":"Live","hls":"` + base + `manifest(format=m3u8-cmaf)","dash":"` + base + `manifest(format=mpd-time-cmaf)","smooth":"` + base + `manifest"}]` + "\n",
	} {
		a := ask(s, path)
		if got := fmt.Sprintf("%d %s %s", a.Status, a.ContentType, a.Bytes); got != want {
			t.Errorf("GET %s = %s\nwant %s", path, got, want)
		}
		if a.CacheControl != cacheCheck || a.ETag == "" {
			t.Errorf("GET %s: Cache-Control %q, ETag %q", path, a.CacheControl, a.ETag)
		}
	}
	for _, path := range []string{"/page/", "/page", "/page/none.js", "/page/../app.js", "/page//app.js", "/page/players", "/page/./app.js", "/page/%61pp.js"} {
		if a := ask(s, path); a.Status != 404 {
			t.Errorf("GET %s = %d, want 404", path, a.Status)
		}
	}
}

func TestChannelsShowOnlyWhatIsOpen(t *testing.T) {
	s, _ := newTestServer(t, Config{ListChannels: true}, 5000, 3)
	p := s.Routes().Locators[Fold(testLocator)].Presentations["live"]
	s.SetRoutes(&Routes{Locators: map[string]*Locator{
		"ended":  {ID: "ended", End: time.Unix(1, 0), Presentations: map[string]*Presentation{"live": p}},
		"closed": {ID: "closed", Allow: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, Presentations: map[string]*Presentation{"live": p}},
	}})
	if a := ask(s, "/page/channels.json"); string(a.Bytes) != "[]\n" {
		t.Errorf("channels.json = %s, want []", a.Bytes)
	}
}
