package reconcile

import (
	"strings"

	"weir/control/state"
	"weir/ingest"
	"weir/origin"
)

// buildRoutes leads each streaming locator to the live outputs of its asset, and so to the channels of their live events.
// One presentation of a live output serves all its locators, so that each manifest is rendered once.
func (p *Plane) buildRoutes(r *state.Resources, ingestBase string) *origin.Routes {
	routes := &origin.Routes{Locators: map[string]*origin.Locator{}}
	for i := range r.StreamingLocators {
		s := &r.StreamingLocators[i]
		l := &origin.Locator{ID: locatorID(*s), Presentations: map[string]*origin.Presentation{}}
		if t := s.Properties.StartTime; t != nil {
			l.Start = *t
		}
		if t := s.Properties.EndTime; t != nil {
			l.End = *t
		}
		for j := range r.LiveOutputs {
			o := &r.LiveOutputs[j]
			if !strings.EqualFold(o.Properties.AssetName, s.Properties.AssetName) {
				continue
			}
			if p.presentations[o.Name] == nil {
				e := p.byName[origin.Fold(o.LiveEvent())]
				shown := origin.NewPresentation(o.Properties.ManifestName, e.channel.Live())
				if ingestBase != "" {
					shown.IngestURL = ingestBase + "/" + ingest.CanonicalToken(e.token) + "/ingest.isml"
				}
				p.presentations[o.Name] = shown
			}
			l.Presentations[origin.Fold(o.Properties.ManifestName)] = p.presentations[o.Name]
		}
		routes.Locators[origin.Fold(l.ID)] = l
	}
	return routes
}
