package cmaf

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Segments find their headers by their names alone.
func TestFind(t *testing.T) {
	dash := []string{"init-stream0.m4s", "init-stream1.m4s", "init-stream10.m4s"}
	hls := []string{"init_0.mp4", "init_1.mp4", "init_2.mp4", "init_3.mp4"}
	many := append([]string{"init_10.mp4", "init_11.mp4"}, hls...)
	cases := map[string]struct {
		headers []string
		path    string
		want    string // "" for none
	}{
		"dash":                              {dash, "chunk-stream0-00001.m4s", "stream0"},
		"dash, number like another's":       {dash, "chunk-stream1-00010.m4s", "stream1"},
		"dash, two digits":                  {dash, "chunk-stream10-00001.m4s", "stream10"},
		"dash, its header is still to come": {dash[:1], "chunk-stream1-00001.m4s", ""},
		"hls, one variant":                  {[]string{"init.mp4"}, "index0.m4s", "stream"},
		"hls, one variant, any name":        {[]string{"init.mp4"}, "live17.m4s", "stream"},
		"hls, first":                        {hls, "out_00.m4s", "stream0"},
		"hls, second":                       {hls, "out_10.m4s", "stream1"},
		"hls, tenth of the first":           {hls, "out_010.m4s", "stream0"},
		"hls, tenth of the second":          {hls, "out_110.m4s", "stream1"},
		"hls, hundredth":                    {hls, "out_3123.m4s", "stream3"},
		"hls, twelve variants: which?":      {many, "out_110.m4s", ""},
		"hls, own file names":               {hls, "stream_2_123.m4s", "stream2"},
		"hls, folders":                      {[]string{"v0/init_0.mp4", "v1/init_1.mp4"}, "v1/index0.m4s", "v1"},
		"hls, folders, own names":           {[]string{"v0/init.mp4", "v1/init.mp4"}, "v1/x12.m4s", "v1"},
		"hls, one folder":                   {[]string{"live/init_0.mp4", "live/init_1.mp4"}, "live/out_112.m4s", "live_1"},
		"livesim2":                          {[]string{"V300/init.cmfv", "A48/init.cmfa"}, "A48/1234.cmfa", "A48"},
		"times":                             {[]string{"V300/init.cmfv"}, "V300/1795000000000.cmfv", "V300"},
		"names before numbers":              {[]string{"video_init.mp4", "audio_init.mp4"}, "audio_segment_12.m4s", "audio"},
		"kind before number":                {[]string{"video_init.mp4", "audio_init.mp4"}, "seg-video-12.m4s", "video"},
		"a header beside the folder":        {[]string{"init_v1.mp4", "init_v2.mp4"}, "v2/17.m4s", "v2"},
		"another folder":                    {[]string{"v0/init.mp4"}, "v1/1.m4s", ""},
		"no header":                         {nil, "chunk-stream0-00001.m4s", ""},
		"two could be it":                   {[]string{"init.mp4", "init.m4s", "x/init.mp4"}, "1.m4s", "stream"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var b Book
			for _, h := range tc.headers {
				b.Header(h, false)
			}
			got, whole, ok := b.Find(tc.path)
			if got != tc.want || ok != (tc.want != "") || whole {
				t.Errorf("Find(%q) = %q, %v, %v; want %q", tc.path, got, whole, ok, tc.want)
			}
		})
	}
}

// A track in a file of its own is one long body, also when it comes again.
func TestFindWhole(t *testing.T) {
	var b Book
	b.Header("v720.cmfv", true)
	if stream, whole, ok := b.Find("v720.cmfv"); stream != "v720" || !whole || !ok {
		t.Errorf("found %q, %v, %v", stream, whole, ok)
	}
}

// Manifests name what the rules cannot: patterns that their headers' names do not show. They change no stream's name.
func TestManifestsHelp(t *testing.T) {
	mpd, err := ParseMPD([]byte(`<MPD><Period><AdaptationSet lang="de"><Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
		<SegmentTemplate initialization="h/$RepresentationID$-init.mp4" media="m/$Bandwidth$/$Time$.m4s"/>
		<Representation id="a" bandwidth="100"/><Representation id="b" bandwidth="200"/></AdaptationSet></Period></MPD>`))
	if err != nil {
		t.Fatal(err)
	}
	var b Book
	if diff := cmp.Diff([]string{"h_a", "h_b"}, b.MPD("live.mpd", mpd)); diff != "" {
		t.Error(diff)
	}
	if _, _, ok := b.Find("m/200/17.m4s"); ok {
		t.Error("found before its header")
	}
	b.Header("h/a-init.mp4", false)
	b.Header("h/b-init.mp4", false)
	if got, _, _ := b.Find("m/200/17.m4s"); got != "h_b" {
		t.Errorf("found %q", got)
	}
	hints, _ := b.Hints("h_b")
	if diff := cmp.Diff(Hints{Bitrate: 200, Language: "de", Roles: []string{"main"}}, hints); diff != "" {
		t.Error(diff)
	}
}

// A playlist tells where segments belong that are not named after their header. Where names are the same for the second
// segment of one variant and the twelfth of another, nothing helps.
func TestPlaylistsHelp(t *testing.T) {
	var b Book
	for n, uri := range map[string]string{"1": "out_19.m4s", "11": "out_110.m4s", "a": "x7.m4s", "b": "y7.m4s"} {
		b.Header("init_"+n+".mp4", false)
		p, err := ParsePlaylist([]byte("#EXTM3U\n#EXT-X-MAP:URI=\"init_" + n + ".mp4\"\n#EXTINF:2,\n" + uri + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		b.Playlist("out_"+n+".m3u8", p)
	}
	for path, want := range map[string]string{"out_12.m4s": "stream1", "out_111.m4s": "", "x8.m4s": "a", "y8.m4s": "b"} {
		if got, _, _ := b.Find(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}

// Two playlists whose segments are named alike teach nothing, and nothing wrong.
func TestPlaylistsContradict(t *testing.T) {
	var b Book
	for _, n := range []string{"0", "1"} {
		b.Header("init_"+n+".mp4", false)
		p, err := ParsePlaylist([]byte("#EXTM3U\n#EXT-X-MAP:URI=\"init_" + n + ".mp4\"\n#EXTINF:2,\nx_" + n + "7.m4s\n"))
		if err != nil {
			t.Fatal(err)
		}
		b.Playlist("v"+n+".m3u8", p)
	}
	if got, _, _ := b.Find("x_018.m4s"); got != "stream0" {
		t.Errorf("found %q", got)
	}
}

// What ffmpeg PUTs, in the order in which it does: the multivariant playlist before the others.
func TestFFmpegPlaylists(t *testing.T) {
	var b Book
	for path, file := range map[string]string{"master.m3u8": "ffmpeg-master.m3u8", "out_3.m3u8": "ffmpeg-out_3.m3u8"} {
		p, err := ParsePlaylist(read(t, file))
		if err != nil {
			t.Fatal(err)
		}
		b.Playlist(path, p)
	}
	_, got := b.Hints("stream3")
	if diff := cmp.Diff(Hints{Variant: 111894, Language: "eng"}, got); diff != "" {
		t.Error(diff)
	}
	p, err := ParsePlaylist([]byte("#EXTM3U\n#EXT-X-MAP:URI=\"init_2.mp4\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"stream2"}, b.Playlist("out_2.m3u8", p)); diff != "" {
		t.Error(diff)
	}
	_, got = b.Hints("stream2")
	if diff := cmp.Diff(Hints{Variant: 582521}, got); diff != "" {
		t.Error(diff)
	}
}

func TestBookIsBounded(t *testing.T) {
	var b Book
	for i := range 10 * maxPatterns {
		name := string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676))
		b.Header(name+"/init.mp4", false)
		b.MPD(name+".mpd", &MPD{Tracks: []Representation{{ID: name, Init: name + ".mp4", Media: Pattern{name, ".m4s"}}}})
		b.Playlist(name+".m3u8", &Playlist{Init: name + ".mp4", Renditions: []Rendition{{URI: name + "x.m3u8", Bandwidth: 1}}})
	}
	if h, p, l, s := len(b.headers), len(b.patterns), len(b.playlists), len(b.said); h > maxHeaders || p > maxPatterns || l > maxTracks || s > maxTracks {
		t.Errorf("the book holds %d headers, %d patterns, %d playlists, %d streams", h, p, l, s)
	}
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
