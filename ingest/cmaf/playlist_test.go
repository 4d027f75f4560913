package cmaf

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePlaylist(t *testing.T) {
	cases := map[string]struct {
		text string
		want Playlist
	}{
		"empty": {"#EXTM3U\n", Playlist{}},
		"multivariant": {
			"\xef\xbb\xbf#EXTM3U\r\n#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"a,b\",URI=\"a.m3u8\",LANGUAGE=\"de\",CHARACTERISTICS=\"public.accessibility.describes-video\"\r\n" +
				"#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,INSTREAM-ID=\"CC1\"\r\n#EXT-X-STREAM-INF:BANDWIDTH=1000,CODECS=\"a,b\"\r\n# comment\r\n\r\nv.m3u8\r\n",
			Playlist{Renditions: []Rendition{{URI: "a.m3u8", Language: "de", Roles: []string{"description"}}, {URI: "v.m3u8", Bandwidth: 1000}}},
		},
		"media": {
			"#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"800@0\"\n#EXTINF:2,\na0.m4s\n#EXTINF:2,\na1.m4s\n#EXTINF:2,\na2.m4s\n#EXTINF:2,\na3.m4s\n#EXTINF:2,\na4.m4s",
			Playlist{Init: "init.mp4", Media: []string{"a1.m4s", "a2.m4s", "a3.m4s", "a4.m4s"}},
		},
		"broken attributes": {"#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4\n#EXT-X-STREAM-INF\n#EXT-X-MEDIA:=\n#EXT-X-MAP\n", Playlist{}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p, err := ParsePlaylist([]byte(tc.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tc.want, p); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHostilePlaylist(t *testing.T) {
	cases := map[string]string{
		"empty":     "",
		"no tag":    "a.m4s\n",
		"many":      "#EXTM3U\n" + strings.Repeat("a\n", maxLines),
		"long line": "#EXTM3U\n" + strings.Repeat("a", maxLine+1),
		"large":     "#EXTM3U\n" + strings.Repeat("a\n", MaxManifest/2),
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := ParsePlaylist([]byte(text)); !errors.Is(err, ErrManifest) {
				t.Errorf("accepted: %v", err)
			}
		})
	}
	p, err := ParsePlaylist([]byte("#EXTM3U\n" + strings.Repeat("#EXT-X-STREAM-INF:BANDWIDTH=1\nhttps://example.org/a.m3u8\n", 1000)))
	if err != nil || len(p.Renditions) != maxTracks {
		t.Errorf("of 1000 variants: %v", err)
	}
	var b Book
	if streams := b.Playlist("x.m3u8", p); len(streams) != 0 || len(b.playlists) != 0 {
		t.Error("other hosts' playlists are in the book")
	}
}

func FuzzParsePlaylist(f *testing.F) {
	f.Add(read(f, "ffmpeg-master.m3u8"))
	f.Add(read(f, "ffmpeg-out_3.m3u8"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParsePlaylist(text)
		if err != nil {
			if !errors.Is(err, ErrManifest) {
				t.Fatalf("%v is not the encoder's fault", err)
			}
			return
		}
		var b Book
		for _, stream := range b.Playlist("live/a.m3u8", p) {
			if !ValidName(stream) {
				t.Fatalf("stream %q", stream)
			}
		}
		if len(p.Media) > lastSegments || len(b.patterns) > lastSegments {
			t.Fatalf("%d segments, %d patterns", len(p.Media), len(b.patterns))
		}
	})
}
