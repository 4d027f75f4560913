package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// scratch is removed when the tests end.
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "weir-e2e-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// longForm skips a test for which make test has no time: make soak runs it.
func longForm(t *testing.T) {
	t.Helper()
	if os.Getenv("WEIR_SOAK") == "" {
		t.Skip("it takes minutes: make soak runs it, or WEIR_SOAK=1h")
	}
}

// How to get the tools on Debian.
var install = map[string]string{
	"ffmpeg":   "apt-get install ffmpeg",
	"node":     "apt-get install nodejs npm",
	"npm":      "apt-get install nodejs npm",
	"chromium": "apt-get install chromium",
	"varnishd": "apt-get install varnish",
	"nginx":    "apt-get install nginx",
}

// need skips the test where a tool is missing, and fails it under WEIR_REQUIRE_TOOLS=1.
func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, "needs %s: %s", tool, install[tool])
		}
	}
}

func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("WEIR_REQUIRE_TOOLS") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// needBrowser makes sure that the browser can be driven: what npm brings is fetched once.
func needBrowser(t *testing.T) {
	t.Helper()
	need(t, "node", "npm", "chromium")
	if err := npmBrowser(); err != nil {
		missing(t, "%v", err)
	}
}

var npmBrowser = sync.OnceValue(func() error {
	if _, err := os.Stat("browser/node_modules/playwright-core/package.json"); err == nil {
		return nil
	}
	return run("browser", "npm", "ci")
})

// enginesBuilt puts the players into the page before weir is built, where make has not done it.
var enginesBuilt = sync.OnceValue(func() error {
	if _, err := os.Stat("../origin/page/dist/players/versions.json"); err == nil {
		return nil
	}
	if err := run("../origin/page", "npm", "ci"); err != nil {
		return err
	}
	return run("../origin/page", "npm", "run", "build")
})

// binary builds weir once and returns its path.
func binary(t *testing.T) string {
	t.Helper()
	path, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var buildOnce = sync.OnceValues(func() (string, error) {
	if _, err := exec.LookPath("npm"); err == nil {
		if err := enginesBuilt(); err != nil {
			return "", err
		}
	}
	path := filepath.Join(scratch, "weir")
	args := []string{"build", "-o", path}
	if os.Getenv("WEIR_E2E_RACE") == "1" {
		args = append(args, "-race")
	}
	return path, run("..", "go", append(args, "./cmd/weir")...)
})

// run runs a command to its end, five minutes at most.
func run(dir, name string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v in %s: %w\n%s", name, args, dir, err, out)
	}
	return nil
}
