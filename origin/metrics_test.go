package origin

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestMetrics(t *testing.T) {
	s, _ := newTestServer(t, Config{}, 5000, 3)
	requests := []struct {
		path   string
		fields []string
	}{
		{videoPath(firstN), nil},
		{videoPath(firstN), []string{"Range", "bytes=0-99"}},
		{videoPath(firstN), []string{"If-None-Match", "*"}},
		{videoPath(1), nil},
		{base + "manifest(format=m3u8-cmaf)", nil},
		{base + "manifest(format=m3u8-cmaf)", nil},
	}
	for _, q := range requests {
		newRig(t, s, "GET", q.path, q.fields...).run(t)
	}
	got := gather(t, s)
	for sample, want := range map[string]float64{
		"weir_origin_requests_total kind=multivariant status=200": 2,
		"weir_origin_requests_total kind=segment status=200":      1,
		"weir_origin_requests_total kind=segment status=206":      1,
		"weir_origin_requests_total kind=segment status=304":      1,
		"weir_origin_requests_total kind=segment status=404":      1,
		"weir_origin_bytes_total kind=segment":                    float64(5000 + 100 + len(faultGone.body)),
		"weir_origin_renders_total":                               1,
		"weir_origin_panics_total":                                0,
		"weir_origin_request_seconds kind=segment":                4,
	} {
		if value, ok := got[sample]; !ok || value != want {
			t.Errorf("%s = %v (there: %v), want %v", sample, value, ok, want)
		}
	}
	if value, ok := got["weir_origin_requests_total kind=mpd status=200"]; ok {
		t.Errorf("what never happened is said: %v", value)
	}
}

// gather collects s as a strict registry does. A histogram's value is its count.
func gather(t *testing.T, s *Server) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(s); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := family.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetName() + "=" + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return got
}

func TestTimeBuckets(t *testing.T) {
	var m metrics
	for took, want := range map[time.Duration]int{
		-time.Second: 0, 0: 0, 50 * time.Microsecond: 0, 51 * time.Microsecond: 1, 10 * time.Second: len(timeBounds) - 1, time.Minute: len(timeBounds),
	} {
		before := m.kinds[KindMPD].buckets[want].Load()
		m.observe(KindMPD, 200, 1, took)
		if m.kinds[KindMPD].buckets[want].Load() != before+1 {
			t.Errorf("%v does not count in bucket %d", took, want)
		}
	}
	m.observe(KindMPD, 999, 1, 0)
	if m.kinds[KindMPD].requests[len(statuses)-1].Load() != 1 {
		t.Error("status 999 does not count as other")
	}
}

// TestAccessLogHasNoSecrets checks what a line says, and that it is silent when it is off.
func TestAccessLogHasNoSecrets(t *testing.T) {
	for name, c := range map[string]struct {
		path string
		want string
	}{
		"segment":                      {videoPath(firstN) + "?token=secret", "path=\"/0a1b2c3d…/Live.ism/QualityLevels(3000000)/Fragments(Video=n800000000).m4s\" status=200 kind=segment bytes=5000 "},
		"page":                         {"/?url=https://secret/", "path=/ status=404 kind=page "},
		"an encoder at the wrong door": {"/secretsecretsecret/ingest.isml/Streams(v.cmfv)", "path=/secretse…/ingest.isml/Streams(v.cmfv) status=404 "},
		"long":                         {"/x/" + strings.Repeat("y", 5000), "status=414 "},
	} {
		var out bytes.Buffer
		s, _ := newTestServer(t, Config{AccessLog: true, Logger: slog.New(slog.NewTextHandler(&out, nil))}, 5000, 3)
		newRig(t, s, "GET", c.path, "User-Agent", strings.Repeat("agent", 1000)).run(t)
		line := out.String()
		if !strings.Contains(line, c.want) || strings.Contains(line, "secret/") || strings.Contains(line, "=secret") || strings.Contains(line, testLocator[9:]) {
			t.Errorf("%s: %s\nwant %s", name, line, c.want)
		}
		if len(line) > 1000 || strings.Count(line, "\n") != 1 {
			t.Errorf("%s: a line of %d bytes:\n%s", name, len(line), line)
		}
	}
	var out bytes.Buffer
	s, _ := newTestServer(t, Config{Logger: slog.New(slog.NewTextHandler(&out, nil))}, 5000, 3)
	newRig(t, s, "GET", videoPath(firstN)).run(t)
	if out.Len() != 0 {
		t.Errorf("the log is off and says %s", &out)
	}
}
