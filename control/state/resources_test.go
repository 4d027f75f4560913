package state

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	someEvent   = `{"name":"a","properties":{"input":{"streamingProtocol":"FragmentedMP4","accessToken":"0a1b2c3d00004000800000000000abcd"%s}%s}}`
	someLocator = `{"name":"l","properties":{"assetName":"a","streamingPolicyName":"Predefined_ClearStreamingOnly","streamingLocatorId":"11111111-2222-4333-8444-000000000001"%s}}`
)

func TestDecodeResources(t *testing.T) {
	r, faults := DecodeResources([]byte(`{
		"liveEvents": [{
			"name": "news", "location": "West US 2", "tags": {"a": "b"}, "id": "/subscriptions/x", "type": "Microsoft.Media/mediaservices/liveevents",
			"properties": {
				"description": "from the API", "resourceState": "Running", "provisioningState": "Succeeded", "created": "2022-04-14T17:57:17.2727308Z",
				"useStaticHostname": true, "hostnamePrefix": null, "streamOptions": ["Default"], "transcriptions": [], "preview": null,
				"crossSiteAccessPolicies": null,
				"encoding": {"encodingType": "PassthroughStandard", "presetName": null},
				"input": {
					"streamingProtocol": "FragmentedMP4", "accessToken": "0A1B2C3D-0000-4000-8000-00000000ABCD", "keyFrameIntervalDuration": "PT1.92S",
					"endpoints": [{"protocol": "FragmentedMP4", "url": "http://x"}],
					"accessControl": {"ip": {"allow": [
						{"name": "net", "address": "10.0.0.0", "subnetPrefixLength": 8}, {"address": "192.0.2.7", "subnetPrefixLength": null}, {"address": "2001:db8::/32"}
					]}}
				},
				"weir": {"anchor": "2026-01-02T03:04:05.04Z", "tracks": ["v", "a"], "sources": ["west", "east.2"]}
			}
		}],
		"assets": [{"name": "out", "properties": {}}],
		"liveOutputs": [{"name": "news/out1", "properties": {"assetName": "out", "manifestName": "news", "archiveWindowLength": "PT1H", "hls": null, "rewindWindowLength": null}}],
		"streamingLocators": [` + fmt.Sprintf(someLocator, `,"startTime":null,"endTime":"9999-12-31T23:59:59.9999999Z","contentKeys":[],"filters":[]`) + `],
		"contentKeyPolicies": []
	}`))
	if len(faults) != 0 {
		t.Fatal(faults)
	}
	in := r.LiveEvents[0].Properties.Input
	if d := time.Duration(in.KeyFrameIntervalDuration); d != 1920*time.Millisecond {
		t.Errorf("keyFrameIntervalDuration %v", d)
	}
	if got := fmt.Sprint(in.AccessControl.Prefixes()); got != "[10.0.0.0/8 192.0.2.7/32 2001:db8::/32]" {
		t.Errorf("allowed: %s", got)
	}
	if got := r.LiveOutputs[0].LiveEvent(); got != "news" {
		t.Errorf("live event of %s: %s", r.LiveOutputs[0].Name, got)
	}
	if got := r.LiveEvents[0].Properties.Weir.Sources; len(got) != 2 || got[0] != "west" {
		t.Errorf("sources %v", got)
	}
	if a := r.LiveEvents[0].Properties.Weir.Anchor; a == nil || a.UnixMilli()%1000 != 40 {
		t.Errorf("anchor %v", a)
	}
}

func TestResourceFaults(t *testing.T) {
	event := func(input, properties string) string {
		return fmt.Sprintf(`{"liveEvents":[`+someEvent+`]}`, input, properties)
	}
	locator := func(more string) string { return fmt.Sprintf(`{"streamingLocators":[`+someLocator+`]}`, more) }
	cases := map[string]struct{ text, want string }{
		"filters":        {`{"accountFilters":[{"name":"f"}]}`, "accountFilters: weir does not do accountFilters yet; remove it"},
		"content keys":   {`{"contentKeyPolicies":[{"name":"p"}]}`, "contentKeyPolicies: weir does not do contentKeyPolicies yet; remove it"},
		"unknown":        {`{"liveEvent":[]}`, "liveEvent: there is no such property: check the spelling, or remove it"},
		"protocol":       {strings.Replace(event("", ""), "FragmentedMP4", "SRT", 1), `liveEvents[0].properties.input.streamingProtocol: "SRT": use FragmentedMP4 or RTMP`},
		"transcoding":    {event("", `,"encoding":{"encodingType":"Standard"}`), "liveEvents[0].properties.encoding.encodingType: weir does not do Standard yet; remove it (None: what the encoder sends is passed through)"},
		"source":         {event("", `,"weir":{"sources":["a","b c"]}`), `liveEvents[0].properties.weir.sources[1]: "b c": letters, digits and . _ ~ -, at most 128, each once`},
		"source, twice":  {event("", `,"weir":{"sources":["a","a"]}`), `liveEvents[0].properties.weir.sources[1]: "a": letters, digits and . _ ~ -, at most 128, each once`},
		"preset":         {event("", `,"encoding":{"presetName":"Default720p"}`), "liveEvents[0].properties.encoding.presetName: weir does not do presetName yet; remove it"},
		"low latency":    {event("", `,"streamOptions":["LowLatencyV2"]`), "liveEvents[0].properties.streamOptions[0]: weir does not do LowLatencyV2 yet; remove it"},
		"preview":        {event("", `,"preview":{"previewLocator":"x"}`), "liveEvents[0].properties.preview: weir does not do preview yet; remove it"},
		"no token":       {`{"liveEvents":[{"name":"a","properties":{"input":{"streamingProtocol":"FragmentedMP4"}}}]}`, "liveEvents[0].properties.input.accessToken: is missing: a GUID (uuidgen makes one), the secret in the encoder's URL"},
		"long GOP":       {event(`,"keyFrameIntervalDuration":"PT30S"`, ""), "liveEvents[0].properties.input.keyFrameIntervalDuration: 30s: PT0.5S to PT20S"},
		"no duration":    {event(`,"keyFrameIntervalDuration":"2s"`, ""), `liveEvents[0].properties.input.keyFrameIntervalDuration: "2s" is no ISO 8601 duration, such as PT2S`},
		"number":         {event(`,"keyFrameIntervalDuration":2`, ""), "liveEvents[0].properties.input.keyFrameIntervalDuration: is the number 2, and must be text (put it in quotes)"},
		"address":        {event(`,"accessControl":{"ip":{"allow":[{"address":"ten"}]}}`, ""), `liveEvents[0].properties.input.accessControl.ip.allow[0]: "ten" is no IP address`},
		"prefix":         {event(`,"accessControl":{"ip":{"allow":[{"address":"10.0.0.0","subnetPrefixLength":33}]}}`, ""), "liveEvents[0].properties.input.accessControl.ip.allow[0]: subnetPrefixLength 33: 10.0.0.0 has 0 to 32"},
		"anchor":         {event("", `,"weir":{"anchor":"2026-01-02T03:04:05.001Z"}`), "liveEvents[0].properties.weir.anchor: 2026-01-02T03:04:05.001Z: a time since 1970 in whole steps of 40 ms"},
		"event's name":   {`{"liveEvents":[{"name":"a-"}]}`, `liveEvents[0].name: "a-": 1 to 32 letters, digits and inner hyphens`},
		"asset's name":   {`{"assets":[{"name":"a/b"}]}`, `assets[0].name: "a/b": 1 to 260 characters, none of <>%&:\?/*+.'`},
		"output's name":  {`{"liveOutputs":[{"name":"o","properties":{"assetName":"a","manifestName":"m"}}]}`, `liveOutputs[0].name: "o": want {liveEvent}/{liveOutput}, such as demo/out1`},
		"manifest":       {`{"liveOutputs":[{"name":"e/o","properties":{"assetName":"a","manifestName":"m.ism"}}]}`, `liveOutputs[0].properties.manifestName: "m.ism": 1 to 200 letters, digits, '-', '_' and '.', without .ism`},
		"policy":         {strings.Replace(locator(""), "ClearStreamingOnly", "MultiDrmStreaming", 1), "streamingLocators[0].properties.streamingPolicyName: weir does not do Predefined_MultiDrmStreaming yet; use Predefined_ClearStreamingOnly"},
		"keys":           {locator(`,"contentKeys":[{"id":"x"}]`), "streamingLocators[0].properties.contentKeys: weir does not do contentKeys yet; remove it"},
		"locator filter": {locator(`,"filters":["f"]`), "streamingLocators[0].properties.filters: weir does not do filters yet; remove it"},
		"times":          {locator(`,"startTime":"2026-01-02T00:00:00Z","endTime":"2026-01-01T00:00:00Z"`), "streamingLocators[0].properties.endTime: 2026-01-01T00:00:00Z is not after startTime"},
		"a list":         {`{"assets":{"name":"a"}}`, "assets: is an object, and must be a list"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, faults := DecodeResources([]byte(c.text))
			for _, f := range faults {
				if f.String() == c.want {
					return
				}
			}
			t.Errorf("got  %v\nwant %s", faults, c.want)
		})
	}
}

// TestAccessControl: no list lets everybody in, an empty one nobody.
func TestAccessControl(t *testing.T) {
	var none *AccessControl
	if none.Prefixes() != nil {
		t.Error("without access control there are prefixes")
	}
	if p := new(AccessControl).Prefixes(); p == nil || len(p) != 0 {
		t.Errorf("an empty list gives %v, want empty and not nil", p)
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, "PT2S": 2 * time.Second, "PT1H30M": 90 * time.Minute, "P1DT1H": 25 * time.Hour, "PT0.96S": 960 * time.Millisecond, "PT25H": 25 * time.Hour,
	} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || time.Duration(d) != want {
			t.Errorf("%q = %v, %v; want %v", text, time.Duration(d), err, want)
		}
	}
	for _, text := range []string{"P", "PT", "P1Y", "1S", "PT-1S", "P1DT", "PT1.S"} {
		if err := new(Duration).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func FuzzDecodeResources(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(`{"liveEvents":[`+someEvent+`]}`, "", "")))
	f.Add([]byte(fmt.Sprintf(`{"streamingLocators":[`+someLocator+`],"assets":null}`, "")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, faults := DecodeResources(b); (r == nil) == (len(faults) == 0) {
			t.Errorf("resources %v with faults %v", r, faults)
		}
	})
}
