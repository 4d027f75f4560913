package e2e

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A yard is a node with many channels: one that a healthy encoder feeds, and as many as hostile ones need.
type yard struct {
	*node
	mu      sync.Mutex
	given   int
	healthy *encoder
}

// yardChannels is how many channels hostile cases can have to themselves.
const yardChannels = 64

// The limits of a yard: times are short, for the tests' sake; what is not named has its default.
const yardLimits = `{idle: 4s, headTimeout: 3s, keepAlive: 5s, minRate: 64KiB, sessionLinger: 3s, betweenBytes: 2MiB,
    channelUnfinished: 80MiB, channelConnections: 128, wrongTokens: 100000, connections: 2000, addressConnections: 1900}`

func token(i int) string   { return fmt.Sprintf("%08x-0000-4000-8000-000000000001", i) }
func locator(i int) string { return fmt.Sprintf("%08x-0000-4000-8000-000000000002", i) }

// newYard starts the node. memory is cache.memory.
func newYard(t *testing.T, limits, memory string) *yard {
	t.Helper()
	ports := freePorts(t, 3)
	dir := t.TempDir()
	config := filepath.Join(dir, "weir.yaml")
	y := &yard{node: &node{
		t: t, name: "weir", args: []string{"serve", "-config", config}, http: ports[0], ingest: ports[1], admin: ports[2],
	}}
	var c strings.Builder
	fmt.Fprintf(&c, "http: {listen: %q}\ningest:\n  listen: %q\n  limits: %s\nadmin: {listen: %q}\n", y.http, y.ingest, limits, y.admin)
	c.WriteString(rtmpAt("127.0.0.1:0"))
	fmt.Fprintf(&c, "data: {dir: %q}\nlive: {segment: 1s, window: 60s}\ncache: {memory: %s}\n", filepath.Join(dir, "data"), memory)
	var events, assets, outputs, locators strings.Builder
	for i := range yardChannels {
		fmt.Fprintf(&events, "    - {name: c%d, properties: {input: {streamingProtocol: FragmentedMP4, accessToken: %q, keyFrameIntervalDuration: PT1S}}}\n", i, token(i))
		fmt.Fprintf(&assets, "    - {name: c%d, properties: {}}\n", i)
		fmt.Fprintf(&outputs, "    - {name: c%d/out, properties: {assetName: c%d, manifestName: live}}\n", i, i)
		fmt.Fprintf(&locators, "    - {name: c%d, properties: {assetName: c%d, streamingPolicyName: Predefined_ClearStreamingOnly, streamingLocatorId: %q}}\n", i, i, locator(i))
	}
	fmt.Fprintf(&c, "resources:\n  liveEvents:\n%s  assets:\n%s  liveOutputs:\n%s  streamingLocators:\n%s", &events, &assets, &outputs, &locators)
	if err := os.WriteFile(config, []byte(c.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	y.start()
	return y
}

// channel gives the number of a channel that nobody else uses. Number 0 is the healthy encoder's.
func (y *yard) channel() int {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.given++; y.given >= yardChannels {
		y.t.Fatal("the yard has too few channels: raise yardChannels")
	}
	return y.given
}

func mediaListOf(n *node, locator, track string) (string, error) {
	url := n.base() + "/" + locator + "/live.ism/manifest(format=m3u8-cmaf)"
	text, err := get(url)
	if err != nil {
		return "", err
	}
	for _, uri := range mediaPlaylists(string(text)) {
		if strings.Contains(uri, "("+track+",") {
			return resolve(url, uri), nil
		}
	}
	return "", fmt.Errorf("no media playlist of %s in\n%s", track, text)
}

// metric is the sum of the lines of /metrics that a pattern fits.
func (n *node) metric(pattern string) float64 {
	n.t.Helper()
	text, err := get("http://" + n.admin + "/metrics")
	if err != nil {
		n.t.Fatal(err)
	}
	sum := 0.0
	for _, m := range regexp.MustCompile("(?m)^"+pattern+" (\\S+)$").FindAllStringSubmatch(string(text), -1) {
		v, err := strconv.ParseFloat(m[len(m)-1], 64)
		if err != nil {
			n.t.Fatal(err)
		}
		sum += v
	}
	return sum
}

// peakResident is the most memory that the process ever had resident, in bytes.
func (n *node) peakResident() int64 { return n.status("VmHWM") << 10 }

// status is a line of /proc/PID/status that ends in kB.
func (n *node) status(name string) int64 {
	n.t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", n.process.cmd.Process.Pid))
	if err != nil {
		n.t.Skipf("the process's memory cannot be seen here: %v", err)
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+":"); ok {
			kB, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				n.t.Fatal(err)
			}
			return kB
		}
	}
	n.t.Fatalf("no %s", name)
	return 0
}

// startHealthy begins the encoder whose every frame is accounted for, and waits until it is on air.
func (y *yard) startHealthy() {
	y.t.Helper()
	y.healthy = startEncoder(y.t, y.node, token(0), numberedVideo("v"), numberedAudio("a"))
	eventually(y.t, 20*time.Second, "the healthy stream is on air", func() error {
		for _, name := range []string{"v", "a"} {
			list, err := mediaListOf(y.node, locator(0), name)
			if err != nil {
				return err
			}
			if p, err := fetchPlaylist(list); err != nil || len(p.media()) < 1 {
				return fmt.Errorf("%s is not listed: %v", name, err)
			}
		}
		return nil
	})
}

// account ends the healthy encoder and accounts for every frame of it: all are served, once, in order; no GAP, nothing
// dropped, no connection lost.
func (y *yard) account() {
	y.t.Helper()
	y.healthy.stop()
	for _, s := range y.healthy.tracks {
		var v served
		eventually(y.t, 10*time.Second, "the healthy stream is listed to its end", func() error {
			v = servedFrames(y.t, y.node, locator(0), s)
			whole := s.next - 2*s.gopFrames() // the last slot is not whole, and so is not listed
			if n := len(v.frames); n == 0 || v.frames[n-1] < whole {
				return fmt.Errorf("%s: %d of %d frames: %s", s.name, n, s.next, v.shape)
			}
			return nil
		})
		if err := v.unbroken(); err != nil {
			y.t.Errorf("the healthy stream's %s: %v", s.name, err)
		}
		if v.gaps != 0 || v.discontinuities != 0 {
			y.t.Errorf("the healthy stream's %s has %d GAPs and %d discontinuities: %s", s.name, v.gaps, v.discontinuities, v.shape)
		}
		if first := v.frames[0]; first > 3*s.gopFrames() && s.length(s.next) < time.Minute { // the window
			y.t.Errorf("the healthy stream's %s begins with frame %d", s.name, first)
		}
		y.t.Logf("healthy %s: %d frames sent, %d to %d served: %s", s.name, s.next, v.frames[0], v.frames[len(v.frames)-1], v.shape)
	}
	if n := y.metric(`weir_ingest_gaps_total\{channel="c0",[^}]*\}`); n != 0 {
		y.t.Errorf("%v slots of the healthy stream were listed as GAP", n)
	}
	if n := y.metric(`weir_ingest_dropped_total\{channel="c0",reason="(?:[^b]|b[^e])[^"]*",[^}]*\}`); n != 0 {
		y.t.Errorf("%v pieces of the healthy stream were dropped", n)
	}
}

// gopFrames is a second's worth of frames.
func (s *numberedTrack) gopFrames() int { return int(s.timescale / s.frame) }
