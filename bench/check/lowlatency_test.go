package check

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// lowFormats are the manifests of a low-latency channel.
var lowFormats = []string{hlsPath, dashPath, numberPath}

// watchGrowing judges a low-latency origin for a while, in bubble time. The origin is made in there, for its ends are
// moments.
func watchGrowing(t *testing.T, create func() *growingOrigin, length time.Duration, f liveFault, paths ...string) (report Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 25, 9, 0, 0, 3e8, time.UTC)))
		network := proxies{"origin.example": newProxy(create(), f)}
		var urls []string
		for _, path := range paths {
			urls = append(urls, fmt.Sprintf("http://origin.example%s", path))
		}
		var err error
		report, err = Run(t.Context(), Options{URLs: urls, For: length, Transport: network})
		if err != nil {
			t.Fatal(err)
		}
	})
	return report
}

// lowAssertions are those of low latency alone.
var lowAssertions = []int{15, 16, 17, 19, 20, 21, 22, 26, 27, 37, 38, 39, 40, 41, 42, 43, 44, 47, 50, 60, 87, 88, 89, 90}

func tested(r *Report, assertion int) bool {
	return slices.ContainsFunc(r.Tested, func(t Tested) bool { return t.Assertion == assertion })
}

func TestGrowingOriginIsClean(t *testing.T) {
	s := newSimulated(t)
	report := watchGrowing(t, func() *growingOrigin { return &growingOrigin{simulated: s} }, time.Minute, liveFault{}, lowFormats...)
	if !report.Clean() {
		t.Error("findings where there is nothing to find")
	}
	logReport(t, &report)
	for _, n := range lowAssertions {
		if !tested(&report, n) {
			t.Errorf("assertion %d was not put to the test", n)
		}
	}
}

// TestBrokenSourceIsNoFault: an encoder that breaks off leaves gaps, promises that are not kept, and answers that break off.
func TestBrokenSourceIsNoFault(t *testing.T) {
	s := newSimulated(t)
	report := watchGrowing(t, func() *growingOrigin { return &growingOrigin{simulated: s, short: 8} }, time.Minute, liveFault{}, lowFormats...)
	if !report.Clean() {
		t.Error("findings where there is nothing to find")
	}
	logReport(t, &report)
}

// TestEndReleasesWhoWaits: a presentation ends while its playlists are followed.
func TestEndReleasesWhoWaits(t *testing.T) {
	s := newSimulated(t)
	report := watchGrowing(t, func() *growingOrigin { return &growingOrigin{simulated: s, ends: soon(7.1)} }, 12*time.Second, liveFault{}, hlsPath)
	if !report.Clean() || !tested(&report, 46) {
		t.Error("findings where there is nothing to find, or the end was not seen")
	}
	logReport(t, &report)
}

// TestLowLatencyIsNotAskedOfOthers: nothing of it is put to the test where a stream does not say that it has it.
func TestLowLatencyIsNotAskedOfOthers(t *testing.T) {
	report := watch(t, 10*time.Second, liveFault{})
	for _, n := range lowAssertions {
		if tested(&report, n) {
			t.Errorf("assertion %d was put to the test", n)
		}
	}
}

// TestHeldRequestsAreFew: however many playlists there are, an origin holds a handful of requests.
func TestHeldRequestsAreFew(t *testing.T) {
	f := newFetcher(1, nil, time.Now)
	taken := 0
	for _, gate := range []chan struct{}{f.turns, f.grows, f.hints} {
		for try(gate) {
			taken++
		}
	}
	if taken > 12 {
		t.Errorf("%d requests may be held at a time", taken)
	}
}

// TestHeldForEver: an origin that holds everything, or ends nothing, is left after a while.
func TestHeldForEver(t *testing.T) {
	s := newSimulated(t)
	for name, handler := range map[string]http.HandlerFunc{
		"playlist": func(w http.ResponseWriter, q *http.Request) {
			if q.URL.Path == "/" && q.URL.RawQuery == "" && q.Method == http.MethodGet && q.Header.Get("If-None-Match") == "" {
				fmt.Fprint(w, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=6,PART-HOLD-BACK=1\n#EXT-X-PART-INF:PART-TARGET=0.2\n"+
					"#EXTINF:1,\na\n#EXT-X-PART:DURATION=0.2,URI=\"p\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"h\"\n")
				return
			}
			<-q.Context().Done()
		},
		"MPD": func(w http.ResponseWriter, q *http.Request) {
			switch q.URL.Path {
			case "/":
				fmt.Fprint(w, `<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z"><Period id="1" start="PT0S"><AdaptationSet>`+
					`<SegmentTemplate timescale="1" duration="10000000" availabilityTimeOffset="999999" availabilityTimeComplete="false" media="$Number$.m4s" initialization="i"/>`+
					`<Representation id="a" bandwidth="1"/></AdaptationSet></Period></MPD>`)
			case "/i":
				_, _ = w.Write(s.inits["audio"])
			default:
				for w.Header().Set(flows, "yes"); hold(q.Context(), time.Now().Add(10*time.Millisecond)); {
					if _, err := w.Write(make([]byte, 1000)); err != nil {
						return
					}
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				report, err := Run(t.Context(), Options{URLs: []string{"http://origin.example/"}, For: 5 * time.Second, Transport: proxies{"origin.example": newProxy(handler, liveFault{})}})
				if err != nil || report.Clean() {
					t.Errorf("%v, or nothing to say", err)
				}
				if took := time.Since(began); took > 2*requestTime+2*probeTime {
					t.Errorf("the run took %v", took)
				}
			})
		})
	}
}

// TestGrowingOverSockets watches the same origin for a few seconds as it is.
func TestGrowingOverSockets(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(&growingOrigin{simulated: newSimulated(t)})
	defer server.Close()
	var urls []string
	for _, path := range lowFormats {
		urls = append(urls, server.URL+path)
	}
	report, err := Run(t.Context(), Options{URLs: urls, For: 4 * time.Second})
	if err != nil || !report.Clean() {
		t.Errorf("%v, or findings where there is nothing to find", err)
	}
	logReport(t, &report)
}
