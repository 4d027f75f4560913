package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/bench/demo"
	"weir/bench/push"
)

// pushDemo pushes the demo's loop until the returned function is called.
func pushDemo(t *testing.T, url string, epoch bool) (stop func()) {
	t.Helper()
	tracks, err := demo.Tracks()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- push.Run(ctx, push.Options{URL: url, Tracks: tracks, Epoch: epoch}) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	return stop
}

// A playlist is what the tests read of an HLS media playlist.
type playlist struct {
	text        string
	sequence    uint64
	segments    []string  // names, GAPs left out
	numbers     []uint64  // of them
	first, last time.Time // of their starts
}

var (
	sequenceLine = regexp.MustCompile(`#EXT-X-MEDIA-SEQUENCE:(\d+)`)
	timeLine     = regexp.MustCompile(`#EXT-X-PROGRAM-DATE-TIME:(\S+)`)
	numberOf     = regexp.MustCompile(`=n(\d+)\)`)
)

// fetchPlaylist fetches the media playlist of the first rendition; ok is false while there is none.
func fetchPlaylist(t *testing.T, base string) (p playlist, ok bool) {
	t.Helper()
	status, multivariant := get(t, base+"manifest(format=m3u8-cmaf)", "")
	if status != 200 {
		p.text = multivariant
		return p, false
	}
	variant := ""
	for line := range strings.Lines(multivariant) {
		if !strings.HasPrefix(line, "#") {
			variant = strings.TrimSpace(line)
			break
		}
	}
	if status, p.text = get(t, base+variant, ""); status != 200 {
		return p, false
	}
	if m := sequenceLine.FindStringSubmatch(p.text); m != nil {
		p.sequence, _ = strconv.ParseUint(m[1], 10, 64)
	}
	folder, _, _ := strings.Cut(variant, "/")
	gap := false
	var at time.Time
	for line := range strings.Lines(p.text) {
		line = strings.TrimSpace(line)
		if m := timeLine.FindStringSubmatch(line); m != nil {
			at, _ = time.Parse(time.RFC3339Nano, m[1])
		}
		gap = gap || line == "#EXT-X-GAP"
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if m := numberOf.FindStringSubmatch(line); m != nil && !gap {
			n, _ := strconv.ParseUint(m[1], 10, 64)
			p.segments, p.numbers, p.last = append(p.segments, folder+"/"+line), append(p.numbers, n), at
			if len(p.numbers) == 1 {
				p.first = at
			}
		}
		gap = false
	}
	return p, len(p.segments) > 0
}

// waitForMedia waits until the playlist lists so many segments beyond number after.
func waitForMedia(t *testing.T, base string, count int, after uint64) playlist {
	t.Helper()
	var p playlist
	eventually(t, 25*time.Second, fmt.Sprintf("%d segments after %d", count, after), func() (bool, string) {
		p, _ = fetchPlaylist(t, base)
		newer := 0
		for _, n := range p.numbers {
			if n > after {
				newer++
			}
		}
		return newer >= count, p.text
	})
	return p
}

// TestServe pushes, plays, kills and starts again: numbers go on, in step with the time.
func TestServe(t *testing.T) {
	for name, epoch := range map[string]bool{"epoch": true, "zero-based": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := writeConfig(t, "")
			first := startProcess(t, "serve", "-config", config)
			stop := pushDemo(t, first.publishing(), epoch)
			before := waitForMedia(t, first.streaming(), 2, 0)
			for _, segment := range before.segments {
				if status, body := get(t, first.streaming()+segment, ""); status != 200 || len(body) < 10_000 {
					t.Errorf("%s: status %d, %d bytes", segment, status, len(body))
				}
			}
			if status, mpd := get(t, first.streaming()+"manifest(format=mpd-time-cmaf)", ""); status != 200 || !strings.Contains(mpd, "<SegmentTimeline>") {
				t.Errorf("MPD: %d %s", status, mpd)
			}
			checkMetrics(t, first.addr("admin.listen"))
			first.signal(syscall.SIGKILL)
			if err := first.end(5 * time.Second); err == nil {
				t.Error("SIGKILL left a status of 0")
			}
			stop()

			second := startProcess(t, "serve", "-config", config)
			pushDemo(t, second.publishing(), epoch)
			newest := before.numbers[len(before.numbers)-1]
			after := waitForMedia(t, second.streaming(), 2, newest)
			steps := after.numbers[len(after.numbers)-1] - newest
			if passed := after.last.Sub(before.last); passed != time.Duration(steps)*2*time.Second {
				t.Errorf("from number %d to %d is %v, want %d slots of 2 s", newest, newest+steps, passed, steps)
			}
			for _, n := range after.numbers {
				if n <= newest {
					t.Errorf("number %d is listed again after the restart; %d was listed before", n, newest)
				}
			}
		})
	}
}

func checkMetrics(t *testing.T, admin string) {
	t.Helper()
	status, text := get(t, "http://"+admin+"/metrics", "")
	if status != 200 {
		t.Fatalf("/metrics: %d %s", status, text)
	}
	for _, want := range []string{
		`weir_ingest_bytes_total{channel="live",track="video240"} `, `weir_ingest_segments_total{channel="live",track="audio"} `,
		`weir_ingest_dropped_total{channel="live",reason="duplicate",track="audio"} `, `weir_ingest_last_chunk_age_seconds{channel="live"`,
		`weir_ingest_gaps_total{`, `weir_channel_listed_segments{channel="live",track="video240"} `, `weir_segcache_pinned_bytes `,
		`weir_origin_requests_total{kind="segment",status="200"} `, `weir_origin_bytes_total{kind="segment"} `, `weir_origin_request_seconds_count{kind="mpd"} `,
		`go_goroutines `, `process_resident_memory_bytes `,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if strings.Contains(text, accessToken) {
		t.Error("/metrics shows the access token")
	}
}

// TestShutdown: the first signal makes /readyz say 503 and lets a running request end, the second ends at once.
func TestShutdown(t *testing.T) {
	t.Run("in order", func(t *testing.T) {
		t.Parallel()
		p := startProcess(t, "serve", "-config", writeConfig(t, ""))
		pushDemo(t, p.publishing(), true)
		waitForMedia(t, p.streaming(), 1, 0)
		p.signal(syscall.SIGTERM)
		if err := p.end(8 * time.Second); err != nil {
			t.Errorf("SIGTERM: %v", err)
		}
		for _, l := range p.lines {
			if strings.Contains(l, accessToken) || strings.Contains(l, "s3cret") {
				t.Errorf("a secret is in the log: %s", l)
			}
		}
	})
	t.Run("second signal", func(t *testing.T) {
		t.Parallel()
		p := startProcess(t, "serve", "-config", writeConfig(t, "shutdown: {deadline: 1m}\n"))
		// A request that is half sent is a running one.
		conn, err := net.Dial("tcp", p.addr("http.listen"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\n")); err != nil {
			t.Fatal(err)
		}
		if status, text := get(t, "http://"+p.addr("admin.listen")+"/readyz", ""); status != 200 {
			t.Errorf("/readyz before: %d %s", status, text)
		}
		p.signal(syscall.SIGTERM)
		eventually(t, 5*time.Second, "/readyz 503", func() (bool, string) {
			status, text := get(t, "http://"+p.addr("admin.listen")+"/readyz", "")
			return status == 503, fmt.Sprint(status, text)
		})
		if status, _ := get(t, "http://"+p.addr("admin.listen")+"/healthz", ""); status != 200 {
			t.Errorf("/healthz while shutting down: %d", status)
		}
		p.signal(syscall.SIGTERM)
		var exit *exec.ExitError
		if err := p.end(5 * time.Second); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
			t.Errorf("second SIGTERM: %v", err)
		}
	})
}

// TestLocks: who may see what on the management listener.
func TestLocks(t *testing.T) {
	t.Parallel()
	p := startProcess(t, "serve", "-config", writeConfig(t, ""))
	admin := "http://" + p.addr("admin.listen")
	for _, c := range []struct {
		path, bearer string
		want         int
	}{
		{"/metrics", "", 200},
		{"/healthz", "", 200},
		{"/debug/pprof/", "", 401},
		{"/debug/pprof/heap", "wrong", 401},
		{"/debug/pprof/heap", "l00k", 403},
		{"/debug/pprof/heap", "s3cret", 200},
		{"/nothing", "s3cret", 404},
	} {
		if status, _ := get(t, admin+c.path, c.bearer); status != c.want {
			t.Errorf("GET %s with %q: %d, want %d", c.path, c.bearer, status, c.want)
		}
	}
	if status, _ := get(t, "http://"+p.addr("http.listen")+"/page/channels.json", ""); status != 404 {
		t.Errorf("the page lists channels to strangers: %d", status)
	}
	if status, _ := get(t, "http://"+p.addr("http.listen")+"/metrics", ""); status == 200 {
		t.Error("the public listener shows metrics")
	}
}

// TestStartRefused: what stops the start says why, in words.
func TestStartRefused(t *testing.T) {
	t.Parallel()
	config := writeConfig(t, "")
	p := startProcess(t, "serve", "-config", config)
	cases := map[string]struct {
		env  string
		args []string
		want string
	}{
		"folder in use": {"", []string{"serve", "-config", config}, "is in use by another weir (process "},
		"port in use":   {"WEIR_HTTP_LISTEN=" + p.addr("http.listen"), []string{"serve", "-config", config}, "http.listen: listen tcp " + p.addr("http.listen") + ": bind: address already in use (set another address with http.listen or WEIR_HTTP_LISTEN)"},
		"bad key":       {"WEIR_LIVE_PART=1h", []string{"serve", "-config", config}, "weir: WEIR_LIVE_PART: live.part: 1h is longer than live.segment 2s"},
		"no file":       {"", []string{"serve", "-config", "/nonexistent"}, "weir: configuration: open /nonexistent: no such file"},
		"no command":    {"", []string{"sreve"}, `weir: unknown command "sreve" for "weir"`},
		"push nowhere":  {"", []string{"push", "demo", "ftp://x"}, `"ftp://x" is not an http or https URL`},
		"push nothing":  {"", []string{"push", "/nonexistent", "http://x"}, "no such file"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			out, err := command(t, c.env, c.args...)
			if err == nil || !strings.Contains(out, c.want) {
				t.Errorf("%v: %v\n%s\nwant: %s", c.args, err, out, c.want)
			}
		})
	}
	if out, err := command(t, "", "version"); err != nil || !strings.HasPrefix(out, "weir ") {
		t.Errorf("version: %v %s", err, out)
	}
}
