package origin

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"weir/segcache"
)

// latencyBounds are the upper bounds of latency's buckets: six a decade, from a tenth of a millisecond to ten seconds.
var latencyBounds = [...]time.Duration{
	100 * time.Microsecond, 150 * time.Microsecond, 200 * time.Microsecond, 300 * time.Microsecond, 500 * time.Microsecond, 700 * time.Microsecond,
	1000 * time.Microsecond, 1500 * time.Microsecond, 2 * time.Millisecond, 3 * time.Millisecond, 5 * time.Millisecond, 7 * time.Millisecond,
	10 * time.Millisecond, 15 * time.Millisecond, 20 * time.Millisecond, 30 * time.Millisecond, 50 * time.Millisecond, 70 * time.Millisecond,
	100 * time.Millisecond, 150 * time.Millisecond, 200 * time.Millisecond, 300 * time.Millisecond, 500 * time.Millisecond, 700 * time.Millisecond,
	1000 * time.Millisecond, 1500 * time.Millisecond, 2 * time.Second, 3 * time.Second, 5 * time.Second, 7 * time.Second,
	10 * time.Second,
}

// A histogram counts durations: two additions, no lock. Safe for concurrent use.
type histogram struct {
	buckets [len(latencyBounds) + 1]atomic.Uint64 // each duration in one; the last is +Inf
	nanos   atomic.Uint64
	_       [56]byte // other histograms have cache lines of their own
}

func (h *histogram) observe(d time.Duration) {
	low, high := 0, len(latencyBounds)
	for low < high {
		if mid := (low + high) / 2; d > latencyBounds[mid] {
			low = mid + 1
		} else {
			high = mid
		}
	}
	h.buckets[low].Add(1)
	h.nanos.Add(uint64(max(d, 0)))
}

// collect sends the histogram, if it has counted anything.
func (h *histogram) collect(out chan<- prometheus.Metric, desc *prometheus.Desc, labels ...string) {
	buckets := make(map[float64]uint64, len(latencyBounds))
	count := uint64(0)
	for i, bound := range latencyBounds {
		count += h.buckets[i].Load()
		buckets[bound.Seconds()] = count
	}
	if count += h.buckets[len(latencyBounds)].Load(); count > 0 {
		out <- prometheus.MustNewConstHistogram(desc, count, time.Duration(h.nanos.Load()).Seconds(), buckets, labels...)
	}
}

// latency measures the way of a byte, by kind of object: always on, for a clock reading and a few additions an answer, or a
// chunk of one. Answers of what was there before they were asked for are not counted: they say nothing of it.
type latency struct {
	first [kinds]histogram // from the arrival of the last byte of a chunk to the first byte of it (or of what says it) handed to the kernel
	last  [kinds]histogram // … to the last byte of it
	held  [kinds]histogram // how long requests were held
	woken [kinds]histogram // from the arrival to where the held request goes on
	made  [kinds]histogram // how long a manifest took to render
}

// observeChunk counts a chunk that went out at once.
func (l *latency) observeChunk(kind Kind, d time.Duration) {
	l.first[kind].observe(d)
	l.last[kind].observe(d)
}

// since is how long ago something arrived.
func since(arrived int64) time.Duration { return time.Duration(segcache.Clock() - arrived) }

var (
	descFirst = prometheus.NewDesc("weir_origin_first_byte_latency_seconds",
		"From the arrival of a chunk's last byte to the first byte of it, or of the playlist that says it, handed to the kernel; for answers that waited or grew.",
		[]string{"protocol", "kind"}, nil)
	descLast = prometheus.NewDesc("weir_origin_last_byte_latency_seconds",
		"From the arrival of a chunk's last byte to the last byte of the answer, or of the answer's chunk, handed to the kernel; for answers that waited or grew.",
		[]string{"protocol", "kind"}, nil)
	descHeld = prometheus.NewDesc("weir_origin_held_seconds",
		"How long requests for what was about to come were held.", []string{"protocol", "kind"}, nil)
	descWoken = prometheus.NewDesc("weir_origin_wakeup_seconds",
		"From the arrival of a chunk's last byte to where the request that waited for it goes on.", []string{"protocol", "kind"}, nil)
	descMade = prometheus.NewDesc("weir_origin_render_seconds",
		"How long manifests took to render, without compression.", []string{"protocol", "kind"}, nil)
)

// protocol is the label of what asks for a kind while it grows.
func (k Kind) protocol() string {
	switch k {
	case KindMultivariant, KindPlaylist, KindPart:
		return "hls"
	case KindMPD, KindSegment:
		return "dash"
	case KindSmooth, KindFragment:
		return "smooth"
	}
	return ""
}

func (l *latency) collect(out chan<- prometheus.Metric) {
	for kind := range kinds {
		protocol, name := kind.protocol(), kind.String()
		l.first[kind].collect(out, descFirst, protocol, name)
		l.last[kind].collect(out, descLast, protocol, name)
		l.held[kind].collect(out, descHeld, protocol, name)
		l.woken[kind].collect(out, descWoken, protocol, name)
		l.made[kind].collect(out, descMade, protocol, name)
	}
}
