package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"weir/bench/check"
)

// A verdict is what weir check says of nodes while a test does other things with them.
type verdict struct {
	report check.Report
	err    error
	done   chan struct{}
}

// judge begins to judge what nodes serve, in all formats, for a while. Several nodes must serve the same bytes. The test
// ends the watch, should it be over first.
func judge(t *testing.T, length time.Duration, nodes ...*node) *verdict {
	t.Helper()
	o := check.Options{For: length, Log: logger(t, "check")}
	for _, n := range nodes {
		for _, path := range []string{hlsPath, dashPath, smoothPath} {
			url := n.base() + path
			eventually(t, 20*time.Second, "a manifest to judge", func() error {
				_, err := get(url)
				return err
			})
			o.URLs = append(o.URLs, url)
		}
	}
	v := &verdict{done: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
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
