package ingest

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"weir/ingest/timeline"
	"weir/media"
)

// ReasonPending: the channel holds as many undecided chunks as it may.
const ReasonPending timeline.Reason = "pending_limit"

// maxReasons bounds the table of counters; init checks it.
const maxReasons = 31

// reasons is the fixed set of label values for dropped samples; an unknown one counts as "other".
var reasons = append([]timeline.Reason{ReasonPending, ReasonEventSize}, timeline.Reasons()...)

func (s *TrackStats) drop(reason timeline.Reason) {
	for i, r := range reasons {
		if r == reason {
			s.Dropped[i].Add(1)
			return
		}
	}
	s.Dropped[maxReasons].Add(1)
}

func init() {
	if len(reasons) > maxReasons {
		panic("ingest: maxReasons is smaller than the timeline's set of reasons")
	}
}

// Collector reports every channel's tracks to Prometheus.
type Collector struct {
	// Channels returns the channels to report; it is called at every scrape.
	Channels func() []*Channel
}

var (
	labels         = []string{"channel", "track"}
	descBytes      = prometheus.NewDesc("weir_ingest_bytes_total", "Payload bytes committed to the live window.", labels, nil)
	descChunks     = prometheus.NewDesc("weir_ingest_chunks_total", "Chunks committed to the live window.", labels, nil)
	descSegments   = prometheus.NewDesc("weir_ingest_segments_total", "Segments listed as media.", labels, nil)
	descGaps       = prometheus.NewDesc("weir_ingest_gaps_total", "Slots listed as GAP.", labels, nil)
	descDropped    = prometheus.NewDesc("weir_ingest_dropped_total", "Pieces of chunks that were not used, by reason.", append(labels, "reason"), nil)
	descBad        = prometheus.NewDesc("weir_ingest_bad_fragments_total", "Fragments that could not be read and were skipped.", labels, nil)
	descDiffer     = prometheus.NewDesc("weir_ingest_duplicates_differ_total", "Fragments that came again with other bytes: the first was published.", labels, nil)
	descAge        = prometheus.NewDesc("weir_ingest_last_chunk_age_seconds", "Time since the newest chunk arrived.", labels, nil)
	descBehind     = prometheus.NewDesc("weir_ingest_producer_age_seconds", "How much later than its producer reference time (prft) says the newest chunk arrived.", labels, nil)
	descInputs     = prometheus.NewDesc("weir_ingest_connections", "Encoder connections that feed the channel now.", labels[:1], nil)
	descUnfinished = prometheus.NewDesc("weir_ingest_unfinished_bytes", "Bytes of boxes that the channel's encoders are in the middle of.", labels[:1], nil)
	descEvents     = prometheus.NewDesc("weir_ingest_events_total", "Timed metadata events taken from sparse tracks.", labels, nil)
	descKept       = prometheus.NewDesc("weir_ingest_kept_events", "Timed metadata events that the channel keeps, or that wait for their time.", labels[:1], nil)
	descKeptBytes  = prometheus.NewDesc("weir_ingest_kept_event_bytes", "Bytes of them.", labels[:1], nil)
	descSource     = prometheus.NewDesc("weir_ingest_source_served", "1 for the source of the newest segment that the track lists.", append(labels, "source"), nil)
	descSlots      = prometheus.NewDesc("weir_ingest_source_segments_total", "Segments listed as media, by the source that was served.", append(labels, "source"), nil)
	descChanges    = prometheus.NewDesc("weir_ingest_source_changes_total", "Changes of the source that is served, by what they were made for.", append(labels, "why"), nil)
	descLag        = prometheus.NewDesc("weir_ingest_lag_seconds", "How late the channel's media comes against its own clock.", labels[:1], nil)
)

// Describe implements prometheus.Collector.
func (Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descBytes, descChunks, descSegments, descGaps, descDropped, descBad, descDiffer, descAge, descBehind, descInputs, descUnfinished, descLag, descSource, descSlots, descChanges, descEvents, descKept, descKeptBytes} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (col Collector) Collect(ch chan<- prometheus.Metric) {
	for _, c := range col.Channels() {
		c.collect(ch)
	}
}

func (c *Channel) collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.deps.Now()
	gauge := func(d *prometheus.Desc, v float64, l ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, l...)
	}
	count := func(d *prometheus.Desc, v int64, l ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), l...)
	}
	gauge(descInputs, float64(c.conns), c.name)
	gauge(descUnfinished, float64(c.unfinished.Load()), c.name)
	gauge(descKept, float64(len(c.events.kept)+len(c.events.waiting)), c.name)
	gauge(descKeptBytes, float64(c.events.bytes), c.name)
	gauge(descLag, time.Duration(c.tl.Lag()).Seconds(), c.name)
	for _, t := range c.tracks {
		s := &t.stats
		count(descBytes, s.Bytes.Load(), c.name, t.name)
		count(descChunks, s.Chunks.Load(), c.name, t.name)
		count(descSegments, s.Segments.Load(), c.name, t.name)
		count(descGaps, s.Gaps.Load(), c.name, t.name)
		if t.kind == media.Metadata {
			count(descEvents, s.Events.Load(), c.name, t.name)
		}
		if t.sources.newest != "" {
			gauge(descSource, 1, c.name, t.name, t.sources.newest)
		}
		for source, n := range t.sources.slots {
			count(descSlots, n, c.name, t.name, source)
		}
		for why, n := range t.sources.changes {
			count(descChanges, n, c.name, t.name, string(why))
		}
		count(descDiffer, s.Differ.Load(), c.name, t.name)
		count(descBad, s.BadFragment.Load(), c.name, t.name)
		if last := s.LastChunk.Load(); last != 0 {
			gauge(descAge, time.Duration(now-last).Seconds(), c.name, t.name)
		}
		if behind := s.Behind.Load(); behind != 0 {
			gauge(descBehind, time.Duration(behind).Seconds(), c.name, t.name)
		}
		for i, r := range reasons {
			count(descDropped, s.Dropped[i].Load(), c.name, t.name, string(r))
		}
		count(descDropped, s.Dropped[maxReasons].Load(), c.name, t.name, "other")
	}
}
