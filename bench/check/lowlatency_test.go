package check

import (
	"fmt"
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
	for try(f.turns) {
		taken++
	}
	for try(f.hints) {
		taken++
	}
	if taken != maxHeld+maxHints || taken > 10 {
		t.Errorf("%d requests may be held at a time", taken)
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
