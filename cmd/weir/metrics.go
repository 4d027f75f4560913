package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"weir/ingest"
)

// metrics gathers what /metrics shows. The pedantic registry holds every collector to what it described.
func (n *node) metrics() *prometheus.Registry {
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		ingest.Collector{Channels: n.plane.Channels},
		n.encoders,
		n.cache,
		n.origin,
	)
	return r
}
