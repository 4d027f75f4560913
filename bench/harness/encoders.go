//go:build linux

package harness

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"weir/bench/demo"
	"weir/bench/push"
)

// encoders push to the channels of a node, one each, in real time.
type encoders struct {
	stats []*push.Stats
	stop  func() error // ends them and waits
}

// encoder pushes one stamped track of some bitrate to a publishing point, in UTC.
func (b *bench) encoder(ctx context.Context, url string, bits int, chunk time.Duration) (*encoders, error) {
	tracks, err := media(bits)
	if err != nil {
		return nil, err
	}
	return pushTo(ctx, []string{url}, tracks, chunk, nil), nil
}

// media is a loop of one video track v of two seconds, one GOP, at a bitrate.
func media(bits int) (*push.Tracks, error) {
	tracks, err := demo.Tracks()
	if err != nil {
		return nil, err
	}
	return tracks.Inflate("v", bits, 2*time.Second)
}

// startEncoders pushes tracks to so many channels. Times are UTC; the channels' chunks are sent one after the other
// over the length of a chunk, and not all at once. fault may be nil.
func startEncoders(ctx context.Context, n *node, channels int, tracks *push.Tracks, chunk time.Duration, fault func(push.Chunk) push.Fault) *encoders {
	var urls []string
	for i := range channels {
		urls = append(urls, n.publishing(i))
	}
	return pushTo(ctx, urls, tracks, chunk, fault)
}

// pushTo is startEncoders for any publishing points.
func pushTo(ctx context.Context, urls []string, tracks *push.Tracks, chunk time.Duration, fault func(push.Chunk) push.Fault) *encoders {
	ctx, cancel := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	e := &encoders{}
	for i, url := range urls {
		stats := new(push.Stats)
		e.stats = append(e.stats, stats)
		delay := chunk * time.Duration(i) / time.Duration(len(urls))
		o := push.Options{
			URL: url, Tracks: tracks, Chunk: chunk, Epoch: true, Stamp: true, Stats: stats,
			Fault: func(push.Chunk) push.Fault { return push.Fault{Delay: delay} },
		}
		if fault != nil {
			o.Fault = fault
		}
		group.Go(func() error { return push.Run(ctx, o) })
	}
	e.stop = func() error {
		cancel()
		return group.Wait()
	}
	return e
}

// sum is what all have sent.
func (e *encoders) sum() push.TrackStats {
	var sum push.TrackStats
	for _, s := range e.stats {
		sum.Add(s.Sum())
	}
	return sum
}

// interruptions counts the connections that broke or were refused, and tells why the last one did.
func (e *encoders) interruptions() (int, string) {
	sum := e.sum()
	if sum.LastError == nil {
		return 0, ""
	}
	return max(1, sum.Connections-len(e.stats)), sum.LastError.Error()
}
