package rtmp

import "github.com/prometheus/client_golang/prometheus"

// metrics counts connections and what becomes of them; per message there is nothing but a counter for those skipped.
type metrics struct {
	connections  prometheus.Gauge
	publications prometheus.Gauge
	publishes    prometheus.Counter
	bytes        prometheus.Counter
	refused      *prometheus.CounterVec
	failures     *prometheus.CounterVec
	skipped      *prometheus.CounterVec
	skips        map[string]prometheus.Counter
}

// skips are the reasons for which a message is passed over: the values of a label.
var skips = []string{"unknown", "unpublished", "interleaved", "large_data", "bad_data", "command"}

func newMetrics() *metrics {
	m := &metrics{
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "weir_rtmp_connections", Help: "Connections to the RTMP and RTMPS listeners that are open now.",
		}),
		publications: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "weir_rtmp_publications", Help: "Streams that are published over RTMP now.",
		}),
		publishes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "weir_rtmp_publishes_total", Help: "Publish commands that were accepted.",
		}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "weir_rtmp_received_bytes_total", Help: "Bytes read from RTMP connections, without TLS.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "weir_rtmp_refused_connections_total", Help: "RTMP connections that were not let in, by the bound under ingest.limits.",
		}, []string{"bound"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "weir_rtmp_errors_total", Help: "RTMP connections and publications that ended with an error, by kind.",
		}, []string{"kind"}),
		skipped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "weir_rtmp_skipped_messages_total", Help: "RTMP messages that were not used, by reason.",
		}, []string{"reason"}),
		skips: map[string]prometheus.Counter{},
	}
	for _, reason := range skips {
		m.skips[reason] = m.skipped.WithLabelValues(reason)
	}
	return m
}

func (m *metrics) skip(reason string) { m.skips[reason].Inc() }

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.connections, m.publications, m.publishes, m.bytes, m.refused, m.failures, m.skipped}
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
