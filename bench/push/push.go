// Package push sends media as a live encoder would: CMAF or Smooth in real time, one HTTP body a track (or one a segment),
// looping without a seam. It owns the encoder's side of the wire: the loop's endless timeline, the boxes, the pacing,
// and what happens when a connection breaks; it never imports what it feeds, so it can push to any origin. Start with
// Run; loop.go holds the timeline, sender.go the life of one track's connection.
package push

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options say what is pushed, where to and how. Tracks and URL are required; the zero value of the rest is a zero-based
// live encoder with 200 ms chunks over one long POST a track.
type Options struct {
	URL    string  // publishing point, http or https: http://127.0.0.1:8081/TOKEN/ingest.isml
	Tracks *Tracks // what to send; only read, so several pushes may share it

	Format     Format        // CMAF or Smooth
	Chunk      time.Duration // length of a chunk; 0 = 200 ms, WholeSegment = one chunk a segment
	PerSegment bool          // CMAF: one PUT a segment (URL/NAME/NUMBER.cmfv) instead of one POST a track
	Prft       bool          // CMAF: a prft box before each chunk: the UTC of its first sample's capture
	Stamp      bool          // H.264: the time of sending in the first sample of each chunk, as package stamp writes it
	Length     time.Duration // media to send before ending cleanly; 0 = until ctx ends

	// Epoch sends times since 1970, so that media at UTC t is the loop at t modulo its length: any two pushes of the same
	// tracks send the same media under the same times, whenever they started. Otherwise times start at zero.
	Epoch  bool
	Offset time.Duration // added to each time on the wire; moves no deadline
	Start  time.Time     // zero-based: UTC of media time zero; the zero value is now. Pushes that share it are one encoder

	// Fault, if set, is asked before each chunk what shall go wrong. Called from one goroutine a track.
	Fault func(Chunk) Fault

	TLS   *tls.Config  // for https; nil is Go's default
	Log   *slog.Logger // connections, their ends, and a line of progress every ten seconds; nil discards
	Stats *Stats       // counters to fill while running; nil keeps none

	dial func(ctx context.Context, network, address string) (net.Conn, error) // tests: instead of a TCP connection
}

// WholeSegment as Options.Chunk makes one chunk of each segment.
const WholeSegment time.Duration = -1

// A Chunk describes a chunk that is about to be sent, for Options.Fault.
type Chunk struct {
	Track   string
	Media   time.Duration // media time of the first sample since time zero (epoch: since 1970), without Offset
	Length  time.Duration
	Segment bool // the chunk starts a segment
}

// A Fault is what goes wrong with a chunk. The zero value is nothing.
type Fault struct {
	Delay time.Duration // later than its time by so much; chunks of a track stay in order, tracks overtake each other
	Drop  bool          // not sent
	Cut   Cut           // breaks the connection at this chunk, which is lost
	Down  time.Duration // with Cut: how long the encoder stays away at least
}

// A Cut is a way to lose a connection.
type Cut uint8

// The ways to lose a connection.
const (
	NoCut Cut = iota
	Reset     // TCP reset in the middle of the chunk
	End       // the body ends cleanly before the chunk
)

// Run pushes until Length has been sent (nil) or ctx ends (nil too: that is how a live encoder stops). Bodies are ended
// cleanly and their answers awaited for a second at most. It returns an error only for options that cannot work; while
// it runs, refusals and broken connections are logged, counted in Stats and tried again after 0.2 to 2 s. What would
// have been sent meanwhile is lost, as it is with a live encoder: sending goes on at the live point.
//
// It blocks, and starts nothing that outlives it.
func Run(ctx context.Context, o Options) error {
	base, err := url.Parse(o.URL)
	if err != nil {
		return fmt.Errorf("push: %w", err)
	}
	if (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return fmt.Errorf("push: %q is not an http or https URL", o.URL)
	}
	if o.Tracks == nil {
		return fmt.Errorf("push %s: no tracks", base.Redacted())
	}
	if o.Format == Smooth && (o.PerSegment || o.Prft) {
		return fmt.Errorf("push %s: Smooth has neither requests per segment nor prft", base.Redacted())
	}
	if o.Stamp && !slices.ContainsFunc(o.Tracks.list, (*Track).takesStamps) {
		return fmt.Errorf("push %s: only H.264 can be stamped", base.Redacted())
	}
	switch {
	case o.Chunk == 0:
		o.Chunk = 200 * time.Millisecond
	case o.Chunk < 0:
		o.Chunk = 0
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Stats == nil {
		o.Stats = new(Stats)
	}
	now := time.Now()
	clock := clock{zero: now, offset: o.Offset}
	switch {
	case o.Epoch:
		clock.zero = time.Unix(0, 0)
	case !o.Start.IsZero():
		clock.zero = o.Start
	}
	first := o.Tracks.segmentAt(max(clock.media(now), 0))

	var senders []*sender
	for _, t := range o.Tracks.list {
		s := &sender{
			o: &o, track: t, base: base, clock: clock,
			loop: newLoop(o.Tracks, t, o.Chunk, first),
			log:  o.Log.With("track", t.Name),
		}
		header := t.header
		if o.Format == Smooth {
			header = t.smoothHeader
		}
		if s.header, err = header(); err != nil {
			return fmt.Errorf("push %s: %w", base.Redacted(), err)
		}
		if o.Length > 0 {
			s.until = s.loop.from + toTicks(o.Length, t.Timescale)
		}
		senders = append(senders, s)
	}
	o.Log.Info("push starts", "host", base.Host, "tracks", len(senders), "loop", o.Tracks.Length(), "epoch", o.Epoch)
	var group errgroup.Group
	for _, s := range senders {
		group.Go(func() error { s.run(ctx); return nil })
	}
	over := make(chan struct{})
	var reporting errgroup.Group
	reporting.Go(func() error { report(over, o.Log, o.Stats, now); return nil })
	err = group.Wait()
	close(over)
	_ = reporting.Wait()
	return err
}

// A clock maps media time to the wall.
type clock struct {
	zero   time.Time
	offset time.Duration
}

func (c clock) media(at time.Time) time.Duration   { return at.Sub(c.zero) }
func (c clock) wall(media time.Duration) time.Time { return c.zero.Add(media) }
