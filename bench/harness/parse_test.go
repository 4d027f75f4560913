//go:build linux

package harness

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/bench/histogram"
)

func TestSumMetric(t *testing.T) {
	const text = `# TYPE weir_ingest_gaps_total counter
weir_ingest_gaps_total{channel="a b",track="v"} 2
weir_ingest_gaps_total{channel="c",track="v"} 1.5e+01
weir_ingest_gaps_total_more 100
weir_segcache_media_bytes 7
`
	for name, want := range map[string]float64{"weir_ingest_gaps_total": 17, "weir_segcache_media_bytes": 7, "none": 0} {
		if got, err := sumMetric(text, name); err != nil || got != want {
			t.Errorf("sumMetric(%s) = %v, %v; want %v", name, got, err, want)
		}
	}
}

func TestPlaylistURIs(t *testing.T) {
	uris, gaps := playlistURIs("#EXTM3U\n#EXT-X-MAP:URI=\"i\"\n#EXTINF:2,\na.m4s\n#EXT-X-GAP\n#EXTINF:2,\nb.m4s\n#EXTINF:2,\r\nc.m4s\r\n")
	if strings.Join(uris, " ") != "a.m4s b.m4s c.m4s" || gaps[0] || !gaps[1] || gaps[2] {
		t.Errorf("%q %v, want three, the second under GAP", uris, gaps)
	}
	got, err := resolve("http://h/l/live.ism/manifest(format=m3u8-cmaf)", "QualityLevels(4)/Manifest(v,format=m3u8-cmaf).m3u8")
	if err != nil || !strings.HasPrefix(got, "http://h/l/live.ism/QualityLevels(4)/") {
		t.Errorf("resolve: %s, %v", got, err)
	}
}

func TestSpread(t *testing.T) {
	for _, tc := range []struct {
		all  []float64
		want string
	}{
		{[]float64{3, 1, 2}, "2.00 (1.00-3.00)"},
		{[]float64{1, 2, 3, 4000}, "2.50 (1.00-4000)"},
		{[]float64{0.01234}, "0.0123"},
		{[]float64{55086.02}, "55086"},
	} {
		if got := newSpread(tc.all).String(); got != tc.want {
			t.Errorf("spread of %v is %s, want %s", tc.all, got, tc.want)
		}
	}
}

// TestProcess looks at this very process, through a child.
func TestProcess(t *testing.T) {
	b := &bench{dir: t.TempDir()}
	cmd := pinned(t.Context(), 0, "sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 10")
	p, err := start("child", cmd, b.dir+"/log")
	if err != nil {
		t.Skip(err)
	}
	defer p.stop()
	err = eventually(t.Context(), 5*time.Second, func() error {
		cpu, err := p.cpu()
		if err == nil && cpu < time.Millisecond {
			return permanentOrWait(p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := p.memory(); err != nil || m.RSS == 0 || m.RSS != m.Anon+m.File+m.Shmem {
		t.Errorf("memory %+v, %v", m, err)
	}
}

func permanentOrWait(p *process) error {
	if err := p.ended(); err != nil {
		return permanentError{err}
	}
	return os.ErrNotExist // not yet
}

// TestReport: a report with every part prints a table each, survives JSON and can be drawn.
func TestReport(t *testing.T) {
	one := newSpread([]float64{1, 2, 3})
	times := new(histogram.Histogram)
	for i := range 1000 {
		times.Add(time.Duration(i) * 10 * time.Microsecond)
	}
	r := &report{
		Plan: "quick", Ingest: &ingestReport{
			Beside: &besideResult{Weir: one, Relays: []relayResult{{"a relay", one, one}}}, Cases: []ingestResult{{Case: "usual", Seconds: 1, CPUSeconds: 0.5, Bytes: 1e6, Chunks: 5}},
			Burst: &burstResult{Bytes: []int{1, 2, 3}, PerSecond: one, PerCore: one},
		},
		Latency:  []*latencyResult{{Way: "relay", Players: 1, First: times, Last: times}, {Way: "hint", Players: 1, First: times, Last: times, Wrong: map[string]int{"status 404": 2}}},
		Waiting:  []*waitingResult{{Server: "weir", Waiters: 7, CPU: one, Answers: times, Versions: 3}},
		Idle:     &idleResult{Channels: 3, CPU: one},
		Delivery: []*deliveryResult{{Object: "segment", Efficiency: one, Rate: one}},
		Memory:   &memoryResult{Media: one, RSS: one, PerByte: one, PerListed: one, Releases: &releases{Large: one, Small: one}}, Skipped: []string{"nothing"},
	}
	r.goal("latency", "a figure", "ms", false, 2, 1, []float64{3, 3, 3, 3, 3})
	var text strings.Builder
	if err := r.write(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| latency | a figure | 3.00 (3.00-3.00) ms | 5 | ≤ 2.00 | 1.00 | **missed** by 50 % |", "### Latency", "2 status 404", "### Waiting", "### Ingest", "### Idle", "### Delivery", "### Memory", "Not measured: nothing", "| segment |"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, text.String())
		}
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "picture.svg")
	if err := r.draw(path); err != nil {
		t.Fatal(err)
	}
	picture, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(picture, new(struct{})); err != nil || strings.Count(string(picture), "<g ") != 2 || strings.Contains(string(picture), "NaN") {
		t.Errorf("the picture is no picture (%v):\n%s", err, picture)
	}
}

func TestVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		more bool
		all  []float64
		want verdict
	}{
		"below both":               {false, []float64{0.9, 0.8, 0.9, 0.9, 0.7}, aimMet},
		"one of five is not":       {false, []float64{0.9, 0.8, 0.9, 0.9, 9}, aimMet},
		"between":                  {false, []float64{1.2, 1.3, 1.2, 1.1, 1.3}, mustMet},
		"around the aim":           {false, []float64{0.9, 0.9, 0.9, 1.1, 1.3}, mustMet},
		"around the must":          {false, []float64{1.4, 1.4, 1.4, 1.7, 1.9}, unclear},
		"above":                    {false, []float64{1.9, 1.8, 1.9, 1.7, 1.9}, missed},
		"too few":                  {false, []float64{0.5, 0.5, 0.5}, once},
		"nothing":                  {false, nil, empty},
		"of what does not scatter": {false, []float64{1.2}, mustMet},
		"more is better":           {true, []float64{0.9, 0.9, 0.9, 0.9, 0.9}, missed},
		"more, and it is":          {true, []float64{2, 2, 2, 2, 2}, aimMet},
	} {
		g := goal{More: c.more, Must: 1.5, Aim: 1, Value: newSpread(c.all)}
		if c.more {
			g.Must, g.Aim = 1, 1.5
		}
		if got, said := g.verdict(); got != c.want {
			t.Errorf("%s: %s, want %s", name, said, c.want)
		}
	}
}
