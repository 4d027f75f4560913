package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"weir/bench/demo"
	"weir/bench/push"
)

// TestLipsyncPlayers measures audio and video as a browser plays them: where in the media it hears beeps, and shows the
// frames that they belong to. The measure of all is a file that the browser plays by itself: that is in step.
func TestLipsyncPlayers(t *testing.T) {
	needBrowser(t)
	need(t, "ffmpeg")
	file, err := demoFile()
	if err != nil {
		t.Fatal(err)
	}
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		http.ServeFile(w, r, file)
	}))
	defer files.Close()

	right, shifted, ffmpeg := newNode(t, settings{name: "right"}), newNode(t, settings{name: "late"}), newNode(t, settings{name: "ffmpeg"})
	pushShifted(t, right, 0)
	pushShifted(t, shifted, 2*mostOffset)
	pushFFmpeg(t, ffmpeg, docsCMAF, encoded(t))
	for _, n := range []*node{right, shifted, ffmpeg} {
		listedSegments(t, n.base(), 4, 3)
	}
	const late = "hls.js, 80 ms late"
	list := []player{
		{"file", "file", files.URL + "/demo.mp4"},
		{"hls.js", "hls", right.base() + hlsPath},
		{"dash.js", "dash", right.base() + dashPath},
		{"Shaka DASH", "shaka", right.base() + dashPath},
		{late, "hls", shifted.base() + hlsPath},
		{"hls.js, ffmpeg's B-frames", "hls", ffmpeg.base() + hlsPath},
	}
	w := openPage(t, "players", record(t, right.base()), list, url.Values{"sound": {"1"}, "latency": {"normal"}})
	w.started(30 * time.Second)
	<-time.After(12 * time.Second)
	w.close()
	measured := map[string]time.Duration{}
	for _, p := range list {
		v := w.viewer(p.Name)
		off := v.lipsync()
		if len(off) < 5 {
			t.Fatalf("%s: %d beeps heard, %d seconds shown, errors %q", p.Name, len(v.beeps), len(v.seconds), v.errors)
		}
		t.Logf("%s: audio minus video %.2f ms: %v", p.Name, ms(off[len(off)/2]), off)
		measured[p.Name] = off[len(off)/2] - measured["file"]
	}
	for name, off := range measured {
		if name != late && off.Abs() > mostOffset {
			t.Errorf("%s: audio is %v behind the picture, want %v at most", name, off, mostOffset)
		}
	}
	if off := measured[late]; off < 2*mostOffset-mostOffset/2 || off > 2*mostOffset+mostOffset/2 {
		t.Errorf("%s: %v were measured", late, off)
	}
}

// lipsync returns how much later each beep was heard than its frame was shown, in order of size.
func (v *viewer) lipsync() offsets {
	var list offsets
	for _, heard := range v.beeps {
		for _, shown := range v.seconds {
			if off := heard - shown; off.Abs() < 400*time.Millisecond {
				list = append(list, off)
			}
		}
	}
	slices.Sort(list)
	return list
}

// pushShifted pushes the built-in source with its audio so much later than its video.
func pushShifted(t *testing.T, n *node, shift time.Duration) {
	t.Helper()
	tracks, err := demo.Tracks()
	if err != nil {
		t.Fatal(err)
	}
	list := tracks.List()
	for _, part := range [][]*push.Track{list[:3], list[3:]} {
		part, err := push.New(part...)
		if err != nil {
			t.Fatal(err)
		}
		pushDemo(t, n, func(o *push.Options) {
			o.Tracks, o.Epoch = part, true
			if len(part.List()) == 1 {
				o.Offset = shift
			}
		})
	}
}
