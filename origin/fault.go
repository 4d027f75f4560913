package origin

import (
	"encoding/json"
	"net/http"
)

// A Fault is an answer that is not the object: status, the code that AMS's origin had for it, and a sentence for the
// person who reads it. Faults are made once; answering with one allocates nothing, and no byte of the request is in it.
type Fault struct {
	Status int
	Code   string // name of the code; those that AMS did not have begin with WEIR_

	header string // code and number, for the X-Ms-Error-Code header
	body   []byte // JSON
	life   life   // how long a cache may keep it
}

// A life says how long a cache may keep a fault.
type life uint8

const (
	lifeSecond life = iota // the answer may change any moment
	lifeTarget             // TARGETDURATION: it changes rarely, if ever
	lifeNone               // our own trouble: not at all
)

// newFault makes a fault. number is AMS's number of the code in hexadecimal digits, empty for codes of our own.
func newFault(status int, code, number string, life life, message string) *Fault {
	type detail struct {
		Code    string `json:"code"`
		Number  string `json:"number,omitempty"`
		Message string `json:"message"`
	}
	f := &Fault{Status: status, Code: code, header: code, life: life}
	d := detail{Code: code, Message: message}
	if number != "" {
		d.Number = "0x" + number
		f.header += " " + d.Number
	}
	body, err := json.Marshal(struct {
		Error detail `json:"error"`
	}{d})
	if err != nil {
		panic("origin: a fault is not JSON: " + err.Error()) // three strings: cannot happen
	}
	f.body = append(body, '\n')
	return f
}

// Faults of the URL and of the request.
//
// Source: the streaming endpoint of AMS v3 (names, numbers, statuses).
var (
	faultSyntax = newFault(http.StatusBadRequest, "MPE_BAD_URL_SYNTAX", "80890201", lifeSecond,
		"The URL does not follow the streaming grammar: /{locatorId}/{manifestName}.ism/manifest(format=…) and what its manifests list below it.")
	faultTooLong = newFault(http.StatusRequestURITooLong, "MPE_BAD_URL_SYNTAX", "80890201", lifeSecond,
		"The path is longer than any that a manifest lists.")
	faultRequest = newFault(http.StatusBadRequest, "WEIR_BAD_REQUEST", "", lifeSecond,
		"This is not a request that HTTP/1.1 knows.")
	faultHeaders = newFault(http.StatusRequestHeaderFieldsTooLarge, "WEIR_HEADERS_TOO_LARGE", "", lifeSecond,
		"The request line and its headers are too large.")
	faultBody = newFault(http.StatusRequestEntityTooLarge, "WEIR_BODY_NOT_EXPECTED", "", lifeSecond,
		"Requests to the origin carry no body; encoders push to the ingest listener.")
	faultTimeout = newFault(http.StatusRequestTimeout, "WEIR_REQUEST_TIMEOUT", "", lifeNone,
		"The request did not arrive in time.")
	faultMethod = newFault(http.StatusMethodNotAllowed, "WEIR_METHOD_NOT_ALLOWED", "", lifeSecond,
		"The origin answers GET, HEAD and OPTIONS; encoders push to the ingest listener.")
	faultNotFound = newFault(http.StatusNotFound, "MPE_RESOURCE_NOT_FOUND", "808901F9", lifeSecond,
		"There is nothing under this path.")
	faultUnauthorized = newFault(http.StatusNotFound, "MPE_UNAUTHORIZED", "80890244", lifeSecond,
		"No streaming locator of this id is valid now: it is unknown, has not started or has expired.")
	faultAddress = newFault(http.StatusForbidden, "WEIR_ADDRESS_NOT_ALLOWED", "", lifeNone,
		"This address is not among those that may stream.")
	faultPrecondition = newFault(http.StatusPreconditionFailed, "WEIR_PRECONDITION_FAILED", "", lifeNone,
		"The object is not the one that If-Match names.")
	faultRange = newFault(http.StatusRequestedRangeNotSatisfiable, "WEIR_RANGE_NOT_SATISFIABLE", "", lifeSecond,
		"The range starts behind the end of the segment.")
	faultInternal = newFault(http.StatusInternalServerError, "WEIR_INTERNAL", "", lifeNone,
		"The origin failed; its log says more.")
)

// Faults of formats and protection.
var (
	faultFormatUnknown = newFault(http.StatusUnsupportedMediaType, "MPE_FORMAT_NOT_SUPPORTED", "80890205", lifeSecond,
		"This format is unknown. Ask for manifest(format=m3u8-cmaf) for HLS, manifest(format=mpd-time-cmaf) for DASH or manifest for Smooth Streaming.")
	faultFormatUnbuilt = newFault(http.StatusUnsupportedMediaType, "MPE_OUTPUT_FORMAT_NOT_SUPPORTED", "8089020D", lifeSecond,
		"This format is not served yet. Ask for manifest(format=m3u8-cmaf) for HLS, manifest(format=mpd-time-cmaf) for DASH or manifest for Smooth Streaming.")
	faultNumbers = newFault(http.StatusUnsupportedMediaType, "MPE_OUTPUT_FORMAT_NOT_SUPPORTED", "8089020D", lifeSecond,
		"This channel cannot be addressed by number: its encoder's times are not UTC, or its segments follow scene cuts. Ask for manifest(format=mpd-time-cmaf).")
	faultEncryptionUnknown = newFault(http.StatusUnsupportedMediaType, "MPE_ENCRYPTION_NOT_SUPPORTED", "80890208", lifeSecond,
		"This encryption is unknown. Leave encryption= out: the stream is clear.")
	faultEncryptionNotSet = newFault(http.StatusForbidden, "MPE_ENC_ENCRYPTION_NOT_SET_IN_DELIVERY_POLICY", "8088024D", lifeSecond,
		"The streaming policy of this locator does not encrypt. Leave encryption= out.")
	faultFilter = newFault(http.StatusNotFound, "MPE_EGRESS_FILTER_NOT_FOUND", "8089020C", lifeSecond,
		"There is no filter of this name.")
)

// Faults of what is not there.
var (
	faultNoMedia = newFault(http.StatusNotFound, "MPE_LIVE_MEDIA_ENTRIES_NOT_FOUND", "80890254", lifeSecond,
		"The channel is there, but no media has been listed yet: start the encoder, or ask again in a moment.")
	faultTrack = newFault(http.StatusNotFound, "MPE_EGRESS_TRACK_NOT_FOUND", "80890209", lifeSecond,
		"The presentation has no track of this name and QualityLevels.")
	faultInit = newFault(http.StatusNotFound, "MPE_FRAGMENT_TIMESTAMP_NOT_FOUND", "80890255", lifeSecond,
		"The track has no init segment of this name; the manifest says which it has.")
	faultNoPictures = newFault(http.StatusNotFound, "MPE_EGRESS_TRACK_NOT_FOUND", "80890209", lifeSecond,
		"The track is no video: it has no key frames.")
	faultNoKeyFrame = newFault(http.StatusNotFound, "MPE_FRAGMENT_TIMESTAMP_NOT_FOUND", "80890255", lifeTarget,
		"The segment does not begin with a key frame: the manifest lists it as a gap.")
	faultPart = newFault(http.StatusNotFound, "MPE_FRAGMENT_TIMESTAMP_NOT_FOUND", "80890255", lifeSecond,
		"There is no such part, and none is to come under this name: ask for what the playlist lists, or hints at.")
	faultDirectives = newFault(http.StatusBadRequest, "WEIR_BAD_DIRECTIVES", "", lifeSecond,
		"_HLS_msn and _HLS_part are decimal numbers of at most 2^53, each given once, and a part needs its segment.")
	faultAhead = newFault(http.StatusBadRequest, "WEIR_TOO_FAR_AHEAD", "", lifeSecond,
		"The playlist will not be there soon: at most two segments, or three seconds of parts, ahead of it may be waited for.")
	faultStalled = newFault(http.StatusServiceUnavailable, "WEIR_STALLED", "", lifeSecond,
		"What was asked for did not come in time: the encoder is late, or away.")
	faultNotYet = newFault(http.StatusPreconditionFailed, "MPE_FRAGMENT_NOT_READY", "80890200", lifeSecond,
		"The segment is not there yet; ask again once a manifest lists it.")
	faultLate = newFault(http.StatusNotFound, "MPE_FRAGMENT_TIMESTAMP_NOT_FOUND", "80890255", lifeSecond,
		"The segment should be there by now: its encoder is late, or away.")
	faultLookahead = newFault(http.StatusPreconditionFailed, "MPE_FRAGMENT_NOT_READY", "80890200", lifeNone,
		"The fragment is not there yet: it names the two that follow it, which must be known first; ask again in a moment.")
	faultFuture = newFault(http.StatusNotFound, "MPE_FRAGMENT_TIMESTAMP_NOT_FOUND", "80890255", lifeSecond,
		"The segment lies too far ahead of what the manifest lists.")
	faultNever = newFault(http.StatusNotFound, "MPE_FRAGMENT_TIMESTAMP_NOT_FOUND", "80890255", lifeTarget,
		"No segment of the window starts at this time.")
	faultGone = newFault(http.StatusNotFound, "MPE_EGRESS_TIMESTAMP_NOT_FOUND", "8089020A", lifeTarget,
		"The segment has left the window.")
	faultGap = newFault(http.StatusNotFound, "MPE_MANIFEST_MEDIA_ENTRY_NOT_FOUND", "80890256", lifeTarget,
		"The media of this slot did not arrive: the manifest lists it as a gap.")
)
