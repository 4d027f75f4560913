package e2e

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"weir/bench/check"
	"weir/bench/push"
)

// numberPath is the MPD by number of the channel that nodes publish.
const numberPath = "/" + locatorID + "/live.ism/manifest(format=mpd-number-cmaf)"

// TestCheckLowLatency: weir check follows parts and growing segments for half a minute, or for WEIR_SOAK (make soak), and finds
// nothing: on the demo, with ffmpeg, and with an encoder that stalls, loses chunks and is started again.
func TestCheckLowLatency(t *testing.T) {
	need(t, "ffmpeg")
	length := 30 * time.Second
	if text := os.Getenv("WEIR_SOAK"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
		goFirst(t)
	} else {
		t.Parallel()
	}
	troubled := newNode(t, settings{name: "troubled", tracks: []string{"video540", "video360", "video240", "audio"}})
	pushDemo(t, troubled, func(o *push.Options) { o.Epoch, o.Fault = true, trouble })
	camera := newNode(t, settings{name: "camera", tracks: []string{"stream0", "stream1", "stream2", "stream3"}})
	pushFFmpeg(t, camera, docsLowDASH, copied(t))
	demo := newDemo(t)
	const path = "/11111111-2222-4333-8444-000000000001/demo.ism/"
	verdicts := []*verdict{
		judgeURLs(t, length, troubled.base()+hlsPath, troubled.base()+lowDashPath, troubled.base()+numberPath),
		judgeURLs(t, length, camera.base()+hlsPath, camera.base()+lowDashPath),
		judgeURLs(t, length, demo.base()+path+"manifest(format=m3u8-cmaf)", demo.base()+path+"manifest(format=mpd-time-cmaf-ll)", demo.base()+path+"manifest(format=mpd-number-cmaf)"),
	}
	tellProgress(t, length)
	for _, v := range verdicts {
		v.clean(t)
		for _, assertion := range []int{17, 21, 42, 50, 88} { // parts that are their segments, hints, reloads, chunks that came
			if !v.tested(assertion) {
				t.Errorf("assertion %d was not put to the test", assertion)
			}
		}
	}
}

// tellProgress says each minute, until the test ends, that a long run goes on.
func tellProgress(t *testing.T, length time.Duration) {
	t.Helper()
	begun, done := time.Now(), make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.NewTicker(time.Minute); ; {
			select {
			case <-t.Context().Done():
				tick.Stop()
				return
			case <-tick.C:
				t.Logf("weir check has looked for %v of %v", time.Since(begun).Round(time.Second), length)
			}
		}
	}()
	t.Cleanup(func() { <-done })
}

// trouble is what happens to an encoder within twenty seconds: one track loses a chunk, all stall for 0.8 s and catch up, and
// it is started again after 2 s.
func trouble(c push.Chunk) push.Fault {
	at := c.Media % (20 * time.Second)
	in := func(from time.Duration) bool { return at >= from && at < from+c.Length }
	switch {
	case in(3*time.Second) && c.Track == "video360", in(5*time.Second) && c.Track == "audio":
		return push.Fault{Drop: true}
	case in(8 * time.Second):
		return push.Fault{Delay: 800 * time.Millisecond}
	case in(13100 * time.Millisecond):
		return push.Fault{Cut: push.Reset, Down: 2 * time.Second}
	}
	return push.Fault{}
}

// A verdict is what weir check says of nodes while a test does other things with them.
type verdict struct {
	report check.Report
	err    error
	stop   context.CancelFunc // ends the watch before its time
	done   chan struct{}
}

// judge begins to judge what nodes serve, in all formats, for a while. Several nodes must serve the same bytes. The test
// ends the watch, should it be over first.
func judge(t *testing.T, length time.Duration, nodes ...*node) *verdict {
	t.Helper()
	var urls []string
	for _, n := range nodes {
		for _, path := range []string{hlsPath, dashPath, smoothPath} {
			urls = append(urls, n.base()+path)
		}
	}
	return judgeURLs(t, length, urls...)
}

// judgeURLs begins to judge manifests.
func judgeURLs(t *testing.T, length time.Duration, urls ...string) *verdict {
	t.Helper()
	return judgeWith(t, check.Options{For: length, URLs: urls})
}

// judgeWith begins to judge by options.
func judgeWith(t *testing.T, o check.Options) *verdict {
	t.Helper()
	o.Log = logger(t, "check")
	urls := o.URLs
	for _, url := range urls {
		eventually(t, 20*time.Second, "a manifest to judge", func() error {
			_, err := get(url)
			return err
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	v := &verdict{done: make(chan struct{}), stop: cancel}
	go func() {
		defer close(v.done)
		v.report, v.err = check.Run(ctx, o)
	}()
	t.Cleanup(func() {
		cancel()
		<-v.done
	})
	return v
}

// tested reports whether an assertion was put to the test. The verdict is there.
func (v *verdict) tested(assertion int) bool {
	for _, t := range v.report.Tested {
		if t.Assertion == assertion {
			return true
		}
	}
	return false
}

// clean waits for the verdict. Whatever was found fails the test; the report is in its log.
func (v *verdict) clean(t *testing.T) {
	t.Helper()
	<-v.done
	if v.err != nil {
		t.Errorf("weir check: %v", v.err)
		return
	}
	var text strings.Builder
	if err := v.report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if v.report.Clean() {
		t.Logf("weir check:\n%s", &text)
	} else {
		t.Errorf("weir check:\n%s", &text)
	}
}
