package segcache

import "fmt"

// Memory is guarded at the door: an input is admitted when all that it will need fits beside what was admitted before,
// so that nothing which is listed ever has to give way. The hard bounds behind it (claim) are met only by inputs that
// send more than they declared, and cost these a chunk.

// Admit takes an input's track in, if the memory that it will need (its bitrate for as long as bytes are retained) fits
// beside what was admitted before; call it before the first Reserve. ErrMemory: refuse the input. Closing the arena
// gives the admission back. Safe for concurrent use.
//
// An encoder that comes back is counted once: what its former connection left in the window is replaced by what it sends.
func (ch *Channel) Admit(a *Arena) error {
	c := ch.cache
	need := a.needs(ch)
	c.mu.Lock()
	defer c.mu.Unlock()
	total := max(ch.need.Load()+need, ch.held.Load())
	for other := range c.channels {
		if other != ch {
			total += max(other.need.Load(), other.held.Load())
		}
	}
	if total > c.config.Memory {
		c.refused.Add(1)
		return fmt.Errorf("channel %s: %d bit/s need %d bytes of memory: %d of %d would be taken: %w",
			ch.Name, a.bits, need, total, c.config.Memory, ErrMemory)
	}
	a.channel, a.need = ch, need
	ch.need.Add(need)
	return nil
}

// mayGrow tells whether the arena's channel may have size bytes more. What it was admitted with it may have; beyond that,
// what is left when all other channels have what they were admitted with. So an input that sends more than it declared
// takes nothing that another needs. (Arenas that asked for no admission meet the hard bound alone.)
func (a *Arena) mayGrow(size int64) bool {
	ch := a.channel
	if ch == nil {
		return true
	}
	c := a.cache
	own := ch.held.Load() + size
	if own <= ch.need.Load() {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := range c.channels {
		if other != ch {
			own += max(other.need.Load(), other.held.Load())
		}
	}
	return own <= c.config.Memory
}

// needs is the memory for an input of the arena's bitrate: its media for the retention, an eighth more for boxes and for
// encoders that exceed what they declare, and three slabs: the oldest, which goes as a whole, the one that is filled,
// and the next.
func (a *Arena) needs(ch *Channel) int64 {
	seconds := retention(ch.window, ch.Version().Generations).Seconds()
	return int64(float64(a.bits)/8*seconds*9/8) + 3*a.bytes.Load()
}
