package cmaf

import "testing"

// What encoders call their headers, and the streams that come of it.
func TestStreamOf(t *testing.T) {
	cases := map[string]struct{ path, want string }{
		"ffmpeg dash":             {"init-stream0.m4s", "stream0"},
		"ffmpeg hls, one variant": {"init.mp4", "stream"},
		"ffmpeg hls":              {"init_0.mp4", "stream0"},
		"ffmpeg hls, folders":     {"v0/init_0.mp4", "v0"},
		"ffmpeg hls, one folder":  {"live/init_0.mp4", "live_0"},
		"livesim2":                {"V300/init.cmfv", "V300"},
		"interface 1":             {"video-720p/video-720p.init", "video-720p"},
		"header":                  {"a/en/header.mp4", "a_en"},
		"number in the word":      {"init2.mp4", "stream2"},
		"init last":               {"video_1080p_init.mp4", "video_1080p"},
		"any case":                {"Init-Video.MP4", "Video"},
		"a file is a track":       {"v720.cmfv", "v720"},
		"a segment with a header": {"cam/17.mp4", "cam"},
		"folder says it":          {"audio/audio_init.m4s", "audio"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := StreamOf(tc.path); got != tc.want {
				t.Errorf("StreamOf(%q) = %q, want %q", tc.path, got, tc.want)
			}
		})
	}
}

func TestResolve(t *testing.T) {
	cases := map[string]struct {
		folder, reference, want string
		ok                      bool
	}{
		"beside":            {"", "init.mp4", "init.mp4", true},
		"below":             {"live", "v0/init.mp4", "live/v0/init.mp4", true},
		"here":              {"live", "./init.mp4", "live/init.mp4", true},
		"above":             {"live/v0", "../a/init.mp4", "live/a/init.mp4", true},
		"query":             {"", "init.mp4?x=1", "init.mp4", true},
		"too far above":     {"live", "../../x.mp4", "", false},
		"absolute path":     {"live", "/x.mp4", "", false},
		"foreign host":      {"live", "https://example.org/x.mp4", "", false},
		"foreign, no colon": {"live", "//example.org/x.mp4", "", false},
		"data":              {"", "data:,x", "", false},
		"space":             {"", "a b.mp4", "", false},
		"escape":            {"", "a%2fb.mp4", "", false},
		"deep":              {"", "a/b/c/d/e/f.mp4", "", false},
		"nothing":           {"", "", "", false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got, ok := resolve(tc.folder, tc.reference); got != tc.want || ok != tc.ok {
				t.Errorf("resolve(%q, %q) = %q, %v; want %q, %v", tc.folder, tc.reference, got, ok, tc.want, tc.ok)
			}
		})
	}
}

func FuzzStreamOf(f *testing.F) {
	f.Add("v0/init_0.mp4")
	f.Add("chunk-stream0-00001.m4s")
	f.Fuzz(func(t *testing.T, path string) {
		clean, ok := resolve("", path)
		if !ok || clean == "" {
			return
		}
		var b Book
		stream := b.Header(clean, false)
		if stream != StreamOf(clean) || stream == "" {
			t.Fatalf("%q is %q, and %q by itself", clean, stream, StreamOf(clean))
		}
		if got, _, ok := b.Find(clean); !ok || got != stream {
			t.Fatalf("%q is not found under its own path", clean)
		}
	})
}
