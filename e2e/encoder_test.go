package e2e

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"weir/bench/demo"
	"weir/bench/push"
)

// The heights of the renditions that are pushed in these tests, lowest first: encoded by ffmpeg, and the demo's.
var (
	ffmpegHeights = []int{108, 180, 360}
	demoHeights   = []int{240, 360, 540}
)

// Headings of docs/encoders.md under which a command of ffmpeg stands.
const (
	docsCMAF       = "CMAF, one POST per track"
	docsDASH       = "DASH, one PUT per segment"
	docsLowDASH    = "DASH with low latency"
	docsHLS        = "HLS with fMP4 segments"
	docsRTMP       = "RTMP, three renditions"
	docsOneRTMP    = "RTMP, one rendition"
	docsSmoothOne  = "Smooth, all tracks in one POST"
	docsSmoothEach = "Smooth, one POST per track"
)

// pushFFmpeg pushes by the command that stands in docs/encoders.md under a heading, until the test ends or the process is
// killed. What is pushed is a feed; all else is as users are told, and what they are told must work.
func pushFFmpeg(t *testing.T, n *node, heading, feed string) *process {
	t.Helper()
	return start(t, "ffmpeg-"+n.name, ffmpegCommand(t, n.publishing(), n.live(), heading, feed))
}

func ffmpegCommand(t *testing.T, publishing, live, heading, feed string) *exec.Cmd {
	t.Helper()
	_, under, _ := strings.Cut(encoderDocs(t), "\n### "+heading+"\n")
	m := shellBlock.FindStringSubmatch(under)
	if m == nil || !strings.Contains(m[1], "ffmpeg $INPUT ") {
		t.Fatalf("docs/encoders.md has no command under %q", heading)
	}
	command := strings.Replace(m[1], "ffmpeg $INPUT ", "exec ffmpeg -v warning -nostats -nostdin $INPUT ", 1)
	return exec.Command("sh", "-c", feed+"BASE="+publishing+"\nRTMP="+live+"\n"+command)
}

// encoded is a feed: the demo's picture and sound, encoded as the docs encode, with smaller pictures and lower bitrates for
// the CPU's sake.
func encoded(t *testing.T) string {
	t.Helper()
	m := shellBlock.FindStringSubmatch(encoderDocs(t))
	if m == nil || !strings.HasPrefix(m[1], "BASE=") {
		t.Fatal("the first command of docs/encoders.md does not begin with BASE=")
	}
	changes := []string{
		"-f lavfi -i testsrc2=size=1280x720:rate=25", "-stream_loop -1 -i ../bench/demo/540p.mp4",
		"-f lavfi -i sine=frequency=440:sample_rate=48000", "-stream_loop -1 -i ../bench/demo/audio.mp4",
		"1280x720", "640x360", "640x360", "320x180", "426x240", "192x108",
		"1500k", "600k", "700k", "300k", "300k", "150k",
	}
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(m[1], changes[i]) {
			t.Fatalf("docs/encoders.md: %q is not in the command", changes[i])
		}
	}
	return strings.NewReplacer(changes...).Replace(m[1])
}

// copied is a feed: the demo's three renditions and its audio as they are, from one file, so that all loop as one.
func copied(t *testing.T) string {
	t.Helper()
	file, err := demoFile()
	if err != nil {
		t.Fatal(err)
	}
	return "INPUT='-re -stream_loop -1 -i " + file + "'\n" +
		"V720='-map 0:v:0 -c copy' V360='-map 0:v:1 -c copy' V240='-map 0:v:2 -c copy' SOUND='-map 0:a -c copy'\n" +
		"ALL='-map 0 -c copy'\n"
}

// demoFile puts the demo's tracks into one file, once.
var demoFile = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "demo.mp4")
	return path, run("../bench/demo", "ffmpeg", "-v", "error", "-i", "540p.mp4", "-i", "360p.mp4", "-i", "240p.mp4", "-i", "audio.mp4",
		"-map", "0", "-map", "1", "-map", "2", "-map", "3", "-c", "copy", path)
})

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

func encoderDocs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/encoders.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// pushDemo pushes the built-in source in this process, until the test ends.
func pushDemo(t *testing.T, n *node, change func(*push.Options)) *push.Stats {
	t.Helper()
	tracks, err := demo.Tracks()
	if err != nil {
		t.Fatal(err)
	}
	stats := new(push.Stats)
	o := push.Options{URL: n.publishing(), Tracks: tracks, Stats: stats, Log: logger(t, "push-"+n.name)}
	if change != nil {
		change(&o)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- push.Run(ctx, o) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		sum := stats.Sum()
		t.Logf("pushed to %s: %d chunks, %d lost, %d connections, %v late at most, last error %v",
			n.name, sum.Chunks, sum.Lost, sum.Connections, sum.Late, sum.LastError)
	})
	return stats
}

func logger(t *testing.T, name string) *slog.Logger {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(t.ArtifactDir(), name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return slog.New(slog.NewTextHandler(file, nil))
}
