package e2e

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What every node of the tests publishes: one channel, known by these.
const (
	accessToken = "0a1b2c3d00004000800000000000abcd"
	locatorID   = "5f3c8a52-0d1e-4b5a-9c7d-2a6e8f904b11"
	hlsPath     = "/" + locatorID + "/live.ism/manifest(format=m3u8-cmaf)"
	dashPath    = "/" + locatorID + "/live.ism/manifest(format=mpd-time-cmaf)"
	lowDashPath = "/" + locatorID + "/live.ism/manifest(format=mpd-time-cmaf-ll)"
	smoothPath  = "/" + locatorID + "/live.ism/manifest"
)

// A node is a weir under test. Its addresses and its data stay the same when it is started again.
type node struct {
	t       *testing.T
	name    string
	args    []string // of weir
	env     []string
	http    string // host:port of the public listener
	ingest  string // of the encoder listener
	rtmp    string // of RTMP's
	admin   string
	state   string // of the state store, if the node shares it
	process *process
}

// Settings are what differs between the nodes of the tests; the zero value is weir's own default.
type settings struct {
	name       string        // in logs
	window     time.Duration // live.window
	segment    time.Duration // live.segment
	part       time.Duration // live.part
	list       bool          // page.list
	stateURL   string        // state.url
	shareState bool          // state.listen
	tracks     []string      // declared tracks
	access     bool          // log.access
}

// rtmpAt has a node take RTMP there, and not on the ports that all nodes of one machine would take.
func rtmpAt(address string) string {
	return fmt.Sprintf("rtmp: {listen: %q, listenSecondary: '', tls: {listen: '', listenSecondary: ''}}\n", address)
}

// newNode writes a node's configuration and starts it.
func newNode(t *testing.T, s settings) *node {
	t.Helper()
	if s.name == "" {
		s.name = "weir"
	}
	ports := freePorts(t, 5)
	dir := t.TempDir()
	config := filepath.Join(dir, "weir.yaml")
	n := &node{
		t: t, name: s.name, args: []string{"serve", "-config", config},
		http: ports[0], ingest: ports[1], admin: ports[2], state: ports[3], rtmp: ports[4],
	}
	var c strings.Builder
	c.WriteString(rtmpAt(n.rtmp))
	fmt.Fprintf(&c, "http: {listen: %q}\ningest: {listen: %q}\nadmin: {listen: %q}\n", n.http, n.ingest, n.admin)
	fmt.Fprintf(&c, "data: {dir: %q}\n", filepath.Join(dir, "data"))
	fmt.Fprintf(&c, "page: {list: %v}\nlog: {access: %v}\n", s.list, s.access)
	live := map[string]time.Duration{"window": s.window, "segment": s.segment, "part": s.part}
	maps.DeleteFunc(live, func(_ string, d time.Duration) bool { return d == 0 })
	if len(live) > 0 {
		c.WriteString("live:\n")
		for key, d := range live {
			fmt.Fprintf(&c, "  %s: %q\n", key, d)
		}
	}
	switch {
	case s.stateURL != "":
		fmt.Fprintf(&c, "state: {url: %q}\n", s.stateURL)
	case s.shareState:
		fmt.Fprintf(&c, "state: {listen: %q}\n", n.state)
	}
	weir := ""
	if len(s.tracks) > 0 {
		weir = fmt.Sprintf(", weir: {tracks: [%s]}", strings.Join(s.tracks, ", "))
	}
	fmt.Fprintf(&c, `resources:
  liveEvents:
    - {name: live, properties: {input: {streamingProtocol: FragmentedMP4, accessToken: %q}%s}}
  assets:
    - {name: live, properties: {}}
  liveOutputs:
    - {name: live/out, properties: {assetName: live, manifestName: live}}
  streamingLocators:
    - {name: live, properties: {assetName: live, streamingPolicyName: Predefined_ClearStreamingOnly, streamingLocatorId: %q}}
`, accessToken, weir, locatorID)
	if err := os.WriteFile(config, []byte(c.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	n.start()
	return n
}

// newDemo starts 'weir demo' on free ports.
func newDemo(t *testing.T) *node {
	t.Helper()
	ports := freePorts(t, 3)
	n := &node{t: t, name: "demo", args: []string{"demo"}, http: ports[0], ingest: ports[1], admin: ports[2]}
	n.env = []string{
		"WEIR_HTTP_LISTEN=" + n.http, "WEIR_INGEST_LISTEN=" + n.ingest, "WEIR_RTMP_LISTEN=", "WEIR_ADMIN_LISTEN=" + n.admin,
		"WEIR_DATA_DIR=" + t.TempDir(),
	}
	n.start()
	return n
}

// start starts the node and waits until it says that it is ready.
func (n *node) start() {
	n.t.Helper()
	cmd := exec.Command(binary(n.t), n.args...)
	cmd.Env = append(os.Environ(), n.env...)
	n.process = start(n.t, n.name, cmd)
	eventually(n.t, 20*time.Second, n.name+" ready", func() error {
		if !n.process.running() {
			n.t.Fatalf("%s has ended: %v\n%s", n.name, n.process.err, tail(n.process.log, 10))
		}
		_, err := get("http://" + n.admin + "/readyz")
		return err
	})
}

// stop ends the node as an operator would.
func (n *node) stop() {
	n.t.Helper()
	if err := n.process.stop(20 * time.Second); err != nil {
		n.t.Errorf("%s does not stop cleanly: %v", n.name, err)
	}
}

func (n *node) base() string       { return "http://" + n.http }
func (n *node) publishing() string { return "http://" + n.ingest + "/" + accessToken + "/ingest.isml" }
func (n *node) live() string       { return "rtmp://" + n.rtmp + "/live/" + accessToken }

// freePorts returns addresses on the loopback that nobody listens on. They lie below the range from which the kernel
// takes ports for outgoing connections, so that a node that is started again finds them free.
func freePorts(t *testing.T, count int) []string {
	t.Helper()
	var list []string
	for len(list) < count {
		address := fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(20000))
		ln, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		defer func() { _ = ln.Close() }()
		list = append(list, address)
	}
	return list
}

// eventually calls f until it returns nil, and fails the test after limit with f's last error.
func eventually(t *testing.T, limit time.Duration, what string, f func() error) {
	t.Helper()
	begun := time.Now()
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Since(begun) > limit {
			t.Fatalf("%s: not after %v: %v", what, limit, err)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// client asks without compression, one connection a request, so that a restarted node is not met with a dead one.
var client = &http.Client{
	Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	Timeout:   10 * time.Second,
}

// A statusError is an answer other than 200.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return fmt.Sprintf("%d %s", e.status, e.text) }

// get returns the body of a 200, and an error for anything else.
func get(url string) ([]byte, error) {
	answer, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", url, err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %w", url, &statusError{answer.StatusCode, string(body)})
	}
	return body, nil
}
