package ingest

import "github.com/cespare/xxhash/v2"

// prints are the fingerprints of a track's newest chunks, by encoder time. Encoders repeat their last fragments when they
// come back: the first published wins, and one that comes again with other bytes is an alarm, for two encoders push
// under one name, or one that is not what it says.
type prints struct {
	ring [64]struct {
		source string
		time   int64
		hash   uint64
	}
	next int
}

// differs tells whether a chunk of a source and that time has been seen with other bytes, and remembers this one where none has.
func (p *prints) differs(source string, time int64, hash uint64) bool {
	for i := range p.ring {
		if r := &p.ring[i]; r.hash != 0 && r.time == time && r.source == source {
			return r.hash != hash
		}
	}
	p.ring[p.next].source, p.ring[p.next].time, p.ring[p.next].hash = source, time, hash
	p.next = (p.next + 1) % len(p.ring)
	return false
}

// print is a fingerprint of a chunk: what its index says of its samples, and the beginning and the end of its payload.
// Encoders that agree in them for several chunks are bit-exact. Never 0.
func (p *pending) print() uint64 {
	const most = 4 << 10
	b := p.room.Payload()[p.offset:][:p.bytes]
	h := xxhash.Sum64(b[:min(len(b), most)])
	if len(b) > most {
		h ^= xxhash.Sum64(b[max(most, len(b)-most):]) * 31
	}
	for i := range p.samples {
		s := &p.samples[i]
		h = (h ^ uint64(s.Size) ^ uint64(s.Flags)<<40) * 0x9e3779b97f4a7c15
		if !p.rounded {
			h ^= uint64(s.Duration)<<32 ^ uint64(uint32(s.CTO))<<16
		}
	}
	return h | 1
}

// duplicate takes note of a chunk that the timeline dropped because its time is taken, or past. Called with mu held.
func (c *Channel) duplicate(p *pending) {
	if !p.differs {
		return
	}
	p.differs = false
	t := p.in.track
	t.stats.Differ.Add(1)
	if c.mayWarn() {
		c.log.Warn("a fragment came again with other bytes: the first was published, this one is dropped (two encoders under one name?)",
			"track", t.name, "time", p.time)
	}
}
