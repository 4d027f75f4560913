package ingest

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/cespare/xxhash/v2"

	"weir/ingest/timeline"
	"weir/media"
	"weir/segcache"
)

// pending is a chunk whose bytes are in the slab and whose samples the timeline has not all settled. Its slices are
// reused, so that nothing is allocated per chunk at steady state.
type pending struct {
	id         uint64
	in         *input
	room       segcache.Room
	arena      *segcache.Arena // that the room is of
	offset     int             // of the chunk's payload within the room's payload
	time       int64
	samples    []media.Sample // as the encoder sent them, sync flags corrected
	durations  []uint32
	syncs      []int32
	bytes      int64
	arrived    int64 // of its last byte, by segcache.Clock
	prft       media.Prft
	hasPrft    bool
	settled    int
	cursor     int // text: the sample that was read last, and where and when it lies
	cursorAt   int
	cursorTime int64
	placed     bool
	differs    bool // a chunk of the same time came before, with other bytes
	rounded    bool // durations are
}

// readPayload reads the mdat's payload from the socket into the slab where it stays, and submits what it holds.
func (conn *Conn) readPayload(r io.Reader, size int) error {
	if conn.sparse() {
		return conn.readEvents(r, size)
	}
	if err := conn.claim(size); err != nil {
		return err
	}
	room, arena, err := conn.reserve(conn.headSize(), size)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMemory, err)
	}
	if err := conn.fill(r, room.Payload()); err != nil {
		conn.s.cancel(arena, room)
		return err
	}
	arrived := segcache.Clock()
	if err := conn.checkSamples(room.Payload()); err != nil {
		conn.s.cancel(arena, room)
		return conn.skipFragment(err)
	}
	conn.bad = 0
	used := false
	now := conn.s.c.deps.Now()
	for i := range conn.frag.Trafs {
		if conn.submitTraf(now, arrived, arena, room, i) {
			used = true
		}
	}
	if !used {
		conn.s.cancel(arena, room)
	}
	return nil
}

// readEvents reads the payload of a sparse track aside.
func (conn *Conn) readEvents(r io.Reader, size int) error {
	if size > maxEventData {
		for i := range conn.frag.Trafs {
			conn.input(conn.frag.Trafs[i].TrackID).track.stats.drop(ReasonEventSize)
		}
		return conn.discard(r, int64(size))
	}
	payload, err := conn.asideAfter(r, nil, int64(size), maxEventData)
	if err != nil {
		return err
	}
	for i := range conn.frag.Trafs {
		traf := &conn.frag.Trafs[i]
		conn.s.c.take(conn.s.c.deps.Now(), conn.input(traf.TrackID), traf, payload)
	}
	return nil
}

// checkSamples looks at what no decoder could use, before any of it is published.
func (conn *Conn) checkSamples(payload []byte) error {
	for i := range conn.frag.Trafs {
		traf := &conn.frag.Trafs[i]
		in := conn.input(traf.TrackID)
		if in == nil {
			continue
		}
		b := payload[traf.DataOffset:]
		for j := range traf.Samples {
			n := traf.Samples[j].Size
			if err := in.desc.CheckSample(b[:n]); err != nil {
				return fmt.Errorf("track_ID %d: sample %d: %w", traf.TrackID, j+1, err)
			}
			b = b[n:]
		}
	}
	return nil
}

// reserve gives room for a chunk in the stream's arena.
func (conn *Conn) reserve(head, payload int) (segcache.Room, *segcache.Arena, error) {
	s := conn.s
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	room, err := s.reserve(head, payload)
	return room, s.arena, err
}

// reserve gives room in the stream's arena. The first chunk asks whether the stream will fit into memory at its declared
// bitrate: it is refused at the door, before it could push out what is listed. Called with mu held.
func (s *Stream) reserve(head, payload int) (segcache.Room, error) {
	if s.arena == nil {
		bitrate := int64(0)
		for _, in := range s.inputs {
			bitrate += NominalBitrate(&in.desc.Track) + s.c.headBits
		}
		arena := s.c.deps.Cache.NewArena(int(bitrate))
		if err := s.c.live.Admit(arena); err != nil {
			return segcache.Room{}, err
		}
		s.arena = arena
	}
	return s.arena.Reserve(head, payload)
}

func (s *Stream) cancel(arena *segcache.Arena, room segcache.Room) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	arena.Cancel(room)
}

// headSize is the room that the first track's re-timed moof needs if the chunk is placed whole and its durations stay.
func (conn *Conn) headSize() int {
	if len(conn.frag.Trafs) == 0 {
		return 0
	}
	m := media.Moof{Samples: conn.frag.Trafs[0].Samples}
	size := m.Size()
	if in := conn.input(conn.frag.Trafs[0].TrackID); conn.hasPrft || in != nil && in.track.several.Load() {
		size += media.PrftSize
	}
	return size
}

// submitTraf submits what a fragment has of one track.
func (conn *Conn) submitTraf(now, arrived int64, arena *segcache.Arena, room segcache.Room, i int) bool {
	traf := &conn.frag.Trafs[i]
	in := conn.input(traf.TrackID)
	if in == nil || len(traf.Samples) == 0 {
		return false // a track_ID that the header does not know: row 11 of the bad-input catalogue
	}
	if in.desc.Kind == media.Metadata {
		conn.s.c.take(now, in, traf, room.Payload())
		return false
	}
	k := piece{
		in: in, time: decodeTime(in, traf), samples: traf.Samples, room: room, arena: arena, offset: int(traf.DataOffset), arrived: arrived,
	}
	if conn.hasPrft && i == 0 {
		k.prft = &conn.prft
	}
	return conn.submit(now, &k)
}

// A piece is one track's chunk as its protocol describes it: its index, and where its payload lies. Every protocol hands its
// chunks over like this.
type piece struct {
	in      *input
	time    int64          // of the first sample, encoder ticks, edit list applied
	samples []media.Sample // the caller's
	room    segcache.Room
	arena   *segcache.Arena // that the room is of
	offset  int             // of the first sample within the room's payload
	arrived int64           // of the last byte, by segcache.Clock
	prft    *media.Prft     // nil: none came with it
	rounded bool            // the samples' durations are rounded: another encoder may say others of the same samples
}

// submit hands a chunk to the timeline and carries out what it decides. It tells whether bytes of the room are in use, now
// or pending.
func (conn *Conn) submit(now int64, k *piece) bool {
	c := conn.s.c
	in := k.in
	c.mu.Lock()
	p := c.acquire()
	c.mu.Unlock()
	if p == nil {
		in.track.stats.drop(ReasonPending)
		return false
	}
	p.fill(k)
	if k.prft != nil {
		in.track.stats.Behind.Store(now - k.prft.UTC())
	}
	chunk := timeline.Chunk{ID: p.id, Time: p.time, Durations: p.durations, Syncs: p.syncs, Hash: p.hash()}

	print := p.print()
	chunk.Print = print

	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(conn.Err(), ErrReplaced) { // and what feeds the stream now has the inputs
		c.settle(p, len(p.samples))
		return false
	}
	p.differs = in.track.prints.differs(conn.s.source, p.time, print)
	in.track.stats.LastChunk.Store(now)
	conn.heard = now
	conn.s.longest = max(conn.s.longest, p.length())
	c.tl.Chunk(now, in.id, &chunk)
	c.apply()
	return p.placed || p.settled < len(p.samples)
}

// decodeTime is the encoder time of a chunk's first sample, edit list applied: of tfdt, else of Smooth's tfxd. Some Smooth
// encoders write a tfdt of 0 beside it.
func decodeTime(in *input, traf *media.Traf) int64 {
	if !traf.HasTime || traf.Time == 0 && traf.HasTfxd {
		return traf.TfxdTime - in.desc.Shift
	}
	return traf.Time - in.desc.Shift
}

// fill copies the chunk's index and corrects sync flags by what the payload says (NAL types over flags).
func (p *pending) fill(k *piece) {
	in := k.in
	p.in, p.room, p.arena, p.offset, p.arrived = in, k.room, k.arena, k.offset, k.arrived
	p.rounded = k.rounded
	p.samples = append(p.samples[:0], k.samples...)
	p.durations, p.syncs = p.durations[:0], p.syncs[:0]
	p.bytes, p.settled, p.placed = 0, 0, false
	p.cursor, p.cursorAt, p.cursorTime = 0, 0, 0
	p.time = k.time
	if p.hasPrft = k.prft != nil; p.hasPrft {
		p.prft = *k.prft
	}
	payload := p.room.Payload()[p.offset:]
	video := in.desc.Kind == media.Video
	for i := range p.samples {
		s := &p.samples[i]
		p.durations = append(p.durations, s.Duration)
		if video {
			sync := media.IsSync(s.Flags)
			if seen, known := in.desc.SyncSample(payload[p.bytes : p.bytes+int64(s.Size)]); known && seen != sync {
				sync = seen
				s.Flags = media.SyncFlags(sync)
			}
			if sync {
				p.syncs = append(p.syncs, int32(i))
			}
		}
		p.bytes += int64(s.Size)
	}
	if !video {
		p.syncs = nil
	}
}

// length is how long the chunk is, as its encoder says.
func (p *pending) length() time.Duration {
	ticks := int64(0)
	for _, d := range p.durations {
		ticks += int64(d)
	}
	return time.Duration(min(ticks, math.MaxInt64/int64(time.Second)) * int64(time.Second) / int64(p.in.desc.Timescale))
}

// hash is the hash of the first sync sample's payload; 0 where there is none.
func (p *pending) hash() uint64 {
	if len(p.syncs) == 0 {
		return 0
	}
	at := p.offset
	for i := range p.syncs[0] {
		at += int(p.samples[i].Size)
	}
	return xxhash.Sum64(p.room.Payload()[at : at+int(p.samples[p.syncs[0]].Size)])
}

// keepSamples is the largest index that a chunk handle keeps for the next chunk.
const keepSamples = 512

// acquire takes a free chunk handle, or nil where the channel has as many pending as it may. Called with mu held.
func (c *Channel) acquire() *pending {
	if n := len(c.free); n > 0 {
		id := c.free[n-1]
		c.free = c.free[:n-1]
		return c.pend[id]
	}
	if len(c.pend) >= c.limits.PendingChunks {
		return nil
	}
	p := &pending{id: uint64(len(c.pend))}
	c.pend = append(c.pend, p)
	return p
}

// settle counts samples as decided, and frees the handle with the last. Called with mu held.
func (c *Channel) settle(p *pending, samples int) {
	p.settled += samples
	if p.settled < len(p.samples) {
		return
	}
	if cap(p.samples) > keepSamples {
		p.samples, p.durations, p.syncs = nil, nil, nil
	}
	p.room, p.arena = segcache.Room{}, nil
	c.free = append(c.free, p.id)
}
