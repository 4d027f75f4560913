//go:build linux

package harness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// profile takes a CPU profile of weir for so long, and returns a function that waits for it. Without -profiles both do
// nothing.
func (b *bench) profile(ctx context.Context, n *node, name string, d time.Duration) (wait func() error) {
	if b.profiles == "" {
		return func() error { return nil }
	}
	done := make(chan error, 1)
	go func() {
		done <- b.save(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", n.admin, int(max(d, time.Second).Seconds())), name+".cpu")
	}()
	return func() error { return <-done }
}

// heap takes a heap profile of weir.
func (b *bench) heap(ctx context.Context, n *node, name string) error {
	if b.profiles == "" {
		return nil
	}
	return b.save(ctx, "http://"+n.admin+"/debug/pprof/heap?gc=1", name+".heap")
}

func (b *bench) save(ctx context.Context, url, name string) error {
	content, err := fetch(ctx, url)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(b.profiles, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.profiles, strings.ReplaceAll(name, " ", "-")+".pprof"), content, 0o644)
}
