package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

const wrkTable = `Running 3s test @ http://127.0.0.1:8080/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.16ms  351.07us   9.61ms   95.36%
    Req/Sec    55.40k     4.25k   60.67k    83.33%
  Latency Distribution
     50%    1.11ms
     75%    1.21ms
     90%    1.36ms
     99%    2.41ms
  165344 requests in 3.00s, 378.31MB read
Requests/sec:  55086.02
Transfer/sec:    126.04MB
`

func TestParseWrk(t *testing.T) {
	l, err := parseWrk(wrkTable)
	if want := (load{requests: 165344, perSecond: 55086.02, p50: 1110 * time.Microsecond, p99: 2410 * time.Microsecond}); err != nil || l != want {
		t.Errorf("parseWrk = %+v, %v; want %+v", l, err, want)
	}
	l, err = parseWrk(wrkTable + "  Socket errors: connect 0, read 2, write 0, timeout 3\n  Non-2xx or 3xx responses: 4\n")
	if err != nil || l.misanswers != 6 || l.timeouts != 3 {
		t.Errorf("%d wrong answers, %d too late, %v; want 6 and 3", l.misanswers, l.timeouts, err)
	}
	if _, err := parseWrk("unable to connect to 127.0.0.1:1 Connection refused\n"); err == nil {
		t.Error("no table: no error")
	}
}

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

// TestReport: a report with every part prints a table each and survives JSON.
func TestReport(t *testing.T) {
	one := newSpread([]float64{1, 2, 3})
	r := &report{
		Plan: "quick", Ingest: &ingestReport{Cases: []ingestResult{{Case: "usual", Seconds: 1, CPUSeconds: 0.5, Bytes: 1e6, Chunks: 5}}, Burst: &burstResult{Bytes: []int{1, 2, 3}, PerSecond: one, PerCore: one}},
		Delivery: []deliveryResult{{Object: "segment", Weir: side{0, one, one, one, one}, Nginx: side{0, one, one, one, one}, Efficiency: one, Rate: one}},
		Memory:   &memoryResult{Media: one, RSS: one, PerByte: one, Growth: one}, Skipped: []string{"nothing"},
	}
	var text strings.Builder
	if err := r.write(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"### Ingest", "### Delivery", "### Memory", "Not measured: nothing", "| segment |"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, text.String())
		}
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}
