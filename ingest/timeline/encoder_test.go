package timeline

import (
	"fmt"
	"math/rand/v2"
)

// An elementary is one track as an encoder makes it.
type elementary struct {
	name      string
	kind      Kind
	timescale uint32
	rate      uint32
	num, den  int64            // frame i starts num/den seconds times i after the session's start
	sync      func(i int) bool // nil: every frame
	chunk     int              // frames a chunk; 0: a GOP
	config    uint64
	late      int64           // ns: the whole track comes that much later
	phase     int64           // frames that the track starts later than its session
	talk      func(i int) int // text: for how many frames the cue of frame i lasts; 0: there is none
}

// A session is one run of an encoder.
type session struct {
	start, end int64 // UTC ns of frame 0's capture; the first chunk that ends after end is not sent
	epoch      bool  // times are UTC, else they start at zero
	shift      int64 // ns added to what the encoder says
	drift      int64 // parts per million that its clock runs slow
	tracks     []elementary
	id         uint64 // makes payloads differ
	jumps      []jump
	holes      []hole
	kept       bool // connections stay open over end: the next session comes over them
	source     string
	rank       int
	content    uint64 // what is in its frames; what sessions with the same send for one time is bit-exact. 0: id
}

// bits is what makes the session's frames differ from another's.
func (s *session) bits() uint64 {
	if s.content != 0 {
		return s.content
	}
	return s.id
}

// key tells the ways of a track's sources apart.
func (s *session) key(track string) string { return track + "@" + s.source }

// A jump is a step of the encoder's clock at a UTC.
type jump struct{ at, by int64 }

// A hole is what an encoder does not send.
type hole struct {
	from, to int64 // UTC ns of capture
	track    string
}

// A packet is a chunk on its way.
type packet struct {
	track *elementary
	info  TrackInfo
	sess  *session
	chunk Chunk
	first int   // index of the first frame
	done  int64 // UTC ns of the last frame's end, on a true clock
}

func every(n int) func(int) bool { return func(i int) bool { return i%n == 0 } }

// video makes a track of num/den frames a second with a GOP of n frames, sent in chunks of c frames (0: whole GOPs).
func video(name string, num, den int64, timescale uint32, n, c int) elementary {
	return elementary{name: name, kind: Video, timescale: timescale, num: den, den: num, sync: every(n), chunk: c, config: 1}
}

func audio(name string, rate uint32, c int) elementary {
	return elementary{name: name, kind: Audio, timescale: rate, rate: rate, num: 1024, den: int64(rate), chunk: c, config: 2}
}

// stamp is what the encoder says of frame i, in its ticks, and when it was captured on a true clock.
func (s *session) stamp(e *elementary, i int) (ticks, captured int64) {
	i += int(e.phase)
	seconds := func(unit int64) int64 { return scaleNear(int64(i)*e.num, unit, e.den) }
	nanos := seconds(second)
	captured = s.start + nanos + nanos/1_000_000*s.drift
	shift := s.shift
	for _, j := range s.jumps {
		if captured >= j.at {
			shift += j.by
		}
	}
	if s.epoch { // an encoder on UTC computes each stamp from the frame's exact time
		whole, rest := (s.start+shift)/second, (s.start+shift)%second
		return whole*int64(e.timescale) + addFraction(rest, int64(i)*e.num, e.den, int64(e.timescale)), captured
	}
	return seconds(int64(e.timescale)) + scaleNear(shift, int64(e.timescale), second), captured
}

// addFraction is (rest ns + num/den s) in ticks, to the nearest.
func addFraction(rest, num, den, timescale int64) int64 {
	const fine = 1 << 10
	a, _ := mulDiv(rest, timescale*fine, second)
	b, _ := mulDiv(num, timescale*fine, den)
	return floorDiv(a+b+fine/2, fine)
}

func (e *elementary) info() TrackInfo {
	return TrackInfo{Name: e.name, Kind: e.kind, Timescale: e.timescale, Rate: e.rate, Config: e.config}
}

// packets of one track of a session, in order.
func (s *session) packets(e *elementary) []packet {
	var out []packet
	for i := 0; ; {
		n := e.chunk
		if n == 0 {
			for n = 1; e.sync != nil && !e.sync(i+n); n++ {
			}
		}
		p := packet{
			track: e, sess: s, first: i,
			info: e.info(),
		}
		p.info.Source, p.info.Rank = s.source, s.rank
		at, from := s.stamp(e, i)
		p.chunk.Time = at
		p.chunk.Print = s.bits()<<48 ^ uint64(at)<<8 ^ uint64(n)<<1 | 1
		for j := range n {
			next, done := s.stamp(e, i+j+1)
			d := next - at
			if d < 0 || d > int64(e.timescale)*2 { // the clock jumped
				d = scaleNear(e.num, int64(e.timescale), e.den)
			}
			p.chunk.Durations = append(p.chunk.Durations, uint32(d))
			at, p.done = next, done
			if e.kind == Video && (e.sync == nil || e.sync(i+j)) {
				if len(p.chunk.Syncs) == 0 {
					p.chunk.Hash = s.bits()<<40 | uint64(i+j+1)
				}
				p.chunk.Syncs = append(p.chunk.Syncs, int32(j))
			}
		}
		if e.talk != nil {
			lasts := e.talk(i)
			if lasts == 0 {
				i++
				if p.done > s.end {
					return out
				}
				continue
			}
			next, _ := s.stamp(e, i+lasts)
			p.chunk.Durations[0] = uint32(next - p.chunk.Time)
		}
		p.done += e.late
		if p.done > s.end {
			return out
		}
		lost := false
		for _, h := range s.holes {
			lost = lost || (h.track == "" || h.track == e.name) && from < h.to && p.done-e.late > h.from
		}
		if !lost {
			out = append(out, p)
		}
		i += n
	}
}

// frame names a frame: what a segment's bytes are made of.
func (p *packet) frame(i int) string {
	n := int64(p.first + i)
	if p.sess.content != 0 {
		n, _ = p.sess.stamp(p.track, p.first+i)
	}
	return fmt.Sprintf("%s/%d/%d", p.track.name, p.sess.bits(), n)
}

// text makes a track of one cue a chunk; frames are ms long. lasts says how long each cue is; nil: as long as a frame.
func text(name string, ms int64, lasts func(i int) int) elementary {
	return elementary{name: name, kind: Sparse, timescale: 1000, num: ms, den: 1000, chunk: 1, talk: lasts, config: 3}
}

// jitter returns a delay between min and max that goes with a packet.
func jitter(seed uint64, min, max int64) func(*packet) int64 {
	return func(p *packet) int64 {
		r := rand.New(rand.NewPCG(seed, uint64(p.first)*31+p.sess.id*7+uint64(len(p.track.name))))
		return min + r.Int64N(max-min+1)
	}
}
