package ingest

import (
	"fmt"
	"math"
	"time"

	"weir/media"
	"weir/segcache"
)

// Frames hands an elementary stream over frame by frame, for protocols that carry no boxes. It makes the chunks: as many
// frames as live.chunk holds, by the track's grid, which tells with a chunk's last frame that it is complete. Off grids a
// frame ends where the next one starts.
//
// The payload is copied once, from the caller's buffer to where it stays; a frame costs no allocation at steady state. It
// belongs to the goroutine of its connection, which feeds nothing else.
type Frames struct {
	conn  *Conn
	clock uint64

	// The chunk that is being put together.
	room    segcache.Room
	arena   *segcache.Arena // that the room is of; nil: there is no room
	used    int             // bytes of whole frames in it
	samples []media.Sample
	start   int64 // of the first frame, encoder ticks
	last    int64 // of the newest
	end     int64 // and where that ends
	known   bool  // by the grid

	// The frame that is being read.
	open    bool
	next    media.Sample
	at      int64 // its time
	more    int   // frames of its chunk that come after it, where gridded
	gridded bool
	endsAt  int64
	got     int // bytes of it

	usual    int64 // length of a frame, encoder ticks, where nothing tells
	guess    int   // bytes of a chunk
	reorders bool  // composition offsets have been seen
	arrived  int64 // last byte of the newest frame
	shape    []media.Sample
}

// Frames makes the connection feed its stream frame by frame, stamped by that clock of the channel's.
func (conn *Conn) Frames(clock uint64) *Frames { return &Frames{conn: conn, clock: clock} }

// Clock is a number for a clock of an encoder that stamps several streams: those of one publication. Safe for concurrent use.
func (c *Channel) Clock() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clocks++
	return c.clocks
}

// Declare says what the stream is: in of media.ParseConfig, and what is told beside it. It comes before the first frame. The
// same again changes nothing; with another decoder configuration the frames that follow are another generation's.
func (f *Frames) Declare(in media.Input, hint TrackHint) error {
	f.flush()
	conn := f.conn
	conn.takeOver()
	c := conn.s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	conn.beside = []TrackHint{hint}
	if err := conn.declare([]media.Input{in}, f.clock); err != nil {
		return err
	}
	conn.s.moov = nil
	conn.s.openInputs()
	c.apply()
	if f.usual == 0 {
		f.usual = max(int64(in.Timescale)/25, 1)
	}
	return nil
}

// Begin says that a frame of size bytes comes, which is decoded at time (encoder ticks) and shown cto later. sync says that
// decoding may begin with it; what its payload says counts before that.
func (f *Frames) Begin(size int, at int64, cto int32, sync bool) error {
	conn := f.conn
	if err := conn.Err(); err != nil {
		return err
	}
	if limit := conn.s.c.limits.MdatBytes; int64(size) > limit {
		return fmt.Errorf("frame of %d bytes: %w of %d", size, ErrTooLarge, limit)
	}
	f.follow(at, sync)
	conn.begin(int64(size))
	if err := conn.claim(size); err != nil {
		return err
	}
	f.open, f.got, f.at = true, 0, at
	f.next = media.Sample{Size: uint32(size), Flags: media.SyncFlags(sync), CTO: cto}
	f.reorders = f.reorders || cto != 0
	if err := f.makeRoom(size); err != nil {
		f.Abort()
		return fmt.Errorf("%w: %w", ErrMemory, err)
	}
	return nil
}

// Write brings the frame's next bytes. There are no more than Begin has said.
func (f *Frames) Write(b []byte) {
	f.got += copy(f.room.Payload()[f.used+f.got:f.used+int(f.next.Size)], b)
}

// End says that the frame is whole. One that no decoder could use is left out; Limits.BadFragments of them in a row are an
// error.
func (f *Frames) End() error {
	conn := f.conn
	size := int(f.next.Size)
	if !f.open || f.got != size {
		f.Abort()
		return nil
	}
	f.open = false
	conn.finish()
	if err := f.input().desc.CheckSample(f.room.Payload()[f.used : f.used+size]); err != nil {
		return conn.skipFragment(err)
	}
	conn.bad = 0
	f.arrived = segcache.Clock()
	if len(f.samples) == 0 {
		f.start = f.at
	}
	f.last, f.end, f.known = f.at, f.at+f.usual, f.gridded
	if f.gridded {
		f.end = f.endsAt
	}
	f.next.Duration = ticks(f.end - f.last)
	f.samples = append(f.samples, f.next)
	f.used += size
	if f.known && f.more == 0 {
		f.flush()
	}
	return conn.pace(int64(size))
}

// Abort gives up the frame that has begun.
func (f *Frames) Abort() {
	f.open = false
	f.conn.finish()
}

// Close detaches the connection. The chunk that was being put together is lost: it is not whole, and would differ from what
// another source sends for the same time. The Frames must not be used afterwards.
func (f *Frames) Close() {
	f.Abort()
	f.samples = f.samples[:0]
	f.flush()
	f.conn.Detach()
}

// input is the stream's only one.
func (f *Frames) input() *input { return f.conn.inputs()[0] }

// follow ends the newest frame where the next one starts, and the chunk where that is not its next frame.
func (f *Frames) follow(at int64, sync bool) {
	n := len(f.samples)
	if n == 0 {
		return
	}
	in := f.input()
	gap := at - f.last
	if near := gap > 0 && gap <= int64(in.desc.Timescale); near && (!f.known || abs(at-f.end) <= f.usual/2) {
		f.samples[n-1].Duration, f.end = ticks(gap), at
		if !f.known {
			f.usual = gap
		}
	}
	chunk := scale(f.conn.s.c.chunk, int64(in.desc.Timescale))
	switch {
	case sync && in.desc.Kind == media.Video, abs(at-f.end) > f.usual/2, !f.known && f.end-f.start+f.usual > chunk+f.usual/8:
		f.flush()
	}
}

// makeRoom reserves the bytes of the frame that begins, and looks where it lies on the grid. A chunk's room is made as large
// as chunks were of late, and what is too much is given back with its last frame.
func (f *Frames) makeRoom(size int) error {
	s, c := f.conn.s, f.conn.s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	spot, ok := c.tl.FrameAt(s.inputs[0].id, f.at)
	if f.gridded = ok; ok {
		f.more, f.endsAt = spot.More, spot.End
		f.usual = spot.End - f.at
	}
	need := f.used + size
	if f.arena == nil {
		room, err := s.reserve(f.headSize(), max(need, f.guess))
		f.room, f.arena = room, s.arena
		if err != nil {
			f.arena = nil
		}
		return err
	}
	if need <= len(f.room.Payload()) {
		return nil
	}
	if room, ok := f.arena.Resize(f.room, need); ok {
		f.room = room
		return nil
	}
	room, err := s.reserve(len(f.room.Head()), max(need, 2*f.used))
	if err != nil {
		return err
	}
	copy(room.Payload(), f.room.Payload()[:f.used])
	f.room, f.arena = room, s.arena
	return nil
}

// headSize is the room that the moof of the chunk needs that the frame begins.
func (f *Frames) headSize() int {
	const most = 64
	f.shape = f.shape[:0]
	video := f.conn.s.inputs[0].desc.Kind == media.Video
	for i := range min(f.more, most) + 1 {
		s := media.Sample{Size: uint32(i), Flags: f.next.Flags}
		if i > 0 && video {
			s.Flags = media.SyncFlags(false)
		}
		if f.reorders {
			s.CTO = 1
		}
		f.shape = append(f.shape, s)
	}
	m := media.Moof{Samples: f.shape}
	return m.Size()
}

// flush submits the chunk that has been put together.
func (f *Frames) flush() {
	if f.arena == nil {
		return
	}
	s, c := f.conn.s, f.conn.s.c
	c.mu.Lock()
	f.room, _ = f.arena.Resize(f.room, f.used)
	c.mu.Unlock()
	used := false
	if len(f.samples) > 0 {
		used = f.conn.submit(c.deps.Now(), &piece{
			in: f.input(), time: f.start, samples: f.samples, room: f.room, arena: f.arena, arrived: f.arrived, rounded: true,
		})
	}
	if !used {
		s.cancel(f.arena, f.room)
	}
	f.guess = max(f.used+f.used/8, f.guess-f.guess/16)
	f.room, f.arena, f.used, f.samples = segcache.Room{}, nil, 0, f.samples[:0]
}

func ticks(d int64) uint32 { return uint32(min(max(d, 0), math.MaxUint32)) }

func scale(d time.Duration, timescale int64) int64 { return int64(d) / 1000 * timescale / 1_000_000 }

func abs(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}
