package check

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := newSession(Options{For: time.Minute, Log: slog.New(slog.NewTextHandler(&log, nil))})
		s.judge.test(12, true, place{}, "", "")
		s.judge.fail(13, place{}, "3", "2")
		ctx, cancel := context.WithTimeout(t.Context(), 2*progressEvery+time.Second)
		defer cancel()
		s.progress(ctx)
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 2 || !strings.Contains(lines[1], "for=10s of=1m0s") || !strings.Contains(lines[1], "checks=2 findings=1") {
			t.Errorf("progress says %q", lines)
		}
	})
}
