package demo

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestTracksEndTogether(t *testing.T) {
	tracks, err := Tracks()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tracks.Length(), 16*time.Second; got != want {
		t.Errorf("loop length %v, want %v", got, want)
	}
	var names []string
	for _, track := range tracks.List() {
		names = append(names, track.Name)
	}
	if len(names) != 4 {
		t.Errorf("tracks %v, want four", names)
	}
	if Frames*AudioRate != AudioFrames*1024*FrameRate {
		t.Error("video and audio do not end together")
	}
}

// TestFrameNumber decodes each rendition and reads the counter out of every picture.
func TestFrameNumber(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		if os.Getenv("WEIR_REQUIRE_TOOLS") != "" {
			t.Fatal(err)
		}
		t.Skip("needs ffmpeg: apt-get install ffmpeg")
	}
	for name, r := range map[string]struct {
		file          []byte
		width, height int
	}{"540p": {high, 960, 540}, "360p": {middle, 640, 360}, "240p": {low, 426, 240}} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "in.mp4")
			if err := os.WriteFile(path, r.file, 0o600); err != nil {
				t.Fatal(err)
			}
			raw, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-pix_fmt", "gray", "-f", "rawvideo", "-").Output()
			if err != nil {
				t.Fatal(err)
			}
			size := r.width * r.height
			if len(raw) != Frames*size {
				t.Fatalf("%d bytes of pictures, want %d pictures of %d", len(raw), Frames, size)
			}
			for n := range Frames {
				picture := raw[n*size : (n+1)*size]
				got, ok := FrameNumber(r.width, r.height, func(x, y int) uint8 { return picture[y*r.width+x] })
				if !ok || got != n {
					t.Fatalf("picture %d reads %d, %v", n, got, ok)
				}
			}
		})
	}
}
