//go:build linux

package play

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"time"

	"weir/bench/histogram"
	"weir/bench/proc"
)

// A load is a running Spec. Used by the loop's goroutine.
type load struct {
	*swarm
	spec      Spec
	result    Result
	counting  bool
	since     int64 // counting; nanoseconds since 1970
	bytesThen int64
	err       error // why it ended, if early
}

// Run makes the load and returns what it saw. It returns early, with an error, when the server cannot be tuned in to or ctx
// ends; answers that are wrong are counted, and the players go on. It blocks, and holds on to its thread.
func Run(ctx context.Context, spec Spec) (*Result, error) {
	u, err := url.Parse(spec.URL)
	if err != nil {
		return nil, err
	}
	if spec.Players < 1 {
		return nil, fmt.Errorf("%s: %d players", spec.Kind, spec.Players)
	}
	if err := raiseFiles(2 * spec.Players); err != nil && raiseFiles(spec.Players) != nil {
		return nil, err
	}
	s, err := newSwarm(ctx, u)
	if err != nil {
		return nil, err
	}
	defer s.close()
	l := &load{swarm: s, spec: spec}
	l.result = Result{Wrong: s.faults, First: new(histogram.Histogram), Last: new(histogram.Histogram), Listed: new(histogram.Histogram)}
	if err := l.begin(ctx, u); err != nil {
		return nil, fmt.Errorf("%s %s: %w", spec.Kind, u.Redacted(), err)
	}
	if err := s.loop.Run(ctx); err != nil {
		return nil, err
	}
	if err := errors.Join(l.err, ctx.Err()); err != nil {
		return nil, fmt.Errorf("%s %s: %w", spec.Kind, u.Redacted(), err)
	}
	return &l.result, nil
}

// begin makes the players.
func (l *load) begin(ctx context.Context, u *url.URL) error {
	switch l.spec.Kind {
	case Pull:
		l.pull(u.RequestURI())
	case Chunked:
		for range l.spec.Players {
			v := &viewer{load: l, next: func(*viewer) string { return u.RequestURI() }}
			v.conn = l.conn(v)
			v.ask()
		}
	case DASH:
		t, err := tuneDASH(ctx, u)
		if err != nil {
			return err
		}
		for range l.spec.Players {
			v := &viewer{load: l, number: t.first, next: func(v *viewer) string { return t.path(v.number) }}
			v.conn = l.conn(v)
			v.ask()
		}
	case Reload, Hint:
		path, err := tuneHLS(ctx, u)
		if err != nil {
			return err
		}
		for range l.spec.Players {
			newPlayer(l, path, u).reload()
		}
	case Wait:
		path, err := tuneHLS(ctx, u)
		if err != nil {
			return err
		}
		return l.crowd(&listDoor{playlist: path, base: u})
	case Hold:
		return l.crowd(&bareDoor{})
	default:
		return fmt.Errorf("%q is no kind of load", l.spec.Kind)
	}
	l.loop.After(l.spec.Warm, func() {
		l.count(true)
		l.loop.After(l.spec.For, func() {
			l.count(false)
			l.loop.Stop()
		})
	})
	return nil
}

// count begins and ends what counts.
func (l *load) count(on bool) {
	sign := time.Duration(1)
	if on {
		sign = -1
		clear(l.faults)
		l.since, l.bytesThen = l.now(), l.bytes
	} else {
		l.result.Seconds = float64(l.now()-l.since) / 1e9
		l.result.Bytes = l.bytes - l.bytesThen
		l.result.Wrong = maps.Clone(l.faults)
	}
	l.counting = on
	l.result.LoadCPU += sign * l.cpu(os.Getpid())
	if l.spec.Server != 0 {
		l.result.ServerCPU += sign * l.cpu(l.spec.Server)
	}
}

// cpu is the time that a process has spent on a core.
func (l *load) cpu(pid int) time.Duration {
	cpu, err := proc.CPU(pid)
	if err != nil && l.err == nil {
		l.err = err
	}
	return cpu
}

// saw notes a chunk or a part, if it was sent while it counted and already asked for.
func (l *load) saw(c chunk, asked int64) bool {
	if !l.counting || c.sent < l.since || c.sent <= asked {
		return false
	}
	l.result.Answers++
	l.result.First.Add(time.Duration(c.first - c.sent))
	l.result.Last.Add(time.Duration(c.last - c.sent))
	return true
}
