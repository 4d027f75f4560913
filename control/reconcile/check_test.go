package reconcile

import (
	"fmt"
	"strings"
	"testing"

	"weir/control/state"
)

const (
	guidText  = "11111111-2222-4333-8444-%012d"
	eventText = `{"name":%q,"properties":{"input":{"streamingProtocol":"FragmentedMP4","accessToken":%q}}}`
)

func resources(t *testing.T, text string) *state.Resources {
	t.Helper()
	r, faults := state.DecodeResources([]byte(text))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return r
}

func guidOf(n int) string { return fmt.Sprintf(guidText, n) }

func eventOf(name string, token int) string { return fmt.Sprintf(eventText, name, guidOf(token)) }

func outputOf(name, asset, manifest string) string {
	return fmt.Sprintf(`{"name":%q,"properties":{"assetName":%q,"manifestName":%q}}`, name, asset, manifest)
}

func locatorOf(name, asset, id string) string {
	return fmt.Sprintf(`{"name":%q,"properties":{"assetName":%q,"streamingPolicyName":"Predefined_ClearStreamingOnly","streamingLocatorId":%q}}`, name, asset, id)
}

func TestCheck(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"sound": {
			`{"liveEvents":[` + eventOf("a", 1) + `,` + eventOf("b", 2) + `],"assets":[{"name":"x"}],
			  "liveOutputs":[` + outputOf("A/o", "X", "m") + `,` + outputOf("b/o", "x", "n") + `],
			  "streamingLocators":[` + locatorOf("l", "x", guidOf(1)) + `,` + locatorOf("m", "x", guidOf(2)) + `]}`, "",
		},
		"events of one name": {
			`{"liveEvents":[` + eventOf("a", 1) + `,` + eventOf("A", 2) + `]}`,
			`liveEvents[1].name: liveEvents[0] is called "A" too: names are unique, whatever their case`,
		},
		"one token": {
			`{"liveEvents":[` + eventOf("a", 1) + `,` + strings.ReplaceAll(eventOf("b", 1), "-", "") + `]}`,
			"liveEvents[1].properties.input.accessToken: is that of liveEvents[0]: encoders find their live event by it, so each has its own",
		},
		"no event": {
			`{"assets":[{"name":"x"}],"liveOutputs":[` + outputOf("a/o", "x", "m") + `]}`,
			`liveOutputs[0].name: "a/o": there is no live event "a" under liveEvents`,
		},
		"no asset": {
			`{"liveEvents":[` + eventOf("a", 1) + `],"liveOutputs":[` + outputOf("a/o", "x", "m") + `]}`,
			`liveOutputs[0].properties.assetName: there is no asset "x" under assets`,
		},
		"one manifest": {
			`{"liveEvents":[` + eventOf("a", 1) + `],"assets":[{"name":"x"}],"liveOutputs":[` + outputOf("a/o", "x", "m") + `,` + outputOf("a/p", "x", "M") + `]}`,
			`liveOutputs[1].properties.manifestName: liveOutputs[0] has "M" in the same asset too: their URLs would be the same`,
		},
		"one locator": {
			`{"assets":[{"name":"x"}],"streamingLocators":[` + locatorOf("l", "x", guidOf(1)) + `,` + locatorOf("m", "x", strings.ReplaceAll(guidOf(1), "-", "")) + `]}`,
			"streamingLocators[1].properties.streamingLocatorId: is that of streamingLocators[0]: URLs begin with it, so each has its own",
		},
		"locator of nothing": {
			`{"streamingLocators":[` + locatorOf("l", "x", guidOf(1)) + `]}`,
			`streamingLocators[0].properties.assetName: there is no asset "x" under assets`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, f := range Check(resources(t, c.text)) {
				got = append(got, f.String())
			}
			if s := strings.Join(got, "\n"); s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
		})
	}
}
