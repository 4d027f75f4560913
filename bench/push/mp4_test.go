package push

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/media"
)

// TestParsePlain: a plain file with B-frames, an edit list and AAC priming becomes the same loop as its fragmented copy.
func TestParsePlain(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		if os.Getenv("WEIR_REQUIRE_TOOLS") != "" {
			t.Fatal(err)
		}
		t.Skip("needs ffmpeg: apt-get install ffmpeg")
	}
	dir := t.TempDir()
	plain, fragmented := filepath.Join(dir, "plain.mp4"), filepath.Join(dir, "fragmented.mp4")
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=4", "-f", "lavfi", "-i", "sine=f=440:sample_rate=48000:d=4.1",
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "50", "-c:a", "aac", plain)
	ffmpeg(t, "-i", plain, "-c", "copy", "-movflags", "frag_keyframe+empty_moov+default_base_moof", fragmented)
	for _, path := range []string{plain, fragmented} {
		ts, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := ts.Length(), 4*time.Second; got != want {
			t.Errorf("%s: length %v, want %v", path, got, want)
		}
		video, audio := ts.List()[0], ts.List()[1]
		if video.Kind != media.Video || video.Name != "video" || len(video.samples) != 100 || video.samples[0].cto != 0 || video.samples[0].at != 0 {
			t.Errorf("%s: video %q has %d samples, the first %+v", path, video.Name, len(video.samples), video.samples[0])
		}
		if audio.Kind != media.Audio || audio.Name != "audio" || audio.frame != 1024 || audio.samples[0].at != 0 {
			t.Errorf("%s: audio %q has frames of %d, the first %+v", path, audio.Name, audio.frame, audio.samples[0])
		}
	}
	one, _ := Open(plain)
	other, _ := Open(fragmented)
	for i := range one.List() {
		if !bytes.Equal(one.List()[i].source(), other.List()[i].source()) && i == 0 {
			t.Errorf("%s differs between plain and fragmented", one.List()[i].Name)
		}
	}
}

func TestOpenSaysHowToMakeAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(path, []byte("this is no film at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path)
	if err == nil || !strings.Contains(err.Error(), "ffmpeg -i "+path) || !strings.Contains(err.Error(), "-movflags +cmaf") {
		t.Errorf("Open of a text file: %v; want the command that makes a file", err)
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(); err == nil {
		t.Error("no tracks: no error")
	}
	list := demoTracks(t, "240p").List()
	if _, err := New(list[0], list[0]); err == nil {
		t.Error("the same name twice: no error")
	}
	short := *list[0]
	short.Name, short.ticks = "short", short.ticks-512
	if _, err := New(list[0], &short); err == nil {
		t.Error("videos of different lengths: no error")
	}
}

// FuzzParse: no file makes Parse panic or take memory by a declared size, and what it accepts can be looped.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"240p", "audio"} {
		file, err := os.ReadFile("../demo/" + name + ".mp4")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(shorten(file))
	}
	plain, err := os.ReadFile("testdata/plain.mp4")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Fuzz(func(t *testing.T, file []byte) {
		list, err := Parse(file)
		if err != nil {
			return
		}
		for _, track := range list {
			at := int64(-1)
			for _, s := range track.samples {
				if s.offset < 0 || s.offset+int(s.size) > len(file) || s.at <= at {
					t.Fatalf("%s: sample %+v after %d in a file of %d bytes", track.Name, s, at, len(file))
				}
				at = s.at
			}
		}
		ts, err := New(list...)
		if err != nil {
			return
		}
		for _, track := range ts.List() {
			if _, err := track.header(); err != nil {
				continue
			}
			l, r, end := newLoop(ts, track, 200*time.Millisecond, place{}), run{}, int64(0)
			for range 20 {
				l.next(&r)
				if len(r.samples) == 0 || r.start < end || r.end <= r.start {
					t.Fatalf("%s: chunk [%d,%d) after %d", track.Name, r.start, r.end, end)
				}
				end = r.end
			}
		}
	})
}

// shorten keeps the header and the first fragment of a fragmented file.
func shorten(file []byte) []byte {
	first := bytes.Index(file, []byte("mdat"))
	if next := bytes.Index(file[first:], []byte("moof")); next > 0 {
		return file[:first+next-4]
	}
	return file
}

func ffmpeg(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ffmpeg", append([]string{"-v", "error", "-y"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
}
