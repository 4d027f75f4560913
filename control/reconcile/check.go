package reconcile

import (
	"fmt"
	"strings"

	"weir/control/state"
	"weir/ingest"
	"weir/origin"
)

// Check finds what is wrong between declared resources: names used twice, and references to what is not there. Each
// fault has the path of the resource that has to change.
func Check(r *state.Resources) []state.Fault {
	var faults []state.Fault
	fault := func(path string, at int, property, format string, args ...any) {
		faults = append(faults, state.Fault{Path: fmt.Sprintf("%s[%d].%s", path, at, property), Text: fmt.Sprintf(format, args...)})
	}
	events, tokens := places{}, places{}
	for i, e := range r.LiveEvents {
		if at, taken := events.take(e.Name, i); taken {
			fault("liveEvents", i, "name", "liveEvents[%d] is called %q too: names are unique, whatever their case", at, e.Name)
		}
		if at, taken := tokens.take(ingest.CanonicalToken(e.Properties.Input.AccessToken), i); taken {
			fault("liveEvents", i, "properties.input.accessToken", "is that of liveEvents[%d]: encoders find their live event by it, so each has its own", at)
		}
	}
	assets := places{}
	for i, a := range r.Assets {
		if at, taken := assets.take(a.Name, i); taken {
			fault("assets", i, "name", "assets[%d] is called %q too: names are unique, whatever their case", at, a.Name)
		}
	}
	outputs, manifests := places{}, places{}
	for i, o := range r.LiveOutputs {
		if at, taken := outputs.take(o.Name, i); taken {
			fault("liveOutputs", i, "name", "liveOutputs[%d] is called %q too: names are unique, whatever their case", at, o.Name)
		}
		if !events.has(o.LiveEvent()) {
			fault("liveOutputs", i, "name", "%q: there is no live event %q under liveEvents", o.Name, o.LiveEvent())
		}
		if !assets.has(o.Properties.AssetName) {
			fault("liveOutputs", i, "properties.assetName", "there is no asset %q under assets", o.Properties.AssetName)
		}
		if at, taken := manifests.take(o.Properties.AssetName+"/"+o.Properties.ManifestName, i); taken {
			fault("liveOutputs", i, "properties.manifestName", "liveOutputs[%d] has %q in the same asset too: their URLs would be the same", at, o.Properties.ManifestName)
		}
	}
	locators, ids := places{}, places{}
	for i, l := range r.StreamingLocators {
		if at, taken := locators.take(l.Name, i); taken {
			fault("streamingLocators", i, "name", "streamingLocators[%d] is called %q too: names are unique, whatever their case", at, l.Name)
		}
		if at, taken := ids.take(locatorID(l), i); taken {
			fault("streamingLocators", i, "properties.streamingLocatorId", "is that of streamingLocators[%d]: URLs begin with it, so each has its own", at)
		}
		if !assets.has(l.Properties.AssetName) {
			fault("streamingLocators", i, "properties.assetName", "there is no asset %q under assets", l.Properties.AssetName)
		}
	}
	return faults
}

// locatorID is a locator's GUID as it stands in URLs, hyphens and all.
func locatorID(l state.StreamingLocator) string {
	id := origin.Fold(l.Properties.StreamingLocatorID)
	if !strings.Contains(id, "-") && len(id) == 32 {
		return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
	}
	return id
}

// places remembers under which index a name was first seen; names differ in more than case.
type places map[string]int

func (p places) take(name string, at int) (before int, taken bool) {
	name = strings.ToLower(name)
	if before, taken = p[name]; !taken {
		p[name] = at
	}
	return before, taken
}

func (p places) has(name string) bool {
	_, ok := p[strings.ToLower(name)]
	return ok
}
