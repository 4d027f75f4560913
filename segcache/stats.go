package segcache

import "github.com/prometheus/client_golang/prometheus"

// Stats are the figures of a cache at one moment.
type Stats struct {
	Memory   int64 // bytes: the bound, Config.Memory
	Window   int64 // bytes of slabs that the live windows and the inputs need
	Pinned   int64 // bytes of slabs that no window needs any more: held by readers, or not yet found by the collector
	Spare    int64 // bytes of slabs that have gone, kept for the next ones
	Media    int64 // bytes of media in the retained segments of all channels: at most Window
	Slabs    int64 // number of slabs mapped
	Collects int64 // collections asked for since the start
	Refused  int64 // inputs that Admit turned away since the start: an operator must act
	Failed   int64 // rooms that Reserve could not give since the start: media was lost for want of memory
}

// Stats may be called at any time.
func (c *Cache) Stats() Stats {
	s := Stats{
		Memory: c.config.Memory, Window: c.live.Load(), Pinned: max(c.pinned(), 0), Spare: c.spares.bytes.Load(), Slabs: c.slabs.Load(),
		Collects: c.collects.Load(), Refused: c.refused.Load(), Failed: c.failed.Load(),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for ch := range c.channels {
		s.Media += ch.held.Load()
	}
	return s
}

// Crowded tells whether readers hold more memory that no window needs than they should: an eighth of Config.Memory, which
// is half of what would cost inputs their chunks. Readers that take their time should let go. It costs three loads.
func (c *Cache) Crowded() bool { return c.pinned() > c.config.Memory/8 }

// pinned is Stats.Pinned, but for what the counters' moving meanwhile makes of it.
func (c *Cache) pinned() int64 { return c.mapped.Load() - c.live.Load() - c.spares.bytes.Load() }

var (
	descMemory  = prometheus.NewDesc("weir_segcache_memory_bytes", "What the live windows may take: cache.memory.", nil, nil)
	descWindow  = prometheus.NewDesc("weir_segcache_window_bytes", "Slabs that the live windows and the inputs need.", nil, nil)
	descPinned  = prometheus.NewDesc("weir_segcache_pinned_bytes", "Slabs that no window needs any more: held by readers, or about to be unmapped.", nil, nil)
	descSpare   = prometheus.NewDesc("weir_segcache_spare_bytes", "Memory of slabs that have gone, kept for the next ones.", nil, nil)
	descMedia   = prometheus.NewDesc("weir_segcache_media_bytes", "Media in the live windows.", nil, nil)
	descSlabs   = prometheus.NewDesc("weir_segcache_slabs", "Slabs mapped.", nil, nil)
	descCollect = prometheus.NewDesc("weir_segcache_collections_total", "Garbage collections asked for to unmap slabs.", nil, nil)
	descRefused = prometheus.NewDesc("weir_segcache_refused_inputs_total", "Inputs refused because cache.memory would not hold them.", nil, nil)
	descFailed  = prometheus.NewDesc("weir_segcache_failed_rooms_total", "Chunks lost for want of memory.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c *Cache) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descMemory, descWindow, descPinned, descSpare, descMedia, descSlabs, descCollect, descRefused, descFailed,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Cache) Collect(out chan<- prometheus.Metric) {
	s := c.Stats()
	gauge := func(d *prometheus.Desc, v int64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v))
	}
	count := func(d *prometheus.Desc, v int64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v))
	}
	gauge(descMemory, s.Memory)
	gauge(descWindow, s.Window)
	gauge(descPinned, s.Pinned)
	gauge(descSpare, s.Spare)
	gauge(descMedia, s.Media)
	gauge(descSlabs, s.Slabs)
	count(descCollect, s.Collects)
	count(descRefused, s.Refused)
	count(descFailed, s.Failed)
}
