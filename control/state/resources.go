package state

import (
	"fmt"
	"strings"
	"time"
)

// Resources are AMS v3 resources as a configuration declares them under "resources", each in the API's own JSON shape
// (name and properties). What the API knows and weir does not do yet has a field of type notYet, so that asking for it is
// refused rather than ignored; what the service itself fills in is a readOnly field, ignored as the API ignores it.
type Resources struct {
	LiveEvents        []LiveEvent        `json:"liveEvents"`
	Assets            []Asset            `json:"assets"`
	LiveOutputs       []LiveOutput       `json:"liveOutputs"`
	StreamingLocators []StreamingLocator `json:"streamingLocators"`

	AccountFilters     notYet `json:"accountFilters,omitzero"`
	AssetFilters       notYet `json:"assetFilters,omitzero"`
	ContentKeyPolicies notYet `json:"contentKeyPolicies,omitzero"`
	StreamingPolicies  notYet `json:"streamingPolicies,omitzero"`
	StreamingEndpoints notYet `json:"streamingEndpoints,omitzero"`
}

// DecodeResources reads Resources from JSON: strictly, collecting every fault, each with its path ("liveEvents[0].name").
// References between resources are checked where they are followed (control/reconcile).
func DecodeResources(b []byte) (*Resources, []Fault) {
	var r Resources
	faults := decodeStrict(b, &r)
	if len(faults) == 0 {
		faults = r.check()
	}
	if len(faults) != 0 {
		return nil, faults
	}
	return &r, nil
}

func (r *Resources) check() []Fault {
	var c checker
	for i := range r.LiveEvents {
		r.LiveEvents[i].check(c.at("liveEvents[%d]", i))
	}
	for i := range r.Assets {
		r.Assets[i].check(c.at("assets[%d]", i))
	}
	for i := range r.LiveOutputs {
		r.LiveOutputs[i].check(c.at("liveOutputs[%d]", i))
	}
	for i := range r.StreamingLocators {
		r.StreamingLocators[i].check(c.at("streamingLocators[%d]", i))
	}
	return c.faults
}

// An Asset is where a live output records. Until weir records, it ties live outputs to streaming locators.
type Asset struct {
	envelope
	Name       string          `json:"name"`
	Properties AssetProperties `json:"properties"`
}

// AssetProperties as in the API, section 2.3 of the reference.
type AssetProperties struct {
	Description string `json:"description"`

	AlternateID        notYet   `json:"alternateId,omitzero"`
	Container          notYet   `json:"container,omitzero"`
	StorageAccountName notYet   `json:"storageAccountName,omitzero"`
	EncryptionScope    notYet   `json:"encryptionScope,omitzero"`
	AssetID            readOnly `json:"assetId,omitzero"`
	Created            readOnly `json:"created,omitzero"`
	LastModified       readOnly `json:"lastModified,omitzero"`
	Format             readOnly `json:"storageEncryptionFormat,omitzero"`
}

func (a *Asset) check(c *checker) { c.name("name", a.Name) }

// A LiveOutput publishes a live event's media under an asset. It is a child of its live event, and its name is written as
// resource managers write names of children: "{liveEvent}/{liveOutput}".
type LiveOutput struct {
	envelope
	Name       string               `json:"name"`
	Properties LiveOutputProperties `json:"properties"`
}

// LiveOutputProperties as in the API, section 2.2 of the reference.
type LiveOutputProperties struct {
	Description  string `json:"description"`
	AssetName    string `json:"assetName"`
	ManifestName string `json:"manifestName"` // {manifestName}.ism in URLs

	// ArchiveWindowLength is required by the API and has no effect yet: weir does not record, live.window is what it serves.
	ArchiveWindowLength Duration `json:"archiveWindowLength"`

	RewindWindowLength notYet   `json:"rewindWindowLength,omitzero"`
	HLS                readOnly `json:"hls,omitzero"` // packaging of TS segments, which weir does not make yet
	OutputSnapTime     notYet   `json:"outputSnapTime,omitzero"`
	ResourceState      readOnly `json:"resourceState,omitzero"`
	ProvisioningState  readOnly `json:"provisioningState,omitzero"`
	Created            readOnly `json:"created,omitzero"`
	LastModified       readOnly `json:"lastModified,omitzero"`
}

// LiveEvent is the name of the live event that the output belongs to.
func (o *LiveOutput) LiveEvent() string {
	event, _, _ := strings.Cut(o.Name, "/")
	return event
}

func (o *LiveOutput) check(c *checker) {
	event, output, ok := strings.Cut(o.Name, "/")
	switch {
	case !ok:
		c.fault("name", "%q: want {liveEvent}/{liveOutput}, such as demo/out1", o.Name)
	case !liveEventName.MatchString(event) || len(event) > 32:
		c.fault("name", "%q: %q is no name of a live event", o.Name, event)
	case !liveEventName.MatchString(output) || len(output) > 256:
		c.fault("name", "%q: %q is no name of a live output: 1 to 256 letters, digits and inner hyphens", o.Name, output)
	}
	p := &o.Properties
	if p.AssetName == "" {
		c.fault("properties.assetName", "is missing: the asset that the output belongs to")
	}
	if p.ManifestName == "" {
		c.fault("properties.manifestName", "is missing: it becomes {manifestName}.ism in URLs")
	} else if lower := strings.ToLower(p.ManifestName); !manifestName.MatchString(lower) || strings.HasSuffix(lower, ".ism") {
		c.fault("properties.manifestName", "%q: 1 to 200 letters, digits, '-', '_' and '.', without .ism", p.ManifestName)
	}
	if d := time.Duration(p.ArchiveWindowLength); d != 0 && (d < time.Minute || d > 25*time.Hour) {
		c.fault("properties.archiveWindowLength", "%v: PT1M to PT25H", d)
	}
}

// A StreamingLocator makes an asset playable under /{streamingLocatorId}/.
type StreamingLocator struct {
	envelope
	Name       string                     `json:"name"`
	Properties StreamingLocatorProperties `json:"properties"`
}

// StreamingLocatorProperties as in the API, section 2.4 of the reference.
type StreamingLocatorProperties struct {
	AssetName           string     `json:"assetName"`
	StreamingPolicyName string     `json:"streamingPolicyName"`
	StreamingLocatorID  string     `json:"streamingLocatorId"`
	StartTime           *time.Time `json:"startTime,omitempty"` // nil: from the beginning
	EndTime             *time.Time `json:"endTime,omitempty"`   // nil: for ever

	DefaultContentKeyPolicyName notYet   `json:"defaultContentKeyPolicyName,omitzero"`
	ContentKeys                 notYet   `json:"contentKeys,omitzero"`
	AlternativeMediaID          notYet   `json:"alternativeMediaId,omitzero"`
	Filters                     notYet   `json:"filters,omitzero"`
	Created                     readOnly `json:"created,omitzero"`
}

// ClearStreaming is the one streaming policy that weir knows so far: no encryption.
const ClearStreaming = "Predefined_ClearStreamingOnly"

func (l *StreamingLocator) check(c *checker) {
	c.name("name", l.Name)
	p := &l.Properties
	if p.AssetName == "" {
		c.fault("properties.assetName", "is missing: the asset to play")
	}
	switch p.StreamingPolicyName {
	case ClearStreaming:
	case "":
		c.fault("properties.streamingPolicyName", "is missing: use %s", ClearStreaming)
	default:
		c.fault("properties.streamingPolicyName", "weir does not do %s yet; use %s", p.StreamingPolicyName, ClearStreaming)
	}
	c.guid("properties.streamingLocatorId", p.StreamingLocatorID, "the first part of every URL; one written here stays the same after a restart")
	if p.StartTime != nil && p.EndTime != nil && !p.StartTime.Before(*p.EndTime) {
		c.fault("properties.endTime", "%s is not after startTime", p.EndTime.Format(time.RFC3339))
	}
}

// envelope is what the API puts around every resource, apart from name and properties.
type envelope struct {
	Location   readOnly `json:"location,omitzero"` // one node is one location
	Tags       readOnly `json:"tags,omitzero"`
	ID         readOnly `json:"id,omitzero"`
	Type       readOnly `json:"type,omitzero"`
	SystemData readOnly `json:"systemData,omitzero"`
}

// A Fault is what is wrong with a declared resource, and where.
type Fault struct {
	Path string // "liveEvents[0].properties.input", below "resources"
	Text string // continues the path: what is wrong, and what to do
}

// String is path and text as one line.
func (f Fault) String() string { return fmt.Sprintf("%s: %s", f.Path, f.Text) }
