package ingest

import (
	"sync"
	"sync/atomic"
	"time"

	"weir/ingest/timeline"
	"weir/media"
	"weir/segcache"
)

// A Stream is what an encoder publishes under one name: one header (moov) and the fragments that follow it, over one
// connection or many. The header is kept between connections, so that an encoder that sends one request per segment
// sends it once. Fields belong to Channel.mu.
type Stream struct {
	c      *Channel
	name   string
	source string // that brings it; never ""

	path   string                   // of the object that brought the header, below the publishing point
	moov   []byte                   // the header's bytes, where they are remembered
	stored uint64                   // hash of the record that is stored, or on its way
	header []media.Input            // the tracks of the newest header, as it describes them
	hints  [hintSources][]TrackHint // what is said of them beside it
	inputs []*input                 // the tracks, both taken together
	clock  uint64                   // by which they are stamped, frame by frame; 0: they come as chunks
	arena  *segcache.Arena          // where its payloads go; nil before the first
	conns  map[*Conn]struct{}
	spare  []*Conn // detached connections' memory, for the next request

	longest     time.Duration // of its fragments so far
	open        bool          // the timeline knows the inputs as connected
	lingerUntil int64         // UTC ns at which a session without requests ends; 0: not waiting
}

// An input is one track of a stream's header.
type input struct {
	id     timeline.InputID // 0: not the timeline's, for timed metadata is kept as events
	track  *track
	desc   *media.Input
	scheme string // timed metadata: what it is
}

// Stream finds or makes the stream of that name that the primary source brings. It fails with ErrTooMany where the channel has as many as it may.
func (c *Channel) Stream(name string) (*Stream, error) { return c.SourceStream(name, Primary) }

// Known returns the stream of that name, or nil.
func (c *Channel) Known(name string) *Stream { return c.KnownSource(name, Primary) }

// forgetStream drops a stream that nobody feeds, to make place for another. Its tracks stay. Called with mu held.
func (c *Channel) forgetStream() bool {
	for name, s := range c.streams {
		if len(s.conns) == 0 && !s.open {
			if s.arena != nil {
				s.arena.Close()
			}
			delete(c.streams, name)
			return true
		}
	}
	return false
}

// A Conn is one request body that feeds a stream. It belongs to one goroutine.
type Conn struct {
	s        *Stream
	trex     func(uint32) (media.Defaults, bool)
	frag     media.Fragment
	box      []byte // reused: the box that is read aside
	head     [16]byte
	uuid     [16]byte
	at       int64 // bytes of the body read so far: the place in error messages
	bad      int   // unreadable fragments in a row
	between, // bytes of boxes since the last fragment
	claimed, // bytes taken of Limits.ChannelUnfinished
	unpaid int64 // bytes not yet accounted for in the channel's rate
	due  time.Time     // when the box that is being read has to be whole
	idle time.Duration // longest silence between two boxes
	prft media.Prft
	hasPrft,
	last bool // lmsg seen: the stream ends with this segment
	beside    []TrackHint // what this body says of its tracks beside the header
	route     Route
	brought   bool // a header has come in this body
	manifest  *ManifestBox
	took      bool   // the connection feeds the stream: it has sent a box
	peer      string // address of the encoder, where its URL names no source
	heard     int64  // UTC ns of its newest fragment; belongs to Channel.mu
	exclusive bool
	kick      func()
	stop      atomic.Pointer[error]
	once      sync.Once
}

// Attach binds a connection to the stream. kick must make a blocked read of the body return soon; it may be called from
// any goroutine, once.
//
// An exclusive connection carries the whole stream (one long POST): with its first box it replaces the connections that
// are there, which end with ErrReplaced; a probe that sends nothing disturbs nobody. Without it (one request per segment)
// connections stand side by side.
func (s *Stream) Attach(exclusive bool, kick func()) (*Conn, error) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if s.c.draining.Load() {
		return nil, ErrDraining
	}
	if s.c.conns >= s.c.limits.ChannelConnections && !(exclusive && len(s.conns) == 1) { // which it may replace
		return nil, ErrBusy
	}
	s.c.conns++
	s = s.rooted()
	var conn *Conn
	if n := len(s.spare); n > 0 {
		conn, s.spare = s.spare[n-1], s.spare[:n-1]
		*conn = Conn{s: s, frag: conn.frag, box: conn.box}
	} else {
		conn = &Conn{s: s}
	}
	conn.exclusive, conn.kick, conn.trex = exclusive, kick, conn.defaults
	conn.idle = s.c.limits.Idle
	s.conns[conn] = struct{}{}
	if !exclusive {
		s.lingerUntil = 0
	}
	return conn, nil
}

// takeOver makes the stream the connection's, once its first box is there.
func (conn *Conn) takeOver() {
	if conn.took {
		return
	}
	s := conn.s
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	conn.took = true
	s = conn.yield()
	s.lingerUntil = 0
	if !conn.exclusive {
		return
	}
	for other := range s.conns {
		if other != conn && other.feeds() {
			other.Interrupt(ErrReplaced)
		}
	}
	s.closeInputs()
}

// feeds tells a connection that the stream lives by from one that may be a probe. Called with mu held.
func (conn *Conn) feeds() bool { return conn.took || !conn.exclusive }

// fed tells whether any connection feeds the stream. Called with mu held.
func (s *Stream) fed() bool {
	for conn := range s.conns {
		if conn.feeds() {
			return true
		}
	}
	return false
}

// Detach ends the connection's part. The stream's tracks are closed at once where the connection carried all of it, or
// said that it was the last segment; else after a while without requests. The Conn must not be used afterwards.
func (conn *Conn) Detach() {
	s, c := conn.s, conn.s.c
	conn.finish()
	c.mu.Lock()
	defer c.mu.Unlock()
	s.part(conn)
	c.conns--
	feeds, last := conn.feeds(), conn.exclusive || conn.last
	if len(s.spare) < 4 {
		s.spare = append(s.spare, conn)
	}
	if !feeds || s.fed() {
		return
	}
	if last {
		s.closeInputs()
	} else if s.open {
		s.lingerUntil = c.deps.Now() + int64(s.linger())
	}
	c.apply()
}

// Err is why the connection must end (ErrReplaced, ErrDraining), or nil.
func (conn *Conn) Err() error {
	if p := conn.stop.Load(); p != nil {
		return *p
	}
	return nil
}

// Interrupt makes the connection's reads end with err.
func (conn *Conn) Interrupt(err error) {
	conn.once.Do(func() {
		conn.stop.Store(&err)
		if conn.kick != nil {
			conn.kick()
		}
	})
}

// expire ends a session of single-segment requests that fell silent. Called with mu held.
func (s *Stream) expire(now int64) {
	if s.lingerUntil != 0 && now >= s.lingerUntil && !s.fed() {
		s.closeInputs()
	}
}

func (s *Stream) closeInputs() {
	s.lingerUntil = 0
	if !s.open {
		return
	}
	s.open = false
	for _, in := range s.inputs {
		if in.id == 0 {
			continue
		}
		s.c.tl.Close(s.c.deps.Now(), in.id)
	}
}

// openInputs tells the timeline of the stream's tracks, if it does not know them. Called with mu held.
func (s *Stream) openInputs() {
	if s.open {
		return
	}
	s.open = true
	now := s.c.deps.Now()
	for _, in := range s.inputs {
		if in.desc.Kind == media.Metadata {
			continue
		}
		s.c.nextInput++
		in.id = s.c.nextInput
		s.c.tl.Open(now, in.id, timeline.TrackInfo{
			Name:      in.track.name,
			Kind:      timelineKind(in.desc.Kind),
			Timescale: in.desc.Timescale,
			Rate:      in.desc.SampleRate,
			Config:    in.desc.ConfigHash,
			Frames:    s.clock != 0,
			Clock:     s.clock,
			Frame:     in.desc.FrameSamples,
			Source:    s.source,
			Rank:      s.c.rank(s.source),
		})
	}
}
