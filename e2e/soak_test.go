package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/bench/demo"
	"weir/bench/push"
)

// TestSoak runs weir for WEIR_SOAK (make soak) with a channel for each way to push, under encoders that go and come back
// every 5 to 60 seconds. What is listed can be fetched, the recorder sees to names and numbers, memory, goroutines and
// file descriptors stay flat, and when the encoders have settled at the end, weir check has nothing to say.
func TestSoak(t *testing.T) {
	if os.Getenv("WEIR_SOAK") == "" {
		t.Skip("make soak runs this")
	}
	need(t, "ffmpeg")
	length, err := time.ParseDuration(os.Getenv("WEIR_SOAK"))
	if err != nil {
		t.Fatal(err)
	}
	s := newSoak(t, min(time.Minute, max(length/4, 12*time.Second)))
	begun := time.Now()
	for tick := time.NewTicker(500 * time.Millisecond); time.Since(begun) < length && !t.Failed(); <-tick.C {
		for _, e := range s.encoders {
			e.flap(t)
		}
		s.look(t)
		s.sample(t, begun)
	}
	s.flat(t)
	if !t.Failed() {
		s.settle(t)
		s.checked(t)
	}
}

// A soak is a node with a channel for each mode of ffmpeg, and one for each format of the pusher.
type soak struct {
	*node
	r        *recorder
	paths    []string // of the channels' HLS
	encoders []*flapping
	steady   atomic.Bool       // encoders go no more
	seen     []map[string]bool // what each channel lists, and has been fetched
	looked   time.Time
	looks    int
	names    int
	samples  []load
}

// A load is what the node takes at a time.
type load struct{ resident, goroutines, files, held float64 }

func newSoak(t *testing.T, window time.Duration) *soak {
	t.Helper()
	random := rand.NewPCG(uint64(time.Now().UnixNano()), 0)
	s := &soak{node: manyChannels(t, len(modes)+2, window)}
	for i := range len(modes) + 2 {
		s.paths = append(s.paths, channelPath(i))
		s.seen = append(s.seen, map[string]bool{})
	}
	s.r = record(t, s.base())
	for i, m := range modes {
		publishing, live, feed := s.publishingTo(i), s.liveTo(i), copied(t)
		e := &flapping{name: m.name, random: rand.New(random), steady: &s.steady, command: func() *exec.Cmd { return ffmpegCommand(t, publishing, live, m.docs, feed) }}
		s.encoders = append(s.encoders, e)
		t.Cleanup(e.end)
	}
	tracks, err := demo.Tracks()
	if err != nil {
		t.Fatal(err)
	}
	for i, format := range []push.Format{push.CMAF, push.Smooth} {
		o := push.Options{URL: s.publishingTo(len(modes) + i), Tracks: tracks, Epoch: true, Format: format, Fault: s.breakOften}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- push.Run(ctx, o) }()
		t.Cleanup(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	return s
}

// manyChannels starts a node with so many channels.
func manyChannels(t *testing.T, count int, window time.Duration) *node {
	t.Helper()
	ports := freePorts(t, 4)
	dir := t.TempDir()
	config := filepath.Join(dir, "weir.yaml")
	n := &node{t: t, name: "weir", args: []string{"serve", "-config", config}, http: ports[0], ingest: ports[1], admin: ports[2], rtmp: ports[3]}
	var events, assets, outputs, locators strings.Builder
	for i := range count {
		fmt.Fprintf(&events, "    - {name: c%d, properties: {input: {streamingProtocol: FragmentedMP4, accessToken: %q}}}\n", i, token(i))
		fmt.Fprintf(&assets, "    - {name: c%d, properties: {}}\n", i)
		fmt.Fprintf(&outputs, "    - {name: c%d/out, properties: {assetName: c%d, manifestName: live}}\n", i, i)
		fmt.Fprintf(&locators, "    - {name: c%d, properties: {assetName: c%d, streamingPolicyName: Predefined_ClearStreamingOnly, streamingLocatorId: %q}}\n", i, i, locator(i))
	}
	text := rtmpAt(n.rtmp) + fmt.Sprintf("http: {listen: %q}\ningest: {listen: %q}\nadmin: {listen: %q}\ndata: {dir: %q}\nlive: {window: %q}\n",
		n.http, n.ingest, n.admin, filepath.Join(dir, "data"), window) +
		"resources:\n  liveEvents:\n" + events.String() + "  assets:\n" + assets.String() + "  liveOutputs:\n" + outputs.String() +
		"  streamingLocators:\n" + locators.String()
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n.start()
	return n
}

// channelPath is where the manifests of one of many channels are.
func channelPath(i int) string { return "/" + locator(i) + "/live.ism/" }

// publishingTo is the publishing point of one of many channels.
func (n *node) publishingTo(i int) string {
	return "http://" + n.ingest + "/" + token(i) + "/ingest.isml"
}

// liveTo is where RTMP is published to one of many channels.
func (n *node) liveTo(i int) string { return "rtmp://" + n.rtmp + "/live/" + token(i) }

// breakOften breaks each track's connection every 10 to 60 seconds of its media, in one way or the other.
func (s *soak) breakOften(c push.Chunk) push.Fault {
	if !c.Segment || s.steady.Load() {
		return push.Fault{}
	}
	switch slot := int64(c.Media/(2*time.Second)) + int64(len(c.Track)); slot % 30 {
	case 0, 17:
		return push.Fault{Cut: push.Reset, Down: time.Duration(slot%5) * time.Second}
	case 5, 24:
		return push.Fault{Cut: push.End}
	}
	return push.Fault{}
}

// A flapping is an encoder that is killed and started again, over and over.
type flapping struct {
	name    string
	random  *rand.Rand
	command func() *exec.Cmd
	process *process  // nil: it is away
	next    time.Time // when it goes or comes
	starts  int
	steady  *atomic.Bool
}

// flap does what is due.
func (e *flapping) flap(t *testing.T) {
	t.Helper()
	now := time.Now()
	switch {
	case e.process != nil && !e.process.running(): // it gave up by itself: weir closed on it
		e.process, e.next = nil, now.Add(time.Second)
	case now.Before(e.next):
	case e.process == nil:
		e.process = launch(t, e.name, e.command())
		e.next = now.Add(5*time.Second + time.Duration(e.random.Int64N(int64(55*time.Second))))
		e.starts++
	case !e.steady.Load():
		if e.random.IntN(2) == 0 {
			e.process.kill()
		} else if err := e.process.stop(5 * time.Second); err != nil && !strings.Contains(err.Error(), "exit status") {
			t.Logf("%s: %v", e.name, err)
		}
		e.process, e.next = nil, now.Add(time.Duration(e.random.Int64N(int64(8*time.Second))))
	}
}

func (e *flapping) end() {
	if e.process != nil {
		e.process.kill()
	}
}

// look fetches, every two seconds, what the channels list that is new, and now and then all of it.
func (s *soak) look(t *testing.T) {
	t.Helper()
	if time.Since(s.looked) < 2*time.Second {
		return
	}
	s.looked = time.Now()
	s.looks++
	for i, path := range s.paths {
		listed, asked := map[string]bool{}, time.Now()
		for _, url := range s.list(t, path) {
			if !s.seen[i][url] || s.looks%30 == i {
				if _, err := get(url); err != nil && time.Since(asked) > 15*time.Second {
					t.Logf("this machine stood still: %v after the list was read, %v", time.Since(asked).Round(time.Second), err)
					break
				} else if err != nil {
					t.Errorf("listed, and not there: %v", err)
				}
			}
			if !s.seen[i][url] {
				s.names++
			}
			listed[url] = true
		}
		s.seen[i] = listed
	}
}

// list returns what a channel's manifests list; nothing before it has media.
func (s *soak) list(t *testing.T, path string) (urls []string) {
	t.Helper()
	manifest := s.r.url + path + "manifest(format=m3u8-cmaf)"
	text, err := get(manifest)
	if hasStatus(err, 404) || hasStatus(err, 412) {
		return nil
	}
	if err != nil {
		t.Error(err)
		return nil
	}
	for _, uri := range mediaPlaylists(string(text)) {
		list := resolve(manifest, uri)
		p, err := fetchPlaylist(list)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, m := range p.media() {
			urls = append(urls, resolve(list, m.uri))
		}
	}
	manifest = s.r.url + path + "manifest(format=mpd-time-cmaf)"
	text, err = get(manifest)
	if err != nil {
		t.Error(err)
		return urls
	}
	_, segments, err := parseMPD(text)
	if err != nil {
		t.Errorf("%s: %v", manifest, err)
	}
	for _, m := range segments {
		urls = append(urls, resolve(manifest, m.uri))
	}
	return urls
}

// sample takes the node's load every five seconds.
func (s *soak) sample(t *testing.T, begun time.Time) {
	t.Helper()
	if since := time.Since(begun); int(since/(5*time.Second)) < len(s.samples) {
		return
	}
	s.samples = append(s.samples, load{
		resident:   s.metric("process_resident_memory_bytes"),
		goroutines: s.metric("go_goroutines"),
		files:      s.metric("process_open_fds"),
		held:       s.metric(`weir_channel_held_bytes\{[^}]*\}`),
	})
	if len(s.samples)%24 == 1 && len(s.encoders) > 0 {
		starts := 0
		for _, e := range s.encoders {
			starts += e.starts
		}
		t.Logf("%v: %v; %d names fetched, encoders started %d times", time.Since(begun).Round(time.Second), s.samples[len(s.samples)-1], s.names, starts)
	}
}

func (l load) String() string {
	return fmt.Sprintf("%.0f MiB resident, %.0f MiB held, %.0f goroutines, %.0f files", l.resident/(1<<20), l.held/(1<<20), l.goroutines, l.files)
}

// flat compares the usual load of the last quarter with that of the second one: the first fills windows and pools, which
// takes three minutes. It allows a tenth more, and a little that does not depend on length.
func (s *soak) flat(t *testing.T) {
	t.Helper()
	quarter := len(s.samples) / 4
	if quarter < 36 {
		t.Logf("too short to tell whether the load is flat: %d samples", len(s.samples))
		return
	}
	usual := func(list []load, of func(load) float64) float64 {
		var values []float64
		for _, l := range list {
			values = append(values, of(l))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	for what, c := range map[string]struct {
		of     func(load) float64
		little float64
	}{
		"resident memory":  {func(l load) float64 { return l.resident }, 16 << 20},
		"goroutines":       {func(l load) float64 { return l.goroutines }, 20},
		"file descriptors": {func(l load) float64 { return l.files }, 20},
	} {
		before, after := usual(s.samples[quarter:2*quarter], c.of), usual(s.samples[len(s.samples)-quarter:], c.of)
		t.Logf("%s: usually %.0f in the second quarter, %.0f in the last", what, before, after)
		if after > before*1.1+c.little {
			t.Errorf("%s grew from %.0f to %.0f", what, before, after)
		}
	}
}

// settle lets the encoders run until no channel lists a hole any more.
func (s *soak) settle(t *testing.T) {
	t.Helper()
	s.steady.Store(true)
	eventually(t, 4*time.Minute, "no channel lists a hole", func() error {
		for _, e := range s.encoders {
			e.flap(t)
		}
		for _, path := range s.paths {
			manifest := s.r.url + path + "manifest(format=m3u8-cmaf)"
			text, err := get(manifest)
			if err != nil {
				return err
			}
			for _, uri := range mediaPlaylists(string(text)) {
				p, err := fetchPlaylist(resolve(manifest, uri))
				if err != nil {
					return err
				}
				if shape := p.shape(); strings.Contains(shape, "G") || len(p.media()) == 0 {
					return fmt.Errorf("%s: %s", uri, shape)
				}
			}
		}
		<-time.After(time.Second)
		return nil
	})
}

// checked runs weir check on every format of every channel.
func (s *soak) checked(t *testing.T) {
	t.Helper()
	var running []*process
	for i, path := range s.paths {
		base := s.base() + path
		urls := []string{base + "manifest(format=m3u8-cmaf)", base + "manifest(format=mpd-time-cmaf)", base + "manifest"}
		if _, err := get(base + "manifest(format=mpd-number-cmaf)"); err == nil { // encoders that send UTC have it
			urls = append(urls, base+"manifest(format=mpd-number-cmaf)")
		}
		running = append(running, start(t, fmt.Sprint("check-c", i), exec.Command(binary(t), append([]string{"check", "-quiet", "-for", "30s"}, urls...)...)))
	}
	for i, p := range running {
		if err := p.wait(2 * time.Minute); err != nil {
			t.Errorf("weir check of %s: %v", s.paths[i], err)
		}
	}
}
