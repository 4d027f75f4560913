package mpd

import (
	"regexp"
	"slices"
	"strings"

	"weir/bench/check/xmltree"
)

// common are the children that AdaptationSet, Representation and others begin with.
var common = []string{
	"FramePacking", "AudioChannelConfiguration", "ContentProtection", "OutputProtection", "EssentialProperty",
	"SupplementalProperty", "InbandEventStream", "Switching", "RandomAccess", "GroupLabel", "Label", "ProducerReferenceTime",
	"ContentPopularityRate", "Resync",
}

// order is the sequence of children by element: the schema's xs:sequence.
//
// Source: ISO/IEC 23009-1, DASH-MPD.xsd.
var order = map[string][]string{
	"MPD": {
		"ProgramInformation", "BaseURL", "Location", "PatchLocation", "ServiceDescription", "InitializationSet",
		"InitializationGroup", "InitializationPresentation", "ContentProtection", "ContentSteering", "Period", "Metrics", "EssentialProperty",
		"SupplementalProperty", "UTCTiming", "LeapSecondInformation",
	},
	"Period": {
		"BaseURL", "SegmentBase", "SegmentList", "SegmentTemplate", "AssetIdentifier", "EventStream", "ServiceDescription", "ContentProtection",
		"AdaptationSet", "Subset", "SupplementalProperty", "EmptyAdaptationSet", "GroupLabel", "Preselection",
	},
	"AdaptationSet": append(slices.Clone(common),
		"Accessibility", "Role", "Rating", "Viewpoint", "ContentComponent", "BaseURL", "SegmentBase", "SegmentList", "SegmentTemplate", "Representation"),
	"Representation": append(slices.Clone(common),
		"BaseURL", "ExtendedBandwidth", "SubRepresentation", "SegmentBase", "SegmentList", "SegmentTemplate"),
	"SegmentTemplate": {"Initialization", "RepresentationIndex", "FailoverContent", "SegmentTimeline", "BitstreamSwitching"},
	"SegmentTimeline": {"Pattern", "S"},
	"ServiceDescription": {
		"Scope", "Latency", "PlaybackRate", "OperatingQuality", "OperatingBandwidth", "ContentSteering", "ClientDataReporting",
	},
}

var (
	unsigned = regexp.MustCompile(`^[0-9]{1,20}$`)
	whole    = regexp.MustCompile(`^-?[0-9]{1,20}$`)
	double   = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?|INF)$`)
	boolean  = regexp.MustCompile(`^(true|false|0|1)$`)
	instant  = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?$`)
	noBlank  = regexp.MustCompile(`^\S+$`)
	rate     = regexp.MustCompile(`^[0-9]+(/[0-9]+)?$`)
	aspect   = regexp.MustCompile(`^[0-9]+:[0-9]+$`)
	sap      = regexp.MustCompile(`^[0-6]$`)
	producer = regexp.MustCompile(`^(encoder|captured|application)$`)
	kind     = regexp.MustCompile(`^(static|dynamic)$`)
)

// forms are the attributes whose form is checked, by element. xs:duration is checked by Duration.
var forms = map[string]map[string]*regexp.Regexp{
	"MPD": {
		"type": kind, "availabilityStartTime": instant, "availabilityEndTime": instant, "publishTime": instant,
		"mediaPresentationDuration": nil, "minimumUpdatePeriod": nil, "minBufferTime": nil, "timeShiftBufferDepth": nil,
		"suggestedPresentationDelay": nil, "maxSegmentDuration": nil, "maxSubsegmentDuration": nil,
	},
	"Period": {"start": nil, "duration": nil, "bitstreamSwitching": boolean},
	"AdaptationSet": {
		"id": unsigned, "group": unsigned, "startWithSAP": sap, "segmentAlignment": boolean, "bitstreamSwitching": boolean,
		"minBandwidth": unsigned, "maxBandwidth": unsigned, "minWidth": unsigned, "maxWidth": unsigned, "minHeight": unsigned,
		"maxHeight": unsigned, "maxFrameRate": rate, "frameRate": rate, "par": aspect, "width": unsigned, "height": unsigned,
	},
	"Representation": {
		"id": noBlank, "bandwidth": unsigned, "width": unsigned, "height": unsigned, "frameRate": rate, "sar": aspect,
		"startWithSAP": sap, "qualityRanking": unsigned,
	},
	"SegmentTemplate": {
		"timescale": unsigned, "duration": unsigned, "startNumber": unsigned, "presentationTimeOffset": unsigned,
		"availabilityTimeOffset": double, "availabilityTimeComplete": boolean,
	},
	"ServiceDescription":    {"id": unsigned},
	"Latency":               {"target": unsigned, "min": unsigned, "max": unsigned, "referenceId": unsigned},
	"PlaybackRate":          {"min": double, "max": double},
	"ProducerReferenceTime": {"id": unsigned, "presentationTime": unsigned, "inband": boolean, "type": producer},
	"Resync":                {"type": sap, "dT": unsigned, "dImin": double, "dImax": double, "marker": boolean},
	"S":                     {"t": unsigned, "d": unsigned, "n": unsigned, "k": unsigned, "r": whole},
}

// required attributes, by element.
var required = map[string][]string{
	"MPD":            {"profiles", "minBufferTime"},
	"Representation": {"id", "bandwidth"},
	"S":              {"d"},
	"UTCTiming":      {"schemeIdUri"},
	"EventStream":    {"schemeIdUri"},
	"Role":           {"schemeIdUri"},

	"ProducerReferenceTime": {"id", "wallClockTime", "presentationTime"},
}

// schema walks the tree and judges order, attributes and their forms.
func (r *reader) schema(e *xmltree.Element) {
	r.form(e)
	if list, ok := order[e.Name]; ok {
		at := 0
		for _, c := range e.Children {
			if c.Space != namespace {
				continue // another schema's
			}
			i := slices.Index(list, c.Name)
			switch {
			case i < 0:
				r.fault(81, c, "<"+c.Name+">", "the schema has none in "+e.Name)
			case i < at:
				r.fault(81, c, "<"+c.Name+"> behind <"+list[at]+">", "the schema's order is "+list[i]+", then "+list[at])
			default:
				at = i
			}
		}
	}
	for _, c := range e.Children {
		r.schema(c)
	}
}

func (r *reader) form(e *xmltree.Element) {
	for _, name := range required[e.Name] {
		if _, ok := e.Attr(name); !ok {
			r.fault(81, e, "no @"+name, "the attribute is required")
		}
	}
	table := forms[e.Name]
	for _, a := range e.Attrs {
		pattern, ok := table[a.Name.Local]
		if !ok || a.Name.Space != "" {
			continue
		}
		if pattern == nil {
			if _, ok := Duration(a.Value); !ok {
				r.fault(81, e, a.Name.Local+"="+a.Value, "a duration such as PT2.5S, without years and months")
			}
		} else if !pattern.MatchString(a.Value) {
			r.fault(81, e, a.Name.Local+"="+a.Value, "the value has not the form "+strings.Trim(pattern.String(), "^$"))
		}
	}
}
