package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// asWeir tells a copy of the test binary to be the command: tests that kill need a process of their own.
const asWeir = "WEIR_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asWeir) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// A process is a running weir.
type process struct {
	t   *testing.T
	cmd *exec.Cmd

	mu    sync.Mutex
	lines []string
	addrs map[string]string // by key
	ready chan struct{}     // closed when it serves, or has ended
	ended chan struct{}
	err   error // how it ended
}

// accessToken and locator are those of the channel in config.
const (
	accessToken = "0a1b2c3d00004000800000000000abcd"
	locator     = "11111111-2222-4333-8444-000000000001"
)

// writeConfig writes a configuration with one channel on free ports and returns its path.
func writeConfig(t *testing.T, more string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "weir.yaml")
	text := fmt.Sprintf(`log: {format: json}
data: {dir: %q}
http: {listen: "127.0.0.1:0", limits: {readTimeout: 1m}}
ingest: {listen: "127.0.0.1:0"}
rtmp: {listen: "127.0.0.1:0", listenSecondary: "127.0.0.1:0", tls: {listen: "127.0.0.1:0", listenSecondary: "127.0.0.1:0"}}
admin: {listen: "127.0.0.1:0", tokens: [{name: ops, token: s3cret, role: contributor}, {name: eye, token: l00k, role: reader}]}
resources:
  liveEvents:
    - {name: live, properties: {input: {streamingProtocol: FragmentedMP4, accessToken: %s, keyFrameIntervalDuration: PT2S}}}
  assets:
    - {name: live}
  liveOutputs:
    - {name: live/out, properties: {assetName: live, manifestName: live}}
  streamingLocators:
    - {name: live, properties: {assetName: live, streamingPolicyName: Predefined_ClearStreamingOnly, streamingLocatorId: %s}}
%s`, filepath.Join(t.TempDir(), "data"), accessToken, locator, more)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// startProcess starts weir and waits until it serves.
func startProcess(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{
		t: t, cmd: exec.Command(os.Args[0], args...), addrs: map[string]string{},
		ready: make(chan struct{}), ended: make(chan struct{}),
	}
	p.cmd.Env = append(os.Environ(), asWeir+"=1")
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(stderr)
	t.Cleanup(func() {
		p.signal(os.Kill)
		<-p.ended
		if t.Failed() {
			p.mu.Lock()
			defer p.mu.Unlock()
			for _, l := range p.lines {
				t.Log(l)
			}
		}
	})
	select {
	case <-p.ready:
	case <-time.After(20 * time.Second):
		t.Fatal("weir does not serve after 20 s")
	}
	select {
	case <-p.ended:
		t.Fatalf("weir has ended: %v", p.err)
	default:
	}
	return p
}

// read notes what weir logs, and how it ends.
func (p *process) read(stderr io.Reader) {
	defer close(p.ended)
	serving := sync.OnceFunc(func() { close(p.ready) })
	defer serving()
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		var l struct{ Msg, Key, Addr string }
		_ = json.Unmarshal(lines.Bytes(), &l) // a line that is no JSON is only kept
		p.mu.Lock()
		p.lines = append(p.lines, lines.Text())
		if l.Msg == "listening" {
			p.addrs[l.Key] = l.Addr
		}
		p.mu.Unlock()
		if l.Msg == "serving" {
			serving()
		}
	}
	p.err = p.cmd.Wait()
}

func (p *process) signal(s os.Signal) { _ = p.cmd.Process.Signal(s) } // an ended process has nothing to be told

// end waits until weir has ended.
func (p *process) end(within time.Duration) error {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.err
	case <-time.After(within):
		p.t.Fatalf("weir has not ended after %v", within)
		return nil
	}
}

func (p *process) addr(key string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.addrs[key]
}

func (p *process) publishing() string {
	return "http://" + p.addr("ingest.listen") + "/" + accessToken + "/ingest.isml"
}

func (p *process) streaming() string {
	return "http://" + p.addr("http.listen") + "/" + locator + "/live.ism/"
}

// get asks for a URL and returns status and body; the status is 0 where nobody answers.
func get(t *testing.T, url, bearer string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err.Error()
	}
	return answer.StatusCode, string(body)
}

// eventually polls until f is satisfied, and fails the test when it is not after a time.
func eventually(t *testing.T, within time.Duration, what string, f func() (ok bool, seen string)) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		ok, seen := f()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not after %v; last seen:\n%s", what, within, seen)
		}
		<-time.After(100 * time.Millisecond)
	}
}

// command runs weir to its end and returns all that it printed.
func command(t *testing.T, env string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asWeir+"=1", env)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
