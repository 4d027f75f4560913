package e2e

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/bench/push"
)

// TestInstances feeds two nodes the same media with different delays and in different orders, and starts one of them
// again in between. What they serve is the same, byte for byte: segments from the restarted one's first whole slot on,
// playlists and MPDs once its window has refilled.
func TestInstances(t *testing.T) {
	t.Parallel()
	const window = 12 * time.Second
	t.Run("epoch", func(t *testing.T) {
		t.Parallel()
		a := newNode(t, settings{name: "a", window: window})
		b := newNode(t, settings{name: "b", window: window})
		pushDemo(t, a, func(o *push.Options) { o.Epoch, o.Fault = true, delays("a") })
		pushDemo(t, b, func(o *push.Options) { o.Epoch, o.Fault = true, delays("b") })
		compare(t, a, b, window, true)
	})
	t.Run("zero-based, one store", func(t *testing.T) {
		t.Parallel()
		a := newNode(t, settings{name: "a", window: window, shareState: true})
		b := newNode(t, settings{name: "b", window: window, stateURL: "nats://" + a.state})
		zero := time.Now()
		pushDemo(t, a, func(o *push.Options) { o.Start, o.Fault = zero, delays("a") })
		pushDemo(t, b, func(o *push.Options) { o.Start, o.Fault = zero, delays("b") })
		compare(t, a, b, window, false)
	})
	t.Run("Smooth, one store, the encoder restarts", func(t *testing.T) {
		need(t, "ffmpeg")
		t.Parallel()
		a := newNode(t, settings{name: "a", window: window, shareState: true})
		b := newNode(t, settings{name: "b", window: window, stateURL: "nats://" + a.state})
		var n atomic.Int64
		encoders := *a
		encoders.name = "both"
		encoders.ingest = relay(t, map[*node]func() time.Duration{
			a: func() time.Duration { return 30 * time.Millisecond },
			b: func() time.Duration { return time.Duration(250+n.Add(1)%7*60) * time.Millisecond },
		})
		push := func() *process { return pushFFmpeg(t, &encoders, docsSmoothOne, copied(t)) }
		encoder := push()
		for _, n := range []*node{a, b} {
			listedSegments(t, n.base(), 4, 3)
		}
		for range 2 { // in the middle of a GOP, and again at once
			<-time.After(1300 * time.Millisecond)
			encoder.kill()
			<-time.After(2 * time.Second)
			encoder = push()
		}
		again := time.Now()
		listedAfter(t, a, again)
		compareAfter(t, a, b, window, false, func() {
			encoder.kill()
			b.stop()
			b.start()
			encoder = push()
		})
	})
}

// delays delays every chunk by up to 0.6 s, differently for each node and track: tracks overtake each other. What a node
// and track adds is a function of the chunk's time, so that a run can be repeated.
func delays(node string) func(push.Chunk) push.Fault {
	return func(c push.Chunk) push.Fault {
		h := fnv.New32a()
		_, _ = fmt.Fprint(h, node, c.Track)
		usual := time.Duration(h.Sum32()%300) * time.Millisecond
		_, _ = fmt.Fprint(h, c.Media/time.Second)
		return push.Fault{Delay: usual + time.Duration(h.Sum32()%300)*time.Millisecond}
	}
}

// compare restarts b once both nodes list media, and compares the two while the window refills and after it.
func compare(t *testing.T, a, b *node, window time.Duration, alone bool) {
	t.Helper()
	compareAfter(t, a, b, window, alone, func() {
		b.stop()
		b.start()
	})
}

// compareAfter is compare with another restart. alone is set for nodes that share no records.
func compareAfter(t *testing.T, a, b *node, window time.Duration, alone bool, restart func()) {
	t.Helper()
	ra, rb := record(t, a.base()), record(t, b.base())
	for _, r := range []*recorder{ra, rb} {
		listedSegments(t, r.url, 4, 3)
	}
	restart()
	listedSegments(t, rb.url, 4, 2)
	verdict := judge(t, 20*time.Second, a, b)

	// Segments: whatever b lists, a has under the same name with the same bytes.
	first := snapshot(t, rb.url)
	compared := 0
	check := func() {
		urls, err := listing(rb.url, 4, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, url := range slices.Concat(urls, inits(t, rb.url), times(t, rb.url), fragments(t, rb.url)) {
			path := strings.TrimPrefix(url, rb.url)
			same(t, ra, rb, path)
			compared++
		}
	}
	check()

	// Manifests: collected until both have listed a few slots past a refilled window, then compared where they list the
	// same newest slot.
	refilled := first.newestStart().Add(window + 4*time.Second)
	eventually(t, window+20*time.Second, "the window of b is full again", func() error {
		if now := snapshot(t, rb.url); now.newestStart().Before(refilled) {
			return fmt.Errorf("newest segment starts at %v, want %v", now.newestStart(), refilled)
		}
		return nil
	})
	versionsA, versionsB := collect(t, a, b, 7*time.Second)
	check()
	verdict.clean(t)
	if compared < 40 {
		t.Errorf("only %d segments and init segments were compared", compared)
	}
	for _, path := range slices.Sorted(maps.Keys(versionsB)) {
		common := 0
		for version, text := range versionsB[path] {
			other, ok := versionsA[path][version]
			if !ok {
				continue
			}
			common++
			if alone {
				text, other = shared.ReplaceAll(text, nil), shared.ReplaceAll(other, nil)
			}
			if !bytes.Equal(text, other) {
				t.Errorf("%s at %s: a says\n%s\nb says\n%s", path, version, other, text)
			}
		}
		if common < 2 && strings.Contains(path, "Manifest(") || common < 1 {
			t.Errorf("%s: only %d versions in common: %v and %v", path, common,
				slices.Sorted(maps.Keys(versionsA[path])), slices.Sorted(maps.Keys(versionsB[path])))
		}
		t.Logf("%s: %d versions in common", path, common)
	}
}

// same fails the test where the two nodes do not serve the same bytes under a path that b lists. What a's encoder sends
// later comes later to a: it is waited for.
func same(t *testing.T, ra, rb *recorder, path string) {
	t.Helper()
	y, err := rb.get(path)
	if err != nil {
		t.Errorf("listed, and not there: %v", err)
		return
	}
	var x []byte
	eventually(t, 4*time.Second, "a has what b lists", func() (err error) {
		x, err = ra.get(path)
		return err
	})
	if !bytes.Equal(x, y) {
		t.Errorf("%s: %d bytes from a, %d from b, and not the same ones", path, len(x), len(y))
	}
}

// inits returns the URLs of the init segments that a node's playlists name.
func inits(t *testing.T, base string) []string {
	t.Helper()
	var urls []string
	for uri, p := range snapshot(t, base).playlists {
		for _, s := range p.segments {
			if url := resolve(resolve(base+hlsPath, uri), s.init); !slices.Contains(urls, url) {
				urls = append(urls, url)
			}
		}
	}
	return urls
}

// times returns the URLs of the segments that a node's MPD lists.
func times(t *testing.T, base string) []string {
	t.Helper()
	text, err := get(base + dashPath)
	if err != nil {
		t.Fatal(err)
	}
	_, list, err := parseMPD(text)
	if err != nil {
		t.Fatal(err)
	}
	var urls []string
	for _, s := range list {
		urls = append(urls, resolve(base+dashPath, s.uri))
	}
	return urls
}

// newestStart is where the newest segment of media starts that every playlist lists.
func (l listings) newestStart() time.Time {
	var newest time.Time
	for _, p := range l.playlists {
		list := p.media()
		if len(list) == 0 {
			return time.Time{}
		}
		if start := list[len(list)-1].start; newest.IsZero() || start.Before(newest) {
			newest = start
		}
	}
	return newest
}

// shared says what nodes that share no records need not agree on: how their encoders' bursts looked to them.
var shared = regexp.MustCompile(`,PART-HOLD-BACK=[0-9.]+| availabilityTimeOffset="[0-9.]+"| dT="\d+"| suggestedPresentationDelay="[^"]*"| minBufferTime="[^"]*"|<Latency [^>]*>`)

// collect polls the manifests of two nodes for a while and returns their versions by path: playlists by what they hint at,
// or by their newest number, MPDs by publishTime, the multivariant playlist as one version. A node that says two things under one version
// fails the test.
func collect(t *testing.T, a, b *node, length time.Duration) (versionsA, versionsB map[string]map[string][]byte) {
	until := time.Now().Add(length)
	poll := func(base string) map[string]map[string][]byte {
		versions := map[string]map[string][]byte{}
		for time.Now().Before(until) {
			paths := []string{hlsPath, dashPath}
			if text, err := get(base + hlsPath); err == nil {
				for _, uri := range mediaPlaylists(string(text)) {
					paths = append(paths, strings.TrimPrefix(resolve(base+hlsPath, uri), base))
				}
			}
			for _, path := range paths {
				text, err := get(base + path)
				if err != nil {
					continue
				}
				version := "the only version"
				if p, err := parsePlaylist(string(text)); err == nil && p.target > 0 {
					version = fmt.Sprint(p.last())
					if _, hint, ok := bytes.Cut(text, []byte("#EXT-X-PRELOAD-HINT:")); ok {
						hint, _, _ = bytes.Cut(hint, []byte("\n"))
						version = string(hint)
					}
				} else if m, _, err := parseMPD(text); err == nil {
					version = m.Published
				}
				if versions[path] == nil {
					versions[path] = map[string][]byte{}
				}
				if before, ok := versions[path][version]; ok && !bytes.Equal(before, text) {
					t.Errorf("%s%s at %s was\n%s\nand is\n%s", base, path, version, before, text)
				}
				versions[path][version] = text
			}
			<-time.After(150 * time.Millisecond)
		}
		return versions
	}
	var group sync.WaitGroup
	group.Go(func() { versionsA = poll(a.base()) })
	group.Go(func() { versionsB = poll(b.base()) })
	group.Wait()
	return versionsA, versionsB
}
