package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"weir/control/state"
	"weir/ingest"
	"weir/ingest/timeline"
	"weir/segcache"
)

func newPlane(t *testing.T, text string, config Config) *Plane {
	t.Helper()
	cache := segcache.New(segcache.Config{Memory: 64 << 20})
	t.Cleanup(cache.Close)
	if config.Timeline.Segment == 0 {
		config.Timeline = timeline.Config{Segment: int64(2 * time.Second), Part: int64(200 * time.Millisecond), Window: int64(time.Minute)}
	}
	config.Limits = ingest.DefaultLimits()
	deps := ingest.Deps{Cache: cache, Log: slog.New(slog.DiscardHandler), Now: func() int64 { return time.Now().UnixNano() }}
	p, err := New(t.Context(), resources(t, text), config, openStore(t, state.Config{Folder: t.TempDir()}), deps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

const twoEvents = `{
	"liveEvents": [
		{"name":"News","properties":{"input":{"streamingProtocol":"FragmentedMP4","accessToken":"0A1B2C3D-0000-4000-8000-00000000ABCD",
			"accessControl":{"ip":{"allow":[{"address":"192.0.2.0","subnetPrefixLength":24}]}}}}},
		{"name":"sport","properties":{"input":{"streamingProtocol":"FragmentedMP4","accessToken":"0a1b2c3d00004000800000000000abce"}}}
	],
	"assets": [{"name":"one"},{"name":"two"}],
	"liveOutputs": [
		{"name":"news/a","properties":{"assetName":"one","manifestName":"News"}},
		{"name":"sport/a","properties":{"assetName":"one","manifestName":"sport"}},
		{"name":"sport/b","properties":{"assetName":"two","manifestName":"sport"}}
	],
	"streamingLocators": [
		{"name":"l1","properties":{"assetName":"ONE","streamingPolicyName":"Predefined_ClearStreamingOnly","streamingLocatorId":"AAAAAAAA222243338444000000000001"}},
		{"name":"l2","properties":{"assetName":"one","streamingPolicyName":"Predefined_ClearStreamingOnly","streamingLocatorId":"11111111-2222-4333-8444-000000000002",
			"startTime":"2026-01-01T00:00:00Z","endTime":"2027-01-01T00:00:00Z"}},
		{"name":"l3","properties":{"assetName":"two","streamingPolicyName":"Predefined_ClearStreamingOnly","streamingLocatorId":"11111111-2222-4333-8444-000000000003"}}
	]}`

func TestDoorsLeadToChannels(t *testing.T) {
	p := newPlane(t, twoEvents, Config{})
	news := p.Doors().Find("0a1b2c3d00004000800000000000abcd")
	if news == nil || news.Channel.Name() != "News" {
		t.Fatalf("door %+v", news)
	}
	for address, want := range map[string]bool{"192.0.2.7": true, "198.51.100.1": false} {
		if got := news.Admits(netip.MustParseAddr(address)); got != want {
			t.Errorf("News admits %s: %v, want %v", address, got, want)
		}
	}
	sport := p.Doors().Find("0A1B2C3D-0000-4000-8000-00000000ABCE")
	if sport == nil || sport.Channel != p.Channels()[1] || !sport.Admits(netip.MustParseAddr("198.51.100.1")) {
		t.Errorf("door of sport: %+v", sport)
	}
	if p.Doors().Find("0a1b2c3d00004000800000000000abcf") != nil {
		t.Error("a token that nobody has opens a door")
	}
}

func TestRoutesLeadToPresentations(t *testing.T) {
	p := newPlane(t, twoEvents, Config{})
	r := p.Routes()
	first, second, third := r.Locators["aaaaaaaa-2222-4333-8444-000000000001"], r.Locators["11111111-2222-4333-8444-000000000002"], r.Locators["11111111-2222-4333-8444-000000000003"]
	if len(r.Locators) != 3 || first == nil || second == nil || third == nil {
		t.Fatalf("locators %v", r.Locators)
	}
	if len(first.Presentations) != 2 || first.Presentations["news"] == nil || first.Presentations["sport"] == nil {
		t.Errorf("presentations of one: %v", first.Presentations)
	}
	if first.Presentations["news"] != second.Presentations["news"] {
		t.Error("two locators of an asset have presentations of their own: everything is rendered twice")
	}
	if got := first.Presentations["news"].Name; got != "News" {
		t.Errorf("name %q, want as configured", got)
	}
	if first.Presentations["news"].IngestURL != "" {
		t.Error("an access token is shown to strangers")
	}
	if third.Presentations["sport"] == first.Presentations["sport"] || len(third.Presentations) != 1 {
		t.Error("the assets are mixed up")
	}
	if !first.Start.IsZero() || second.Start.Year() != 2026 || second.End.Year() != 2027 {
		t.Errorf("times %v, %v to %v", first.Start, second.Start, second.End)
	}
}

func TestDemoShowsWhereToPush(t *testing.T) {
	p := newPlane(t, twoEvents, Config{IngestBase: "http://localhost:8081"})
	got := p.Routes().Locators["11111111-2222-4333-8444-000000000003"].Presentations["sport"].IngestURL
	if want := "http://localhost:8081/0a1b2c3d00004000800000000000abce/ingest.isml"; got != want {
		t.Errorf("ingest URL %s, want %s", got, want)
	}
}

func TestEventTimeline(t *testing.T) {
	r := resources(t, `{"liveEvents":[{"name":"a","properties":{
		"input":{"streamingProtocol":"FragmentedMP4","accessToken":"0a1b2c3d00004000800000000000abcd","keyFrameIntervalDuration":"PT1.92S"},
		"weir":{"anchor":"1970-01-01T00:00:02.04Z","tracks":["v","a"]}}}]}`)
	c := eventTimeline(timeline.Config{Segment: 7}, &r.LiveEvents[0])
	if c.Segment != 7 || c.GOP != 1_920_000_000 || c.Anchor == nil || *c.Anchor != 51 || strings.Join(c.Tracks, " ") != "v a" {
		t.Errorf("%+v", c)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	p := newPlane(t, twoEvents, Config{})
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error)
	go func() { ended <- p.Run(ctx) }()
	cancel(errors.New("enough"))
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestStoreAwayIsAnError(t *testing.T) {
	store, err := state.Open(t.Context(), state.Config{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	store.Close()
	cache := segcache.New(segcache.Config{Memory: 64 << 20})
	defer cache.Close()
	_, err = New(t.Context(), resources(t, twoEvents), Config{Limits: ingest.DefaultLimits()}, store, ingest.Deps{Cache: cache, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "channel News: records: ") {
		t.Errorf("New: %v", err)
	}
}
