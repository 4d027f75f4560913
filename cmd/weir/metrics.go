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
		n.rtmp,
		windows{n.plane.Channels},
		n.cache,
		n.origin,
	)
	return r
}

// windows reports what the channels' manifests list.
type windows struct{ channels func() []*ingest.Channel }

var (
	descListed = prometheus.NewDesc("weir_channel_listed_segments", "Segments and GAPs that manifests list now: the window.", []string{"channel", "track"}, nil)
	descHeld   = prometheus.NewDesc("weir_channel_held_bytes", "Media held for the window and for playlists that may still be in use.", []string{"channel", "track"}, nil)
)

// Describe implements prometheus.Collector.
func (windows) Describe(ch chan<- *prometheus.Desc) { ch <- descListed; ch <- descHeld }

// Collect implements prometheus.Collector.
func (w windows) Collect(ch chan<- prometheus.Metric) {
	for _, c := range w.channels() {
		v := c.Live().Version()
		for i := range v.Tracks {
			t := &v.Tracks[i]
			ch <- prometheus.MustNewConstMetric(descListed, prometheus.GaugeValue, float64(t.End-t.First), c.Name(), t.Name)
			ch <- prometheus.MustNewConstMetric(descHeld, prometheus.GaugeValue, float64(t.Held()), c.Name(), t.Name)
		}
	}
}
