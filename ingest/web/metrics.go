package web

import (
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts the listener's answers; it is per request, not per chunk.
type metrics struct {
	requests    *prometheus.CounterVec
	failures    *prometheus.CounterVec
	connections atomic.Int64
	open        prometheus.GaugeFunc
}

func newMetrics() *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "weir_ingest_requests_total", Help: "Requests of encoders, by status (0: the connection was cut).",
		}, []string{"status"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "weir_ingest_errors_total", Help: "Encoder connections that ended with an error, by kind.",
		}, []string{"kind"}),
	}
	m.open = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "weir_ingest_bodies", Help: "Request bodies of encoders being read now.",
	}, func() float64 { return float64(m.connections.Load()) })
	return m
}

func (m *metrics) request(status int)  { m.requests.WithLabelValues(strconv.Itoa(status)).Inc() }
func (m *metrics) failure(kind string) { m.failures.WithLabelValues(kind).Inc() }

// Describe implements prometheus.Collector.
func (s *Server) Describe(ch chan<- *prometheus.Desc) {
	s.metrics.requests.Describe(ch)
	s.metrics.failures.Describe(ch)
	s.metrics.open.Describe(ch)
}

// Collect implements prometheus.Collector.
func (s *Server) Collect(ch chan<- prometheus.Metric) {
	s.metrics.requests.Collect(ch)
	s.metrics.failures.Collect(ch)
	s.metrics.open.Collect(ch)
}
