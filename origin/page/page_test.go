package page

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"regexp"
	"testing"
	"testing/fstest"
)

func TestFilesHoldWhatThePageNames(t *testing.T) {
	files := Files()
	index, err := fs.ReadFile(files, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`(?:src|href)="page/([^"]+)"`).FindAllSubmatch(index, -1)
	if len(named) == 0 {
		t.Fatal("index.html names no file below page/")
	}
	for _, m := range named {
		if _, err := fs.Stat(files, string(m[1])); err != nil {
			t.Errorf("index.html names page/%s: %v", m[1], err)
		}
	}
}

func TestScriptsImportWhatIsThere(t *testing.T) {
	files := Files()
	scripts, err := fs.Glob(files, "*.js")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("Glob(*.js) = %v, %v; want the page's scripts", scripts, err)
	}
	imports := regexp.MustCompile(`(?m)^import .* from '\./([^']+)';$`)
	for _, name := range scripts {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range imports.FindAllSubmatch(text, -1) {
			if _, err := fs.Stat(files, path.Clean(string(m[1]))); err != nil {
				t.Errorf("%s imports %s: %v", name, m[1], err)
			}
		}
	}
}

func TestLayersAnswerInOrder(t *testing.T) {
	l := layers{
		fstest.MapFS{"both": {Data: []byte("upper")}},
		fstest.MapFS{"both": {Data: []byte("lower")}, "players/one.js": {Data: []byte("1")}},
	}
	for name, want := range map[string]string{"both": "upper", "players/one.js": "1"} {
		if got, err := fs.ReadFile(l, name); err != nil || string(got) != want {
			t.Errorf("ReadFile(%q) = %q, %v; want %q", name, got, err, want)
		}
	}
	if _, err := l.Open("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open(none) = %v, want fs.ErrNotExist", err)
	}
}

// What the page does about holes in DASH is tested where it runs.
func TestHoles(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("WEIR_REQUIRE_TOOLS") != "" {
			t.Fatal(err)
		}
		t.Skip("node is not installed")
	}
	if out, err := exec.Command(node, "--test", "hole.test.mjs").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
