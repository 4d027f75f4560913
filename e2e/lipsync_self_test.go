package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestLipsync measures the demo's own files, and a file whose audio is as much too late or too early as it says.
func TestLipsync(t *testing.T) {
	need(t, "ffmpeg")
	for _, shift := range []time.Duration{0, 80 * time.Millisecond, -80 * time.Millisecond, 35 * time.Millisecond} {
		t.Run(shift.String(), func(t *testing.T) {
			dir := t.TempDir()
			film, sound := filepath.Join(dir, "film"), filepath.Join(dir, "sound")
			args := []string{"-v", "error", "-nostdin", "-copyts", "-stream_loop", "1", "-i", "../bench/demo/240p.mp4"}
			args = append(args, "-itsoffset", fmt.Sprint(shift.Seconds()), "-stream_loop", "1", "-i", "../bench/demo/audio.mp4")
			args = append(append(args, "-map", "0", "-fps_mode", "passthrough"), filmOutput(film)...)
			args = append(append(args, "-map", "1"), soundOutput(sound)...)
			if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			got, err := lipsync(film, sound)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("audio minus video %v", got)
			for _, off := range got {
				if d := off - shift; d.Abs() > time.Millisecond/2 {
					t.Errorf("audio minus video is %v, want %v", off, shift)
				}
			}
		})
	}
}

// TestLipsyncServed pushes audio that is 80 ms late and finds that out in what weir serves.
func TestLipsyncServed(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg")
	const shift = 80 * time.Millisecond
	n := newNode(t, settings{})
	pushShifted(t, n, shift)
	listedSegments(t, n.base(), 4, 3)
	hls := decode(t, "decode-hls", n.base()+hlsPath, 6*time.Second)
	dash := decode(t, "decode-dash", n.base()+dashPath, 6*time.Second, "-re")
	for _, d := range []*decoding{hls, dash} {
		if err := d.process.wait(30 * time.Second); err != nil {
			t.Errorf("%s: %v", d.name, err)
		}
		got, err := lipsync(d.films[0], d.sound)
		if err != nil {
			t.Errorf("%s: %v", d.name, err)
			continue
		}
		t.Logf("%s: audio minus video %v", d.name, got)
		if off := got.worst() - shift; off.Abs() > 11*time.Millisecond { // audio lies on its frames' grid
			t.Errorf("%s: audio minus video is %v, want %v", d.name, got, shift)
		}
	}
}
