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
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/bench/histogram"
	"weir/bench/play"
	"weir/bench/push"
)

// TestCaches puts Varnish and nginx between weir and players, configured as docs/cdn has it: a crowd that plays LL-HLS by
// reload and by hint and LL-DASH chunk by chunk, and a browser with hls.js and dash.js, all at the same time. Through Varnish
// they cost weir the requests of one, HLS and DASH share what they both play, and what they get is hardly later than
// what as many get from weir itself, who take turns with them. nginx's way to let players wait for one another costs
// time; docs/low-latency.md says how much, and here it is measured.
//
// WEIR_CROWD=PLAYERS,ROUNDS asks for another crowd than 300 in two rounds.
func TestCaches(t *testing.T) {
	need(t, "varnishd", "nginx")
	needBrowser(t)
	players, rounds := 300, 2
	if text := os.Getenv("WEIR_CROWD"); text != "" {
		if _, err := fmt.Sscanf(text, "%d,%d", &players, &rounds); err != nil {
			t.Fatalf("WEIR_CROWD=%s: %v", text, err)
		}
	}
	n := newNode(t, settings{access: true, tracks: []string{"video540", "video360", "video240", "audio"}})
	pushDemo(t, n, func(o *push.Options) { o.Epoch, o.Stamp = true, true })
	listedSegments(t, n.base(), 4, 3)
	varnish, nginx := startVarnish(t, n), startNginx(t, n)

	t.Run("Varnish", func(t *testing.T) {
		w := browse(t, n, varnish)
		var through, directly seen
		for range rounds {
			c := crowd(t, n, w, varnish, players)
			through.add(c.seen)
			if c.requests > c.ofOne+c.deltas+c.ofOne/10+4 {
				t.Errorf("%d requests of %d players and a browser came to weir, %d of one of each kind that asks it directly; the browser asked for %d delta updates",
					c.requests, players, c.ofOne, c.deltas)
			}
			directly.add(playing(t, cache{"weir", n.base(), "/Live.ism/"}, players))
		}
		late := w.machine.worst(w.begun, time.Now())
		for _, kind := range crowdKinds {
			a, b := through[kind], directly[kind]
			more := a.Last.Quantile(0.5) - b.Last.Quantile(0.5)
			t.Logf("%s, %d of %d players: media is there after %v (99%%: %v) through Varnish, after %v (99%%: %v) directly: %v more; timers %v late at most",
				kind, share(kind, players), players, round(a.Last.Quantile(0.5)), round(a.Last.Quantile(0.99)), round(b.Last.Quantile(0.5)), round(b.Last.Quantile(0.99)), round(more), late)
			if more > mostBehind(players) {
				say, why := t.Errorf, "and this machine was at ease"
				if late > 0 || b.Last.Quantile(0.99) > 50*time.Millisecond {
					say, why = t.Logf, "this machine was busy elsewhere"
				}
				say("%s: media comes %v later than directly: %s", kind, round(more), why)
			}
		}
		w.played(t)
	})
	t.Run("nginx", func(t *testing.T) {
		w := browse(t, n, nginx)
		c := crowd(t, n, w, nginx, 60)
		for _, kind := range crowdKinds {
			r := c.seen[kind]
			t.Logf("%s, %d players: media is there after %v (99%%: %v)", kind, share(kind, 60), round(r.Last.Quantile(0.5)), round(r.Last.Quantile(0.99)))
		}
		if c.shared > 2*c.ofOne { // open segments are not shared
			t.Errorf("%d requests of sixty players for what can be shared came to weir, %d of one of each kind that asks it directly", c.shared, c.ofOne)
		}
		w.played(t)
	})
	// Whatever crowds and browsers played, by parts or whole, Varnish fetched once.
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

// mostBehind is how much later media may come through Varnish. All who play, both caches' and weir's own work go through this
// machine's cores at the same instant: on two of them, an answer to each of 300 is some milliseconds of CPU time by itself.
func mostBehind(players int) time.Duration {
	if runtime.NumCPU() < 4 && players > 100 {
		return 25 * time.Millisecond
	}
	return 10 * time.Millisecond
}

// Kinds of players in a crowd: half play HLS, in both ways, half DASH.
var crowdKinds = []play.Kind{play.Reload, play.Hint, play.DASH}

func share(kind play.Kind, players int) int {
	if kind == play.DASH {
		return players / 2
	}
	return players / 4
}

// A cachePage is a browser that plays through a cache.
type cachePage struct {
	*watch
	list    []player
	machine *pulse
	begun   time.Time
}

func browse(t *testing.T, n *node, behind cache) *cachePage {
	t.Helper()
	list := []player{{"hls.js, " + behind.name, "hls", behind.base + behind.path(hlsPath)}, {"dash.js, " + behind.name, "dash", behind.base + behind.path(numberPath)}}
	w := &cachePage{openPage(t, "browser-"+behind.name, record(t, n.base()), list, url.Values{"requests": {"1"}}), list, feelPulse(t), time.Now()}
	w.started(30 * time.Second)
	return w
}

// played closes the browser, and judges what it has played, where this machine let it.
func (w *cachePage) played(t *testing.T) {
	t.Helper()
	w.close()
	for _, p := range w.list {
		v := w.viewer(p.Name)
		v.log(t)
		first, last := v.looks[v.begun()], v.last()
		if played := last.Time - first.Time; played < 0.7*last.at.Sub(first.at).Seconds() || len(v.errors) > 0 {
			say, why := t.Errorf, "and this machine was at ease"
			if late := w.machine.worst(w.begun, time.Now()); late > 0 {
				say, why = t.Logf, fmt.Sprintf("this machine ran timers %v late", late)
			}
			say("%s played %.1f s of %v; errors %q: %s", p.Name, played, last.at.Sub(first.at), v.errors, why)
		}
	}
}

// deltas is how many delta updates of a playlist the browser asked for between two times: no player of a crowd does.
func (w *cachePage) deltas(playlist string, from, to time.Time) (n int) {
	for _, p := range w.list {
		v := w.viewer(p.Name)
		for _, r := range v.requests {
			if strings.Contains(r.URL, playlist) && strings.Contains(r.URL, "_HLS_skip=") && r.at.After(from) && r.at.Before(to) {
				n++
			}
		}
	}
	return n
}

// A cache is what stands before a node. Names are the same in any case, and with .isml: whoever asks has a spelling of its
// own, by which the access log keeps them apart.
type cache struct{ name, base, ism string }

func (c cache) path(path string) string { return strings.Replace(path, "/live.ism/", c.ism, 1) }

// A seen is what the players of each kind saw.
type seen map[play.Kind]*play.Result

func (s *seen) add(o seen) {
	if *s == nil {
		*s = o
		return
	}
	for kind, r := range o {
		(*s)[kind].First.Merge(r.First)
		(*s)[kind].Last.Merge(r.Last)
	}
}

// What a crowd got through a cache, and what that cost weir.
type crowded struct {
	seen
	requests int // that came to weir, for what the crowd plays
	deltas   int // of these, delta updates that the browser asked for
	shared   int // of these, not for open segments
	ofOne    int // what one player makes who asks weir directly: of each object as many as those of the kind that asks most
}

// crowd plays as so many players through a cache, and as one of each kind directly, at the same time.
func crowd(t *testing.T, n *node, w *cachePage, behind cache, players int) crowded {
	t.Helper()
	from, begun := logged(t, n), time.Now()
	spelt := map[play.Kind]string{play.Reload: "/LIVE.ism/", play.Hint: "/LIVe.ism/", play.DASH: "/LIve.ism/"}
	var c crowded
	var group sync.WaitGroup
	group.Go(func() { c.seen = playing(t, behind, players) })
	for kind, ism := range spelt {
		group.Go(func() { playingOne(t, cache{"weir", n.base(), ism}, kind, 1) })
	}
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
	all := asked(t, n, from)
	most := map[string]int{} // by path as the cache spells it
	for path, times := range all {
		for _, ism := range spelt {
			if strings.Contains(path, ism) {
				at := strings.Replace(path, ism, behind.ism, 1)
				most[at] = max(most[at], times)
			}
		}
	}
	for path, times := range most {
		c.ofOne += times
		c.requests += all[path]
		if _, name, _ := strings.Cut(path, behind.ism); strings.HasSuffix(name, ".m3u8") {
			c.deltas += w.deltas(name, begun, time.Now())
		}
		if !strings.HasSuffix(path, ".m4s") || strings.Contains(path, ",part=") {
			c.shared += all[path]
		}
	}
	t.Logf("%d players and a browser, %s: %d requests to weir for %d objects, %d of them the browser's delta updates; of one of each kind that asks directly %d",
		players, behind.name, c.requests, len(most), c.deltas, c.ofOne)
	return c
}

// playing plays as so many players of all kinds for some seconds.
func playing(t *testing.T, c cache, players int) seen {
	all := seen{}
	var mu sync.Mutex
	var group sync.WaitGroup
	for _, kind := range crowdKinds {
		group.Go(func() {
			r := playingOne(t, c, kind, share(kind, players))
			mu.Lock()
			defer mu.Unlock()
			all[kind] = r
		})
	}
	group.Wait()
	return all
}

// crowdList is the rendition that players of DASH take, in HLS.
const crowdList = "/" + locatorID + "/live.ism/QualityLevels(440000)/Manifest(video540,format=m3u8-cmaf).m3u8"

// playingOne plays as players of a kind. It may be called beside the test's goroutine.
func playingOne(t *testing.T, c cache, kind play.Kind, players int) *play.Result {
	path := crowdList
	if kind == play.DASH {
		path = numberPath
	}
	r, err := play.Run(t.Context(), play.Spec{Kind: kind, URL: c.base + c.path(path), Players: players, Warm: 1500 * time.Millisecond, For: 3 * time.Second})
	if err != nil {
		t.Error(err)
		return &play.Result{First: new(histogram.Histogram), Last: new(histogram.Histogram)}
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
