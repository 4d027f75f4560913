//go:build linux

package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// build builds the weir of this module.
func (b *bench) build(ctx context.Context) (string, error) {
	b.say("building weir")
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("go list: %w (run this inside weir's module, or name a binary with -weir)", err)
	}
	binary := filepath.Join(b.dir, "weir")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/weir")
	cmd.Dir = strings.TrimSpace(string(root))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build ./cmd/weir: %w\n%s", err, out)
	}
	return binary, nil
}

// A node is a weir under test, on its own core with one processor. It has channels c0, c1, … with a track v each.
type node struct {
	*process
	public, encoder, admin string // host:port
}

// profileToken opens the profiles of the node, which lives on the loopback address and for minutes only.
const profileToken = "bench"

// A nodeCase is what a measurement sets of weir's configuration; the rest is as it comes.
type nodeCase struct {
	channels int
	window   time.Duration // live.window
	memory   int64         // cache.memory
	part     time.Duration // live.part; 0: the default
}

// startNode starts weir with a number of channels and waits until it is ready.
func (b *bench) startNode(ctx context.Context, c nodeCase) (*node, error) {
	if _, err := exec.LookPath("taskset"); err != nil {
		return nil, errors.New("taskset is missing: apt-get install util-linux")
	}
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	n := &node{public: ports[0], encoder: ports[1], admin: ports[2]}
	dir, err := os.MkdirTemp(b.dir, "node-")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "weir.yaml")
	if err := os.WriteFile(path, []byte(n.config(filepath.Join(dir, "data"), c)), 0o600); err != nil {
		return nil, err
	}
	cmd := pinned(ctx, b.cpus.Server, b.binary, "serve", "-config", path)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	if n.process, err = start("weir", cmd, filepath.Join(dir, "log")); err != nil {
		return nil, err
	}
	err = eventually(ctx, 20*time.Second, func() error {
		if err := n.ended(); err != nil {
			return permanentError{err}
		}
		_, err := fetch(ctx, "http://"+n.admin+"/readyz")
		return err
	})
	if err != nil {
		n.stop()
		return nil, err
	}
	return n, nil
}

// config is weir's configuration: the defaults, but for what a measurement must set.
func (n *node) config(data string, nc nodeCase) string {
	var c strings.Builder
	part := ""
	if nc.part > 0 {
		part = fmt.Sprintf(", part: %s", nc.part)
	}
	fmt.Fprintf(&c, "http: {listen: %q}\nadmin: {listen: %q, tokens: [{name: bench, token: %s, role: contributor}]}\n", n.public, n.admin, profileToken)
	fmt.Fprintf(&c, "ingest: {listen: %q, limits: {channelRate: 100GB}}\n", n.encoder) // the door's brake is not what is measured
	c.WriteString("rtmp: {listen: '', listenSecondary: '', tls: {listen: '', listenSecondary: ''}}\n")
	fmt.Fprintf(&c, "data: {dir: %q}\nlive: {window: %s%s}\ncache: {memory: %d}\nlog: {level: warn}\nresources:\n", data, nc.window, part, nc.memory)
	lists := []struct{ kind, entry string }{
		{"liveEvents", "{name: c%[1]d, properties: {input: {streamingProtocol: FragmentedMP4, accessToken: %[2]s, keyFrameIntervalDuration: PT2S}, weir: {tracks: [v]}}}"},
		{"assets", "{name: c%[1]d, properties: {}}"},
		{"liveOutputs", "{name: c%[1]d/out, properties: {assetName: c%[1]d, manifestName: live}}"},
		{"streamingLocators", "{name: c%[1]d, properties: {assetName: c%[1]d, streamingPolicyName: Predefined_ClearStreamingOnly, streamingLocatorId: %[2]s}}"},
	}
	for _, list := range lists {
		fmt.Fprintf(&c, "  %s:\n", list.kind)
		for i := range nc.channels {
			fmt.Fprintf(&c, "    - "+list.entry+"\n", i, guid(i))
		}
	}
	return c.String()
}

// guid is the access token and the locator of channel i.
func guid(i int) string { return fmt.Sprintf("be2c4000-0000-4000-8000-%012d", i) }

// publishing is where channel i's encoder pushes.
func (n *node) publishing(i int) string {
	return fmt.Sprintf("http://%s/%s/ingest.isml", n.encoder, guid(i))
}

// presentation is the folder of channel i's manifests.
func (n *node) presentation(i int) string {
	return fmt.Sprintf("http://%s/%s/live.ism/", n.public, guid(i))
}

// metric sums a metric over its labels.
func (n *node) metric(ctx context.Context, name string) (float64, error) {
	text, err := fetch(ctx, "http://"+n.admin+"/metrics")
	if err != nil {
		return 0, err
	}
	return sumMetric(string(text), name)
}

// sumMetric sums the samples of one name in Prometheus's text.
func sumMetric(text, name string) (float64, error) {
	sum := 0.0
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(rest, ' ')+1:]), 64)
		if err != nil {
			return 0, fmt.Errorf("metric %s: %w", name, err)
		}
		sum += v
	}
	return sum, nil
}

// put stores an object on a bare server.
func put(ctx context.Context, url string, content []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader(content))
	if err != nil {
		return err
	}
	answer, err := plainClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, answer.Status)
	}
	return nil
}

// fetch returns the body of a 200.
func fetch(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+profileToken)
	answer, err := plainClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %.200s", answer.StatusCode, body)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", url, err)
	}
	return body, nil
}

var plainClient = &http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}, Timeout: 2 * time.Minute}

// A permanentError ends eventually.
type permanentError struct{ error }

// eventually calls f until it returns nil, for so long at most.
func eventually(ctx context.Context, limit time.Duration, f func() error) error {
	for end := time.Now().Add(limit); ; {
		err := f()
		if err == nil {
			return nil
		}
		if permanent, ok := err.(permanentError); ok {
			return permanent.error
		}
		if time.Now().After(end) {
			return fmt.Errorf("not within %v: %w", limit, err)
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// freePorts finds loopback addresses that nobody listens on.
func freePorts(count int) ([]string, error) {
	var list []string
	for range count {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer ln.Close()
		list = append(list, ln.Addr().String())
	}
	return list, nil
}
