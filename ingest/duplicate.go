package ingest

import "github.com/cespare/xxhash/v2"

// prints are the fingerprints of a track's newest chunks, by encoder time. Encoders repeat their last fragments when they
// come back: the first published wins, and one that comes again with other bytes is an alarm, for two encoders push
// under one name, or one that is not what it says.
type prints struct {
	ring [32]struct {
		time int64
		hash uint64
	}
	next int
}

// differs tells whether a chunk of that time has been seen with other bytes, and remembers this one where none has.
func (p *prints) differs(time int64, hash uint64) bool {
	for i := range p.ring {
		if r := &p.ring[i]; r.hash != 0 && r.time == time {
			return r.hash != hash
		}
	}
	p.ring[p.next].time, p.ring[p.next].hash = time, hash
	p.next = (p.next + 1) % len(p.ring)
	return false
}

// print is a fingerprint of a chunk: its samples' sizes and durations, and the beginning of its payload. Never 0.
func (p *pending) print() uint64 {
	const most = 4 << 10
	h := xxhash.Sum64(p.room.Payload()[p.offset:][:min(p.bytes, most)])
	for i := range p.samples {
		s := &p.samples[i]
		h = (h ^ uint64(s.Size) ^ uint64(s.Duration)<<32) * 0x9e3779b97f4a7c15
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
