package timeline

import "slices"

// Bounds on what waits for a decision. Beyond them the oldest media of the track is dropped.
const (
	maxHeldChunks   = 8192    // of a channel; the caller has a bound of its own
	maxHeldSamples  = 1 << 20 // of a channel
	maxChunkSeconds = 300     // longest chunk that is believed
)

// held is the index of a chunk while it is looked at or waits. Those that wait own their slices, which are reused.
type held struct {
	id      uint64
	time    int64 // encoder time of the first sample
	end     int64 // encoder time of the last sample's end
	dur     []uint32
	sync    []int32
	hash    uint64
	print   uint64
	arrival int64 // UTC ns of the last byte
	from    int   // samples before it are settled
	x       int64 // encoder time of sample from
}

// view makes h the index of a chunk without copying it. It reports false for one whose times cannot be.
func (h *held) view(c *Chunk, arrival int64, encScale uint32) bool {
	total := int64(0)
	for _, d := range c.Durations {
		total += int64(d) // at most 2^31 samples of 2^32 ticks
	}
	if total/int64(encScale) > maxChunkSeconds || !plausible(c.Time, encScale) || !plausible(add(c.Time, total), encScale) {
		return false
	}
	last := int32(-1)
	for _, s := range c.Syncs {
		if s <= last || int(s) >= len(c.Durations) {
			return false
		}
		last = s
	}
	*h = held{
		id: c.ID, time: c.Time, end: c.Time + total, dur: c.Durations, sync: c.Syncs, hash: c.Hash,
		print: c.Print, arrival: arrival, x: c.Time,
	}
	return true
}

// isSync tells whether sample i is a sync sample. Tracks without sync samples of their own say so with a nil list, which
// the caller knows by the kind of the track.
func (h *held) isSync(i int) bool {
	if len(h.sync) == 0 {
		return false
	}
	if int(h.sync[0]) == i {
		return true
	}
	_, found := slices.BinarySearch(h.sync, int32(i))
	return found
}

// firstSync is the index and encoder time of the first unsettled sync sample; ok is false where there is none.
func (h *held) firstSync() (x int64, ok bool) {
	for _, s := range h.sync {
		if int(s) < h.from {
			continue
		}
		x = h.time
		for i := range s {
			x += int64(h.dur[i])
		}
		return x, true
	}
	return 0, false
}

// keep returns a chunk that owns what it holds. Nothing is allocated once enough have been kept before.
func (tl *Timeline) keep(h *held) *held {
	var k *held
	if n := len(tl.pool); n > 0 {
		k, tl.pool = tl.pool[n-1], tl.pool[:n-1]
	} else {
		k = new(held)
	}
	dur, sync := append(k.dur[:0], h.dur...), append(k.sync[:0], h.sync...)
	*k = *h
	k.dur, k.sync = dur, sync
	tl.heldChunks++
	tl.heldSamples += len(dur)
	return k
}

// free takes a kept chunk back.
func (tl *Timeline) free(k *held) {
	tl.heldChunks--
	tl.heldSamples -= len(k.dur)
	if cap(k.dur) <= 4096 && len(tl.pool) < 1024 { // what a hostile encoder made large is left to the collector
		tl.pool = append(tl.pool, k)
	}
}

// dropAll settles what is left of a chunk.
func (tl *Timeline) dropAll(t *track, h *held, why Reason) { tl.drop(t, h, len(h.dur), h.end, why) }

// drop settles samples up to to (at encoder time x) without using them.
func (tl *Timeline) drop(t *track, h *held, to int, x int64, why Reason) {
	if to > h.from {
		tl.emit(Event{Kind: Dropped, Track: t.name, Chunk: h.id, From: h.from, To: to, Reason: why})
		h.from, h.x = to, x
	}
}
