package e2e

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"weir/bench/demo"
	"weir/bench/push"
)

// The heights of the renditions that ffmpeg pushes in these tests, lowest first, and those of the demo.
var (
	ffmpegHeights = []int{108, 180, 360}
	demoHeights   = []int{240, 360, 540}
)

// fromDocs returns the shell command by which docs/encoders.md tells users to push, with this publishing point, and with
// smaller pictures and lower bitrates, for the CPU's sake. Nothing else is changed: what users are told must work.
func fromDocs(t *testing.T, publishing string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/encoders.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```sh\n(BASE=[^\n]*)\n(.*?)```").FindSubmatch(text)
	if m == nil {
		t.Fatal("docs/encoders.md has no shell block that begins with BASE=")
	}
	command := string(m[2])
	for _, change := range [][2]string{
		{"size=1280x720", "size=640x360"},
		{"scale=640:360", "scale=320:180"},
		{"scale=426:240", "scale=192:108"},
		{"-b:v 300k", "-b:v 150k"},
		{"-b:v 700k", "-b:v 300k"},
		{"-b:v 1500k", "-b:v 600k"},
		{"ffmpeg -re", "exec ffmpeg -v warning -nostats -re"},
	} {
		before := command
		if command = strings.Replace(command, change[0], change[1], 1); command == before {
			t.Fatalf("docs/encoders.md: %q is not in the command", change[0])
		}
	}
	return "BASE=" + publishing + "\n" + command
}

// pushFFmpeg pushes as the docs say, until the test ends or the process is killed.
func pushFFmpeg(t *testing.T, n *node) *process {
	t.Helper()
	cmd := exec.Command("sh", "-c", fromDocs(t, n.publishing()))
	cmd.Stdin = nil
	return start(t, "ffmpeg", cmd)
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
