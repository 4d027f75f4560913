package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A step is what stands on the player page at some point of browser/page.mjs.
type step struct {
	Step, State, Address, Notice, Latency, Buffer, Dropped, Stalls, Errors, Playing string

	Channels, Renditions, Log []string
	Trouble                   string
}

// usePage runs browser/page.mjs on a page and returns its steps by name.
func usePage(t *testing.T, url string, env ...string) map[string]step {
	t.Helper()
	cmd := exec.Command("node", "browser/page.mjs", url, t.ArtifactDir())
	cmd.Env = append(append(os.Environ(), "CHROMIUM="+chromium(t)), env...)
	out := filepath.Join(t.ArtifactDir(), "steps.json")
	file, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	cmd.Stdout = file
	if err := start(t, "page", cmd).wait(2 * time.Minute); err != nil {
		t.Errorf("page.mjs: %v", err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	steps := map[string]step{}
	for line := range strings.Lines(string(text)) {
		var s step
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if strings.Contains(s.Trouble, "404") && (strings.HasSuffix(s.Trouble, "/page/channels.json") || strings.Contains(s.Trouble, ".ism/manifest(")) {
			continue // the browser says so where nothing is listed, and while there is no media yet
		}
		if strings.Contains(s.Trouble, "412") && strings.Contains(s.Trouble, "/Fragments(") {
			continue // Smooth waits for fragments so
		}
		if s.Trouble != "" {
			t.Errorf("the page: %s", s.Trouble)
			continue
		}
		t.Logf("%s", line)
		steps[s.Step] = s
	}
	return steps
}

// TestPage opens the page of 'weir demo' and plays each format with each engine, as a newcomer does.
func TestPage(t *testing.T) {
	needBrowser(t)
	n := newDemo(t)
	steps := usePage(t, n.base()+"/")
	for _, name := range []string{"hls-hls", "hls-shaka", "dash-dash", "smooth-dash", "dash-shaka", "lowest"} {
		s, ok := steps[name]
		if !ok {
			t.Errorf("%s: not reached", name)
			continue
		}
		if s.State != "playing" || s.Notice != "" {
			t.Errorf("%s: state %q, notice %q", name, s.State, s.Notice)
		}
		if latency := seconds(s.Latency); latency < 0.3 || latency > 15 && name != "lowest" && name != "smooth-dash" {
			t.Errorf("%s: latency %q", name, s.Latency)
		}
		if buffer := seconds(s.Buffer); buffer <= 0 || buffer > 30 { // a stall is counted apart
			t.Errorf("%s: buffer %q", name, s.Buffer)
		}
		if s.Stalls != "0" || s.Errors != "0" {
			t.Errorf("%s: stalls %q, errors %q: %q", name, s.Stalls, s.Errors, s.Log)
		}
		if len(s.Renditions) != 1+len(demoHeights) {
			t.Errorf("%s: renditions %q", name, s.Renditions)
		}
	}
	if s := steps["lowest"]; !strings.Contains(s.Playing, "×240") {
		t.Errorf("the lowest rendition was chosen, and %q is on the screen", s.Playing)
	}
}

// TestPageListsNothing opens the page of a node that lists nothing to strangers: it names no channel and plays a URL.
func TestPageListsNothing(t *testing.T) {
	needBrowser(t)
	n := newNode(t, settings{})
	if _, err := get(n.base() + "/page/channels.json"); !hasStatus(err, 404) {
		t.Errorf("channels.json: %v, want 404", err)
	}
	pushDemo(t, n, nil)
	listedSegments(t, n.base(), 4, 3)
	steps := usePage(t, n.base()+"/", "MANIFEST="+n.base()+dashPath)
	if s := steps["unlisted"]; s.State != "idle" || slices.Contains(s.Channels, "live") {
		t.Errorf("a stranger sees %+v", s)
	}
	if s := steps["typed"]; s.State != "playing" || !strings.Contains(s.Address, "format=dash") {
		t.Errorf("after a URL was typed in: %+v", s)
	}
}

func hasStatus(err error, status int) bool {
	var s *statusError
	return errors.As(err, &s) && s.status == status
}

// seconds reads a figure such as "4.56 s", -1 where there is none.
func seconds(text string) float64 {
	v, err := strconv.ParseFloat(strings.TrimSuffix(text, " s"), 64)
	if err != nil {
		return -1
	}
	return v
}
