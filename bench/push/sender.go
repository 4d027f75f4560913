package push

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"weir/bench/stamp"
)

const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = 2 * time.Second
)

// A sender is the life of one track in a push: it connects, sends each chunk at its time, and connects again.
type sender struct {
	o      *Options
	track  *Track
	base   *url.URL
	clock  clock
	loop   *loop
	log    *slog.Logger
	header []byte // ftyp and moov
	until  int64  // ends before the first chunk that starts here or later, in ticks; 0 = never

	next     run    // the next chunk to send
	fault    Fault  // what goes wrong with it
	asked    bool   // next and fault are set
	started  bool   // a chunk has been sent
	sequence uint32 // of the last moof
	head     []byte // scratch for moof and mdat header
	stamp    []byte // scratch for the time of sending
	slices   [][]byte
	recent   [2][]byte // Smooth: the last fragments sent, the older one first
	away     time.Time // no connection before this
}

// A cutError is the end of a connection that a Fault asked for.
type cutError struct{ how Cut }

func (e cutError) Error() string { return "cut by a fault" }

// run returns when the track has been sent or ctx ends.
func (s *sender) run(ctx context.Context) {
	retry := firstRetry
	for {
		sent := s.sequence
		err := s.connection(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		s.count(func(t *TrackStats) { t.LastError = err })
		if s.sequence != sent {
			retry = firstRetry
		}
		s.log.Warn("push interrupted", "err", err, "retry", retry)
		if sleep(ctx, max(retry, time.Until(s.away))) != nil {
			return
		}
		retry = min(2*retry, lastRetry)
	}
}

// connection makes one connection and sends over it. It returns nil when everything has been sent or ctx has ended, and
// otherwise why the connection ended.
func (s *sender) connection(ctx context.Context) error {
	c, err := dial(ctx, s.base, s.o)
	if err != nil {
		return err
	}
	s.count(func(t *TrackStats) { t.Connections++ })
	s.log.Debug("push connected", "remote", c.raw.RemoteAddr().String())
	b := &body{conn: c, track: s.track, format: s.o.Format, perSegment: s.o.PerSegment}
	if err = b.header(s.header); err == nil {
		err = s.repeat(c)
	}
	if err == nil {
		s.count(func(t *TrackStats) { t.Bytes += int64(len(s.header)) })
		s.skip()
		err = s.feed(ctx, b)
	}
	if err == nil {
		err = b.end()
	}
	var cut cutError
	if errors.As(err, &cut) && cut.how == End {
		_ = b.end() // lost either way
	}
	c.close(errors.As(err, &cut) && cut.how == Reset)
	return err
}

// feed sends chunks until the end, nil, or until the connection breaks.
func (s *sender) feed(ctx context.Context, b *body) error {
	for {
		s.peek()
		if s.until > 0 && s.next.start >= s.until {
			return nil
		}
		due := s.due().Add(s.fault.Delay)
		switch err := b.wait(ctx, due); {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		s.asked = false
		if s.fault.Cut != NoCut {
			s.away = time.Now().Add(s.fault.Down)
			s.count(func(t *TrackStats) { t.Lost++ })
			if s.fault.Cut == Reset {
				_ = b.conn.writeHalf(s.payload()...) // the connection is given up in any case
			}
			return cutError{s.fault.Cut}
		}
		if s.fault.Drop {
			s.count(func(t *TrackStats) { t.Lost++ })
			continue
		}
		late := time.Since(due)
		payload := s.payload()
		if err := b.chunk(s.next, payload); err != nil {
			s.count(func(t *TrackStats) { t.Lost++ })
			return err
		}
		s.started = true
		s.remember(payload)
		s.count(func(t *TrackStats) {
			t.Chunks++
			t.Late = max(t.Late, late)
			for _, p := range payload {
				t.Bytes += int64(len(p))
			}
		})
	}
}

// remember keeps the last two fragments, for a Smooth encoder repeats them when it has lost its connection: it does not know
// what has arrived.
func (s *sender) remember(payload [][]byte) {
	if s.o.Format == Smooth {
		oldest := s.recent[0][:0]
		for _, p := range payload {
			oldest = append(oldest, p...)
		}
		s.recent = [2][]byte{s.recent[1], oldest}
	}
}

func (s *sender) repeat(c *conn) error {
	for _, fragment := range s.recent {
		if len(fragment) > 0 {
			if err := c.write(fragment); err != nil {
				return err
			}
		}
	}
	return nil
}

// peek makes sure that there is a next chunk.
func (s *sender) peek() {
	if s.asked {
		return
	}
	s.loop.next(&s.next)
	s.asked, s.fault = true, Fault{}
	if s.o.Fault != nil {
		r, ts := &s.next, s.track.Timescale
		s.fault = s.o.Fault(Chunk{
			Track: s.track.Name, Segment: r.first,
			Media: toDuration(r.start, ts), Length: toDuration(r.end-r.start, ts),
		})
	}
}

// due is when the next chunk's last sample has been captured.
func (s *sender) due() time.Time { return s.clock.wall(toDuration(s.next.end, s.track.Timescale)) }

// skip goes to the live point: past what should have been sent by now, and, where sending starts or each segment has its
// own body, on to the start of a segment.
func (s *sender) skip() {
	now := time.Now()
	for s.peek(); !s.due().After(now) || (!s.next.first && (s.o.PerSegment || !s.started)); s.peek() {
		s.asked = false
		if s.started {
			s.count(func(t *TrackStats) { t.Lost++ })
		}
	}
}

// payload returns the next chunk's bytes: boxes in scratch memory, then the samples' own.
func (s *sender) payload() [][]byte {
	r := &s.next
	at := r.start + toTicks(s.clock.offset, s.track.Timescale)
	s.sequence++
	s.head = s.head[:0]
	stamped := s.o.Stamp && s.track.takesStamps()
	if stamped {
		r.samples[0].size += stamp.Size
	}
	if s.o.Prft {
		s.head = appendPrft(s.head, at, s.clock.wall(toDuration(r.start, s.track.Timescale)))
	}
	if s.o.Format == Smooth {
		s.head = appendSmoothHead(s.head, s.sequence, at, r.samples, s.track.Timescale)
	} else {
		s.head = appendHead(s.head, s.sequence, at, r.samples)
	}
	first := r.samples[0].offset // of bytes not yet in slices
	if stamped {
		r.samples[0].size -= stamp.Size
		at := s.track.stampAt(r.samples[0])
		s.stamp = stamp.Append(s.stamp[:0], time.Now())
		s.slices = append(s.slices[:0], s.head, s.track.data[first:at], s.stamp)
		first = at
	} else {
		s.slices = append(s.slices[:0], s.head)
	}
	for i := 0; i < len(r.samples); {
		from, to := r.samples[i].offset, r.samples[i].offset
		if i == 0 {
			from = first
		}
		for ; i < len(r.samples) && r.samples[i].offset == to; i++ {
			to += int(r.samples[i].size)
		}
		s.slices = append(s.slices, s.track.data[from:to])
	}
	return s.slices
}

func (s *sender) count(change func(*TrackStats)) { s.o.Stats.update(s.track.Name, change) }

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
