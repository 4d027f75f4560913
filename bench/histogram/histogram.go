// Package histogram counts latencies in buckets that are one per cent wide, so that millions of samples of several
// processes add up in a few kilobytes. It has no clock and no locks. Start with Histogram.
package histogram

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// A Histogram counts durations. The zero value is empty and ready. Not safe for concurrent use.
type Histogram struct {
	counts []uint32 // by bucket
	total  int
	max    time.Duration
}

// buckets is how many there are to a doubling, and last the highest: some minutes.
const (
	buckets = 64
	last    = 40 * buckets
)

func bucket(d time.Duration) int {
	if d < 1 {
		return 0
	}
	return min(last, int(math.Log2(float64(d))*buckets))
}

// value is the middle of a bucket.
func value(b int) time.Duration { return time.Duration(math.Exp2((float64(b) + 0.5) / buckets)) }

// Add counts one duration; one below a nanosecond counts as that.
func (h *Histogram) Add(d time.Duration) {
	b := bucket(d)
	for b >= len(h.counts) {
		h.counts = append(h.counts, make([]uint32, b+1-len(h.counts))...)
	}
	h.counts[b]++
	h.total++
	h.max = max(h.max, d)
}

// Merge adds what o has counted; o may be nil.
func (h *Histogram) Merge(o *Histogram) {
	if o == nil {
		return
	}
	if len(h.counts) < len(o.counts) {
		h.counts = append(h.counts, make([]uint32, len(o.counts)-len(h.counts))...)
	}
	for b, n := range o.counts {
		h.counts[b] += n
	}
	h.total += o.total
	h.max = max(h.max, o.max)
}

// Count is how many durations were added.
func (h *Histogram) Count() int { return h.total }

// Max is the greatest of them.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile is the duration that a share q (0 to 1) of all does not exceed, to one per cent; 0 if there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := int(math.Ceil(q * float64(h.total)))
	if rank >= h.total {
		return h.max
	}
	sum := 0
	for b, n := range h.counts {
		if sum += int(n); sum >= max(rank, 1) {
			return min(value(b), h.max)
		}
	}
	return 0
}

// Over is how many durations were longer than d, to one per cent.
func (h *Histogram) Over(d time.Duration) int {
	n := 0
	for b := bucket(d) + 1; b < len(h.counts); b++ {
		n += int(h.counts[b])
	}
	return n
}

// wire is the form of a histogram in JSON: pairs of bucket and count.
type wire struct {
	Max    int64       `json:"maxNanos"`
	Counts [][2]uint32 `json:"counts"`
}

// MarshalJSON writes the buckets that are not empty.
func (h *Histogram) MarshalJSON() ([]byte, error) {
	w := wire{Max: int64(h.max), Counts: [][2]uint32{}}
	for b, n := range h.counts {
		if n > 0 {
			w.Counts = append(w.Counts, [2]uint32{uint32(b), n})
		}
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (h *Histogram) UnmarshalJSON(text []byte) error {
	var w wire
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	*h = Histogram{counts: make([]uint32, last+1), max: time.Duration(w.Max)}
	for _, c := range w.Counts {
		if c[0] > last {
			return fmt.Errorf("histogram: bucket %d", c[0])
		}
		h.counts[c[0]] += c[1]
		h.total += int(c[1])
	}
	return nil
}
