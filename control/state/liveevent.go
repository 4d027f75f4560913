package state

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// A LiveEvent is what encoders push to.
type LiveEvent struct {
	envelope
	Name       string              `json:"name"`
	Properties LiveEventProperties `json:"properties"`
}

// LiveEventProperties as in the API, section 2.1 of the reference.
type LiveEventProperties struct {
	Description string            `json:"description"`
	Input       LiveEventInput    `json:"input"`
	Encoding    LiveEventEncoding `json:"encoding"`
	Weir        LiveEventWeir     `json:"weir"`

	StreamOptions []string `json:"streamOptions"`

	Preview                 notYet   `json:"preview,omitzero"`
	Transcriptions          notYet   `json:"transcriptions,omitzero"`
	CrossSiteAccessPolicies notYet   `json:"crossSiteAccessPolicies,omitzero"`
	UseStaticHostname       readOnly `json:"useStaticHostname,omitzero"` // weir's URLs never change
	HostnamePrefix          readOnly `json:"hostnamePrefix,omitzero"`
	ResourceState           readOnly `json:"resourceState,omitzero"`
	ProvisioningState       readOnly `json:"provisioningState,omitzero"`
	Created                 readOnly `json:"created,omitzero"`
	LastModified            readOnly `json:"lastModified,omitzero"`
}

// LiveEventInput is the door for encoders.
type LiveEventInput struct {
	StreamingProtocol        string         `json:"streamingProtocol"`
	AccessToken              string         `json:"accessToken"`
	AccessControl            *AccessControl `json:"accessControl,omitempty"`  // nil: any address
	KeyFrameIntervalDuration Duration       `json:"keyFrameIntervalDuration"` // the encoder's GOP; 0: learnt

	Endpoints              readOnly `json:"endpoints,omitzero"`
	TimedMetadataEndpoints readOnly `json:"timedMetadataEndpoints,omitzero"`
}

// LiveEventEncoding says who encodes: weir passes through.
type LiveEventEncoding struct {
	EncodingType string `json:"encodingType"`

	PresetName       notYet `json:"presetName,omitzero"`
	StretchMode      notYet `json:"stretchMode,omitzero"`
	KeyFrameInterval notYet `json:"keyFrameInterval,omitzero"`
}

// LiveEventWeir is what the API has no words for.
type LiveEventWeir struct {
	// Anchor is the UTC of the encoder's time 0; nil: from the media or the first arrival. Nodes that share no store agree
	// on names when it is given.
	Anchor *time.Time `json:"anchor,omitempty"`
	// Tracks are the names of the streams that the encoder brings: nothing is listed before all are there. Empty: a grace
	// time decides.
	Tracks []string `json:"tracks"`
	// Sources are the names of redundant encoders in order of rank: the first that delivers is served. Empty: primary,
	// secondary, then all others.
	Sources []string `json:"sources"`
}

// anchorStep is what anchors are whole multiples of (docs/time.md, section 1).
const anchorStep = 40 * time.Millisecond

// AccessControl lists who may come in.
type AccessControl struct {
	IP IPAccessControl `json:"ip"`
}

// IPAccessControl allows ranges of addresses; a present but empty list allows nobody.
type IPAccessControl struct {
	Allow []IPRange `json:"allow"`
}

// An IPRange is an address with the length of its network's prefix, or one address. Address may also be CIDR text.
type IPRange struct {
	Name               string `json:"name"`
	Address            string `json:"address"`
	SubnetPrefixLength *int   `json:"subnetPrefixLength,omitempty"`
}

// Prefix is the range as a network.
func (r IPRange) Prefix() (netip.Prefix, error) {
	if strings.Contains(r.Address, "/") {
		if r.SubnetPrefixLength != nil {
			return netip.Prefix{}, fmt.Errorf("%q and subnetPrefixLength both give a length: leave one out", r.Address)
		}
		p, err := netip.ParsePrefix(r.Address)
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("%q is no address with a prefix length, such as 10.0.0.0/22", r.Address)
		}
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(r.Address)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no IP address", r.Address)
	}
	bits := a.BitLen()
	if r.SubnetPrefixLength != nil {
		bits = *r.SubnetPrefixLength
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("subnetPrefixLength %d: %s has 0 to %d", bits, r.Address, a.BitLen())
	}
	return p, nil
}

// Prefixes are the networks that may come in, as a door or a locator wants them: nil for anybody, empty for nobody.
// The ranges have been checked.
func (a *AccessControl) Prefixes() []netip.Prefix {
	if a == nil {
		return nil
	}
	prefixes := make([]netip.Prefix, 0, len(a.IP.Allow))
	for _, r := range a.IP.Allow {
		if p, err := r.Prefix(); err == nil {
			prefixes = append(prefixes, p)
		}
	}
	return prefixes
}

func (e *LiveEvent) check(c *checker) {
	if !liveEventName.MatchString(e.Name) || len(e.Name) > 32 {
		c.fault("name", "%q: 1 to 32 letters, digits and inner hyphens", e.Name)
	}
	in := &e.Properties.Input
	switch in.StreamingProtocol {
	case "FragmentedMP4", "RTMP": // either way encoders may use both: two of them may differ in it
	case "":
		c.fault("properties.input.streamingProtocol", "is missing: use FragmentedMP4 or RTMP")
	default:
		c.fault("properties.input.streamingProtocol", "%q: use FragmentedMP4 or RTMP", in.StreamingProtocol)
	}
	c.guid("properties.input.accessToken", in.AccessToken, "the secret in the encoder's URL")
	if in.AccessControl != nil {
		for i, r := range in.AccessControl.IP.Allow {
			if _, err := r.Prefix(); err != nil {
				c.fault(fmt.Sprintf("properties.input.accessControl.ip.allow[%d]", i), "%v", err)
			}
		}
	}
	if d := time.Duration(in.KeyFrameIntervalDuration); d != 0 && (d < time.Second/2 || d > 20*time.Second) {
		c.fault("properties.input.keyFrameIntervalDuration", "%v: PT0.5S to PT20S", d)
	}
	switch t := e.Properties.Encoding.EncodingType; t {
	case "", "None", "PassthroughBasic", "PassthroughStandard":
	default:
		c.fault("properties.encoding.encodingType", "weir does not do %s yet; remove it (None: what the encoder sends is passed through)", t)
	}
	for i, o := range e.Properties.StreamOptions {
		if o != "Default" {
			c.fault(fmt.Sprintf("properties.streamOptions[%d]", i), "weir does not do %s yet; remove it", o)
		}
	}
	if a := e.Properties.Weir.Anchor; a != nil && (a.Unix() < 0 || a.Nanosecond()%int(anchorStep) != 0) {
		c.fault("properties.weir.anchor", "%s: a time since 1970 in whole steps of 40 ms", a.Format(time.RFC3339Nano))
	}
	ranked := map[string]bool{}
	for i, name := range e.Properties.Weir.Sources {
		if !sourceName.MatchString(name) || ranked[name] {
			c.fault(fmt.Sprintf("properties.weir.sources[%d]", i), "%q: letters, digits and . _ ~ -, at most 128, each once", name)
		}
		ranked[name] = true
	}
	seen := map[string]bool{}
	for i, name := range e.Properties.Weir.Tracks {
		if name == "" || seen[name] {
			c.fault(fmt.Sprintf("properties.weir.tracks[%d]", i), "%q: a name, each once", name)
		}
		seen[name] = true
	}
}
