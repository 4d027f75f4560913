package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/bench/play"
	"weir/bench/push"
)

// TestCaches puts Varnish and nginx between weir and players, configured as docs/cdn has it. Through Varnish hundreds of
// players cost weir the requests of one, HLS and DASH share what they both play, and what they get is hardly later. nginx's
// way to let players wait for one another costs time; docs/low-latency.md says how much, and here it is measured.
func TestCaches(t *testing.T) {
	need(t, "varnishd", "nginx")
	needBrowser(t)
	n := newNode(t, settings{access: true, tracks: []string{"video540", "video360", "video240", "audio"}})
	pushDemo(t, n, func(o *push.Options) { o.Epoch, o.Stamp = true, true })
	listedSegments(t, n.base(), 4, 3)
	varnish, nginx := startVarnish(t, n), startNginx(t, n)

	t.Run("Varnish", func(t *testing.T) {
		machine := feelPulse(t)
		begun := time.Now()
		for _, kind := range []play.Kind{play.Reload, play.Hint, play.DASH} {
			c := crowd(t, n, varnish, kind, 100)
			if c.requests > c.ofOne+c.ofOne/10+2 {
				t.Errorf("%s: %d requests of a hundred players came to weir, %d of one that asks it directly", kind, c.requests, c.ofOne)
			}
			direct := playing(t, cache{"weir", n.base(), "/Live.ism/"}, kind, 100)
			if direct == nil {
				t.FailNow()
			}
			t.Logf("%s: directly a hundred players have it after %v (99%%: %v)", kind, round(direct.Last.Quantile(0.5)), round(direct.Last.Quantile(0.99)))
			if more := c.result.Last.Quantile(0.5) - direct.Last.Quantile(0.5); more > 10*time.Millisecond {
				say, why := t.Errorf, "and this machine was at ease"
				if machine.worst(begun, time.Now()) > 0 || direct.Last.Quantile(0.99) > 50*time.Millisecond {
					say, why = t.Logf, "this machine was busy elsewhere"
				}
				say("%s: media comes %v later than directly: %s", kind, round(more), why)
			}
		}
	})
	t.Run("nginx", func(t *testing.T) {
		for _, kind := range []play.Kind{play.Reload, play.Hint, play.DASH} {
			c := crowd(t, n, nginx, kind, 20)
			if kind != play.DASH && c.requests > 2*c.ofOne { // open segments are not shared
				t.Errorf("%s: %d requests of twenty players came to weir, %d of one that asks it directly", kind, c.requests, c.ofOne)
			}
		}
	})
	t.Run("browser", func(t *testing.T) {
		var list []player
		for _, c := range []cache{varnish, nginx} {
			list = append(list, player{"hls.js, " + c.name, "hls", c.base + c.path(hlsPath)}, player{"dash.js, " + c.name, "dash", c.base + c.path(numberPath)})
		}
		w := openPage(t, "caches", record(t, n.base()), list, url.Values{"requests": {"1"}})
		w.started(30 * time.Second)
		<-time.After(8 * time.Second)
		w.close()
		for _, p := range list {
			v := w.viewer(p.Name)
			v.log(t)
			first, last := v.looks[v.begun()], v.last()
			if played := last.Time - first.Time; played < 0.7*last.at.Sub(first.at).Seconds() || len(v.errors) > 0 {
				t.Errorf("%s played %.1f s of %v; errors %q", p.Name, played, last.at.Sub(first.at), v.errors)
			}
		}
	})
	// Whatever hundreds of players and browsers played, by parts or whole, Varnish fetched once.
	objects := 0
	for path, times := range asked(t, n, 0) {
		if media := strings.HasSuffix(path, ".m4s") || strings.HasSuffix(path, ".mp4"); !media || !strings.Contains(path, varnish.ism) {
			continue
		}
		objects++
		if times > 1 {
			t.Errorf("%s was fetched %d times", path, times)
		}
	}
	t.Logf("Varnish fetched %d objects, each once", objects)
}

// A cache is what stands before a node. Names are the same in any case, and with .isml: whoever asks has a spelling of its
// own, by which the access log keeps them apart.
type cache struct{ name, base, ism string }

func (c cache) path(path string) string { return strings.Replace(path, "/live.ism/", c.ism, 1) }

// What a crowd got through a cache, and what that cost weir.
type crowded struct {
	result   *play.Result
	requests int // that came to weir
	ofOne    int // that one player's made who asked weir directly, meanwhile
}

// crowd plays as so many players of a kind through a cache, and as one directly, at the same time.
func crowd(t *testing.T, n *node, behind cache, kind play.Kind, players int) crowded {
	t.Helper()
	itself := cache{"weir", n.base(), "/LIVE.ism/"}
	from := logged(t, n)
	var c crowded
	var one *play.Result
	var group sync.WaitGroup
	group.Go(func() { c.result = playing(t, behind, kind, players) })
	group.Go(func() { one = playing(t, itself, kind, 1) })
	group.Wait()
	if c.result == nil || one == nil {
		t.FailNow()
	}
	for path, times := range asked(t, n, from) {
		switch {
		case strings.Contains(path, itself.ism):
			c.ofOne += times
		case strings.Contains(path, behind.ism):
			c.requests += times
		}
	}
	t.Logf("%s, %d players: first byte %v and last byte %v (median; 99%%: %v) after sending; one who asks directly: %v and %v (99%%: %v); requests to weir: %d, of the one %d",
		kind, players, round(c.result.First.Quantile(0.5)), round(c.result.Last.Quantile(0.5)), round(c.result.Last.Quantile(0.99)),
		round(one.First.Quantile(0.5)), round(one.Last.Quantile(0.5)), round(one.Last.Quantile(0.99)), c.requests, c.ofOne)
	return c
}

// playing plays for some seconds. It may be called beside the test's goroutine.
func playing(t *testing.T, c cache, kind play.Kind, players int) *play.Result {
	path := hlsPath
	if kind == play.DASH {
		path = numberPath
	}
	r, err := play.Run(t.Context(), play.Spec{Kind: kind, URL: c.base + c.path(path), Players: players, Warm: 1500 * time.Millisecond, For: 3 * time.Second})
	if err != nil {
		t.Error(err)
		return nil
	}
	if r.WrongAnswers() > 0 {
		t.Errorf("%s, %s: %v", c.name, kind, r.Wrong)
	}
	return r
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

// logged is how long the node's log is.
func logged(t *testing.T, n *node) int64 {
	t.Helper()
	info, err := os.Stat(n.process.log)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

var accessLine = regexp.MustCompile(`msg="origin: access".* method=GET path="?([^" ]*)"? status=20[06] `)

// asked returns how often each path was answered, by the node's access log from an offset on.
func asked(t *testing.T, n *node, from int64) map[string]int {
	t.Helper()
	file, err := os.Open(n.process.log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Seek(from, 0); err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if m := accessLine.FindStringSubmatch(lines.Text()); m != nil {
			times[m[1]]++
		}
	}
	return times
}

// startVarnish puts Varnish before a node.
func startVarnish(t *testing.T, n *node) cache {
	t.Helper()
	dir := t.TempDir()
	address := freePorts(t, 1)[0]
	config := filepath.Join(dir, "varnish.vcl")
	host, port, _ := net.SplitHostPort(n.http)
	writeConfig(t, "../docs/cdn/varnish.vcl", config, `.host = "127.0.0.1"`, `.host = "`+host+`"`, `.port = "8080"`, `.port = "`+port+`"`)
	start(t, "varnish", exec.Command("varnishd", "-F", "-j", "none", "-n", filepath.Join(dir, "work"), "-a", address, "-f", config,
		"-s", "malloc,256M", "-p", "timeout_idle=75", "-p", "thread_pool_min=200"))
	return answers(t, cache{"Varnish", "http://" + address, "/live.ism/"})
}

// startNginx puts nginx before a node.
func startNginx(t *testing.T, n *node) cache {
	t.Helper()
	dir := t.TempDir()
	address := freePorts(t, 1)[0]
	site, config := filepath.Join(dir, "weir.conf"), filepath.Join(dir, "nginx.conf")
	writeConfig(t, "../docs/cdn/nginx.conf", site, "/var/cache/nginx/weir", filepath.Join(dir, "cache"), "127.0.0.1:8080", n.http, "listen 80;", "listen "+address+";")
	var temp strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "%s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	text := fmt.Sprintf("daemon off;\nuser root;\nworker_processes 1;\npid %s;\nerror_log stderr warn;\nevents { worker_connections 4096; }\nhttp {\naccess_log off;\n%sinclude %s;\n}\n",
		filepath.Join(dir, "pid"), &temp, site)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, "nginx", exec.Command("nginx", "-p", dir, "-c", config))
	return answers(t, cache{"nginx", "http://" + address, "/live.isml/"})
}

// writeConfig copies a configuration of the docs with some words replaced, each of which must stand in it.
func writeConfig(t *testing.T, from, to string, words ...string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(words); i += 2 {
		if !strings.Contains(string(text), words[i]) {
			t.Fatalf("%s: %q is not in it", from, words[i])
		}
	}
	if err := os.WriteFile(to, []byte(strings.NewReplacer(words...).Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
}

// answers waits until a cache answers.
func answers(t *testing.T, c cache) cache {
	t.Helper()
	eventually(t, 20*time.Second, c.name+" answers", func() error {
		_, err := get(c.base + c.path(hlsPath))
		return err
	})
	return c
}
