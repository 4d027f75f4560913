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
	refused     *prometheus.CounterVec
	bodies      atomic.Int64
	open        prometheus.GaugeFunc
	connections prometheus.GaugeFunc
}

func newMetrics(connections func() float64) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "weir_ingest_requests_total", Help: "Requests of encoders, by status (0: the connection was cut).",
		}, []string{"status"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "weir_ingest_errors_total", Help: "Encoder connections that ended with an error, by kind.",
		}, []string{"kind"}),
	}
	m.refused = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "weir_ingest_refused_connections_total", Help: "Connections of encoders that were one too many, by the bound under ingest.limits.",
	}, []string{"bound"})
	m.connections = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "weir_ingest_open_connections", Help: "Connections to the encoder listener that are open now.",
	}, connections)
	m.open = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "weir_ingest_bodies", Help: "Request bodies of encoders being read now.",
	}, func() float64 { return float64(m.bodies.Load()) })
	return m
}

func (m *metrics) request(status int)  { m.requests.WithLabelValues(strconv.Itoa(status)).Inc() }
func (m *metrics) failure(kind string) { m.failures.WithLabelValues(kind).Inc() }

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.failures, m.refused, m.open, m.connections}
}

// Describe implements prometheus.Collector.
func (s *Server) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range s.metrics.collectors() {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (s *Server) Collect(ch chan<- prometheus.Metric) {
	for _, c := range s.metrics.collectors() {
		c.Collect(ch)
	}
}
