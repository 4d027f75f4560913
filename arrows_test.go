package weir

import (
	"os/exec"
	"strings"
	"testing"
)

// arrows says which of our packages each package may import. A pattern that ends in /* stands for everything below it;
// the first pattern that fits a package rules. Design and reasons: ARCHITECTURE.md, "Where things are".
var arrows = []struct {
	from string
	to   string
}{
	{"weir", ""},
	{"weir/cmd/weir", "weir weir/*"},
	{"weir/control/reconcile", "weir/control/state weir/ingest weir/ingest/timeline weir/archive weir/origin weir/cluster"},
	{"weir/control/api", "weir/control/state"},
	{"weir/control/state", ""},
	{"weir/origin", "weir/manifest weir/manifest/* weir/crypto/* weir/segcache weir/media"},
	{"weir/origin/page", ""},
	{"weir/ingest/timeline", ""},
	{"weir/ingest", "weir/ingest/timeline weir/segcache weir/media"},
	{"weir/ingest/web", "weir/ingest weir/ingest/smooth weir/ingest/cmaf weir/segcache weir/media"},
	{"weir/ingest/rtmp", "weir/ingest weir/ingest/rtmp/* weir/segcache weir/media"},
	{"weir/ingest/rtmp/*", ""},
	{"weir/ingest/*", "weir/ingest weir/segcache weir/media"},
	{"weir/archive", "weir/segcache weir/media"},
	{"weir/cluster", "weir/segcache weir/media"},
	{"weir/manifest", "weir/media"},
	{"weir/manifest/*", "weir/manifest weir/media"},
	{"weir/crypto/*", "weir/media"},
	{"weir/segcache", "weir/media"},
	{"weir/media", ""},
	{"weir/bench/*", "weir/bench/* weir/media"},
	{"weir/e2e", "weir/bench/* weir/media"},
}

// strangers says who may import what is not ours: NATS stays in the store, HTTP at the edges, and what is pure knows
// neither network nor locks.
var strangers = []struct {
	path    string
	allowed string // packages that may
	denied  string // packages that may not; everybody else may
}{
	{"github.com/nats-io/", "weir/control/state weir/cluster", "weir/*"},
	{"github.com/valyala/fasthttp", "weir/ingest/web weir/origin weir/bench/floor", "weir/*"},
	{"net/http", "", "weir/media weir/segcache weir/manifest weir/manifest/* weir/ingest/timeline weir/ingest"},
	{"sync", "", "weir/manifest weir/manifest/* weir/ingest/timeline weir/media"},
	{"time", "", "weir/ingest/timeline"}, // its clock is an argument
}

func TestImportsFollowTheArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	packages := 0
	for line := range strings.Lines(string(out)) {
		from, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !fits(from, "weir weir/*") {
			continue
		}
		packages++
		checkPackage(t, from, strings.Fields(imports))
	}
	if packages < 10 {
		t.Errorf("go list found %d packages of ours", packages)
	}
}

func checkPackage(t *testing.T, from string, imports []string) {
	t.Helper()
	allowed, ruled := "", false
	for _, a := range arrows {
		if ruled = fits(from, a.from); ruled {
			allowed = a.to
			break
		}
	}
	if !ruled {
		t.Errorf("%s has no arrow: give the folder its place in ARCHITECTURE.md, and its line here", from)
	}
	for _, to := range imports {
		if fits(to, "weir weir/*") && !fits(to, allowed) {
			t.Errorf("%s imports %s against the arrows: state an interface in %s, and let cmd/weir pass the implementation", from, to, from)
		}
		for _, s := range strangers {
			if matches := to == s.path || strings.HasSuffix(s.path, "/") && strings.HasPrefix(to, s.path); matches && fits(from, s.denied) && !fits(from, s.allowed) {
				t.Errorf("%s imports %s, which belongs elsewhere", from, to)
			}
		}
	}
}

// fits tells whether a package is one of the patterns.
func fits(path, patterns string) bool {
	for _, p := range strings.Fields(patterns) {
		if below, ok := strings.CutSuffix(p, "*"); path == p || ok && strings.HasPrefix(path, below) {
			return true
		}
	}
	return false
}

func TestFits(t *testing.T) {
	for _, c := range []struct {
		path, patterns string
		want           bool
	}{
		{"weir/ingest/cmaf", "weir/ingest/*", true},
		{"weir/ingest", "weir/ingest/*", false},
		{"weirdo", "weir weir/*", false},
		{"weir/media", "", false},
	} {
		if got := fits(c.path, c.patterns); got != c.want {
			t.Errorf("fits(%q, %q) = %v", c.path, c.patterns, got)
		}
	}
}
