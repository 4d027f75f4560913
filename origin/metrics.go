package origin

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// statuses are those that are told apart in metrics; the last stands for all others.
var statuses = [...]int{200, 204, 206, 304, 400, 403, 404, 405, 408, 412, 413, 414, 415, 416, 431, 500, 0}

// statusIndex maps a status below 512 to its place in statuses.
var statusIndex = func() (index [512]uint8) {
	for i := range index {
		index[i] = uint8(len(statuses) - 1)
	}
	for i, status := range statuses {
		if status != 0 {
			index[status] = uint8(i)
		}
	}
	return index
}()

// timeBounds are the upper bounds of the histogram's buckets. Most answers take tens of microseconds; what takes
// seconds is a puller that reads slowly.
var timeBounds = [...]time.Duration{
	50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// kindCounters counts the answers of one kind. The padding keeps the kinds on cache lines of their own.
type kindCounters struct {
	requests [len(statuses)]atomic.Uint64
	bytes    atomic.Uint64
	nanos    atomic.Uint64
	buckets  [len(timeBounds) + 1]atomic.Uint64 // each answer in one; the last is +Inf
	_        [64]byte
}

// metrics is a fixed table of counters: an answer costs four additions and no lookup by name. Safe for concurrent use.
type metrics struct {
	kinds   [kinds]kindCounters
	refused atomic.Uint64 // connections over a cap
	panics  atomic.Uint64
	renders atomic.Uint64
	waiting atomic.Int64 // requests that are held
	latency latency
	cuts    [cutReasons]atomic.Uint64
}

// observe counts one answer.
func (m *metrics) observe(kind Kind, status int, bytes int64, took time.Duration) {
	k := &m.kinds[kind]
	k.requests[statusIndex[status&511]].Add(1)
	k.bytes.Add(uint64(bytes))
	k.nanos.Add(uint64(max(took, 0)))
	bucket := 0
	for bucket < len(timeBounds) && took > timeBounds[bucket] {
		bucket++
	}
	k.buckets[bucket].Add(1)
}

var (
	descRequests = prometheus.NewDesc("weir_origin_requests_total",
		"Answers, by kind of object and HTTP status.", []string{"kind", "status"}, nil)
	descBytes = prometheus.NewDesc("weir_origin_bytes_total",
		"Bytes of bodies handed to the kernel, by kind of object.", []string{"kind"}, nil)
	descSeconds = prometheus.NewDesc("weir_origin_request_seconds",
		"Time from the request read to the answer handed to the kernel, by kind of object.", []string{"kind"}, nil)
	descConns = prometheus.NewDesc("weir_origin_connections",
		"Open connections.", nil, nil)
	descWaiting = prometheus.NewDesc("weir_origin_waiting_requests",
		"Requests that are held until what they ask for is there.", nil, nil)
	descRefused = prometheus.NewDesc("weir_origin_refused_connections_total",
		"Connections refused because of a cap.", nil, nil)
	descRenders = prometheus.NewDesc("weir_origin_renders_total",
		"Manifests rendered; requests beyond these were answered from the rendered bytes.", nil, nil)
	descPanics = prometheus.NewDesc("weir_origin_panics_total",
		"Requests that ended in a panic: each is a fault in weir, and in its log.", nil, nil)
)

// Describe implements prometheus.Collector.
func (s *Server) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descRequests, descBytes, descSeconds, descConns, descWaiting, descRefused, descRenders, descPanics,
		descFirst, descLast, descHeld, descWoken, descMade, descCut,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector. Combinations that never happened are left out.
func (s *Server) Collect(out chan<- prometheus.Metric) {
	for kind := range kinds {
		s.metrics.kinds[kind].collect(kind.String(), out)
	}
	counter := func(d *prometheus.Desc, v uint64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v))
	}
	out <- prometheus.MustNewConstMetric(descConns, prometheus.GaugeValue, float64(s.conns()))
	out <- prometheus.MustNewConstMetric(descWaiting, prometheus.GaugeValue, float64(s.metrics.waiting.Load()))
	counter(descRefused, s.metrics.refused.Load())
	counter(descRenders, s.metrics.renders.Load())
	counter(descPanics, s.metrics.panics.Load())
	s.metrics.latency.collect(out)
	collectCuts(&s.metrics.cuts, out)
}

func (k *kindCounters) collect(kind string, out chan<- prometheus.Metric) {
	for i, status := range statuses {
		n := k.requests[i].Load()
		if n == 0 {
			continue
		}
		label := "other"
		if status != 0 {
			label = strconv.Itoa(status)
		}
		out <- prometheus.MustNewConstMetric(descRequests, prometheus.CounterValue, float64(n), kind, label)
	}
	buckets := make(map[float64]uint64, len(timeBounds))
	var count uint64
	for i, bound := range timeBounds {
		count += k.buckets[i].Load()
		buckets[bound.Seconds()] = count
	}
	count += k.buckets[len(timeBounds)].Load()
	if count == 0 {
		return
	}
	out <- prometheus.MustNewConstMetric(descBytes, prometheus.CounterValue, float64(k.bytes.Load()), kind)
	out <- prometheus.MustNewConstHistogram(descSeconds, count, time.Duration(k.nanos.Load()).Seconds(), buckets, kind)
}
