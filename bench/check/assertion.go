package check

// A Severity says how much an assertion binds.
type Severity string

// The severities: the rule's own word, or ours where the rule is ours.
const (
	Must   Severity = "MUST"
	Should Severity = "SHOULD"
)

// An Assertion is one rule that an origin can break. To add one: give it a number and a line here, put it to the test
// somewhere (subject.test), seed a fault for it in the tests' tables, and name it in docs/check.md.
type Assertion struct {
	Number   int
	Name     string
	Severity Severity
	Source   string // where the rule comes from
}

// Numbers above 108 are the checker's own: rules that hold for all three formats, or that none of the others says.
var assertions = []Assertion{
	{1, "playlist text", Must, "RFC 8216bis 4.1"},
	{2, "EXT-X-VERSION is high enough", Must, "RFC 8216bis 8"},
	{3, "attributes of variants and renditions", Should, "RFC 8216bis 4.4.6; Apple HLS authoring 9"},
	{4, "CODECS is what the init segments say", Must, "RFC 8216bis 4.4.6.2"},
	{5, "groups exist and are referenced", Must, "RFC 8216bis 4.4.6.2.1"},
	{6, "rendition attributes", Must, "RFC 8216bis 4.4.6.1"},
	{7, "CLOSED-CAPTIONS", Must, "RFC 8216bis 4.4.6.1, 4.4.6.2"},
	{8, "VIDEO-RANGE is what the init segments say", Should, "RFC 8216bis 4.4.6.2"},
	{9, "SCORE on all or none; INDEPENDENT-SEGMENTS", Should, "RFC 8216bis 4.4.2.1, 4.4.6.2"},
	{10, "I-frame variants", Must, "RFC 8216bis 4.4.6.3, 4.4.3.6"},
	{11, "attribute forms; URIs can be fetched", Must, "RFC 8216bis 4.2, 4.4.6"},
	{12, "media playlist tags", Must, "RFC 8216bis 4.4.3"},
	{13, "EXTINF and TARGETDURATION", Must, "RFC 8216bis 4.4.3.1; Apple HLS authoring 7.7"},
	{14, "EXT-X-MAP over every fMP4 segment", Must, "RFC 8216bis 3.1.2, 4.4.4.5"},
	{15, "EXT-X-PART-INF, PART-HOLD-BACK and CAN-BLOCK-RELOAD with parts", Must, "RFC 8216bis 4.4.3.7, 4.4.3.8, B.1"},
	{16, "DURATION of parts and PART-TARGET", Must, "RFC 8216bis 4.4.4.9"},
	{17, "parts make up their segment", Must, "RFC 8216bis 4.4.4.9"},
	{18, "HOLD-BACK, PART-HOLD-BACK and CAN-SKIP-UNTIL", Must, "RFC 8216bis 4.4.3.8; Apple HLS authoring"},
	{19, "old parts go from the list", Should, "RFC 8216bis 6.2.2"},
	{20, "EXT-X-PRELOAD-HINT", Must, "RFC 8216bis 4.4.5.3"},
	{21, "the part that comes is the one hinted at", Must, "RFC 8216bis 6.2.2"},
	{22, "EXT-X-RENDITION-REPORT", Must, "RFC 8216bis 4.4.5.4, 6.2.4, B.1"},
	{23, "PROGRAM-DATE-TIME follows EXTINF", Must, "RFC 8216bis 4.4.4.6"},
	{24, "length of the window", Must, "RFC 8216bis 6.2.2; Apple HLS authoring 8.11"},
	{25, "PLAYLIST-TYPE", Must, "RFC 8216bis 4.4.3.5, 6.2.1"},
	{26, "INDEPENDENT is what the part says", Must, "RFC 8216bis 4.4.4.9"},
	{27, "gaps of parts", Must, "RFC 8216bis 4.4.4.7, 4.4.4.9"},
	{29, "TARGETDURATION, PART-TARGET and SERVER-CONTROL stay, and are those of all playlists", Must, "RFC 8216bis 6.2.1, 6.2.4"},
	{30, "MEDIA-SEQUENCE", Must, "RFC 8216bis 6.2.2"},
	{31, "DISCONTINUITY-SEQUENCE", Must, "RFC 8216bis 6.2.2"},
	{32, "a playlist only grows at its end and shrinks at its head", Must, "RFC 8216bis 6.2.1"},
	{33, "a new segment, a new part in time", Must, "RFC 8216bis 6.2.2, 6.2.4"},
	{34, "renditions agree on numbers and times, and end together", Should, "RFC 8216bis 6.2.4; weir for numbers"},
	{35, "EXT-X-ENDLIST", Must, "RFC 8216bis 6.2.1, 4.4.3.4"},
	{36, "EXT-X-DATERANGE", Must, "RFC 8216bis 4.4.5.1"},
	{37, "_HLS_part without _HLS_msn", Must, "RFC 8216bis 6.2.5.2"},
	{38, "_HLS_msn that is no number", Must, "RFC 8216bis 6.2.5"},
	{39, "_HLS_msn ahead of the list", Should, "RFC 8216bis 6.2.5.2"},
	{40, "_HLS_part ahead of the list", Should, "RFC 8216bis 6.2.5.2"},
	{41, "_HLS_msn of the past", Must, "RFC 8216bis 6.2.5.2"},
	{42, "a blocking reload brings the part that was asked for", Must, "RFC 8216bis 6.2.5.2"},
	{43, "_HLS_part behind the last of its segment", Must, "RFC 8216bis 6.2.5.2"},
	{44, "_HLS_msn alone brings the whole segment", Must, "RFC 8216bis 6.2.5.2"},
	{45, "a blocking reload is given up after a while", Should, "RFC 8216bis 6.2.5.2"},
	{46, "the end releases those who wait", Must, "RFC 8216bis 6.2.5.2"},
	{47, "delta updates", Must, "RFC 8216bis 4.4.5.2, 6.2.5.1"},
	{48, "delivery directives after the end", Must, "RFC 8216bis 6.2.5"},
	{50, "a hinted part is answered when it is there, in one go", Must, "RFC 8216bis 6.2.2, B.1"},
	{51, "two origins, the same bytes", Must, "weir: names and bytes are functions of the media"},
	{52, "manifest type, gzip, Vary", Must, "RFC 8216bis 4, 6.2.1; RFC 9110 12.5.3"},
	{53, "Cache-Control", Should, "RFC 8216bis appendix B.5"},
	{54, "Date; no Age, no Set-Cookie", Should, "RFC 9110 6.6.1; RFC 9111 5.1"},
	{56, "HEAD is GET without a body", Should, "RFC 9110 9.3.2"},
	{57, "ranges", Must, "RFC 9110 14"},
	{58, "ETag and 304", Should, "RFC 9110 13.1.2"},
	{59, "CORS", Must, "Fetch standard 3.3"},
	{60, "an answer that grows breaks off as an error, and only with its source", Must, "RFC 9112 8; ISO/IEC 23009-1 5.3.9.5.3"},
	{61, "init segment boxes", Must, "ISO/IEC 23000-19 7.3.1, 7.5"},
	{62, "tfdt, default-base-is-moof, one traf", Must, "ISO/IEC 23000-19 7.5.14 to 7.5.17"},
	{63, "decode times follow each other", Must, "ISO/IEC 23000-19 7.3.2.3"},
	{64, "sync samples", Must, "ISO/IEC 23000-19 7.3.2.3, 9.2.5; ISO/IEC 14496-12 8.8.3.1"},
	{65, "trun offsets and sizes", Must, "ISO/IEC 14496-12 8.8.8, 8.1.1"},
	{66, "track_ID and sequence numbers", Must, "ISO/IEC 14496-12 8.8.5, 8.8.7"},
	{67, "switching sets", Must, "ISO/IEC 23000-19 7.3.4"},
	{68, "composition offsets or edit list", Must, "ISO/IEC 23000-19 9.2.1"},
	{69, "segment brands", Should, "ISO/IEC 23000-19 7.2; ISO/IEC 23009-1 6.3.4"},
	{70, "emsg", Must, "ISO/IEC 23009-1 5.10.3.3"},
	{71, "prft", Must, "ISO/IEC 14496-12 8.16.5"},
	{74, "bitrate as declared", Should, "Apple HLS authoring 9.2 to 9.4"},
	{81, "MPD schema", Must, "ISO/IEC 23009-1 5.3, DASH-MPD.xsd"},
	{82, "fields of a dynamic MPD; clock", Must, "ISO/IEC 23009-1 5.3.1.2; DASH-IF IOP 4.7"},
	{83, "publishTime", Must, "ISO/IEC 23009-1 5.3.1.2"},
	{84, "availabilityStartTime and Periods stay", Must, "ISO/IEC 23009-1 5.4"},
	{85, "segments are there when the MPD says", Must, "ISO/IEC 23009-1 5.3.9.5.3"},
	{86, "SegmentTimeline is what the segments say", Must, "ISO/IEC 23009-1 5.3.9.6, 7.2"},
	{87, "availabilityTimeOffset and availabilityTimeComplete", Must, "ISO/IEC 23009-1 5.3.9.5; DASH-IF IOP low latency 9.X.4"},
	{88, "segments that grow come chunk by chunk", Must, "ISO/IEC 23000-19 7.3.3; DASH-IF IOP low latency 9.X.4"},
	{89, "ServiceDescription and ProducerReferenceTime", Must, "ISO/IEC 23009-1 5.12, annex K; DASH-IF IOP low latency 9.X.4"},
	{90, "Resync", Must, "ISO/IEC 23009-1 5.3.12; DASH-IF IOP low latency 9.X.4"},
	{91, "maxSegmentDuration, timeShiftBufferDepth", Must, "ISO/IEC 23009-1 5.3.1.2"},
	{92, "Representation is what the init segment says", Must, "ISO/IEC 23009-1 5.3.5.2, 5.3.7.2"},
	{95, "live becomes static", Must, "ISO/IEC 23009-1 5.4"},
	{96, "Periods follow each other", Must, "ISO/IEC 23009-1 5.3.2"},
	{98, "Smooth manifest", Must, "MS-SSTR 2.2.2"},
	{99, "CodecPrivateData", Must, "MS-SSTR 2.2.2.5"},
	{100, "URL, c@t, tfxd and tfdt are one time", Must, "MS-SSTR 2.2.2.6, 2.2.4.4"},
	{101, "tfrf announces the next fragments", Must, "MS-SSTR 2.2.4.5"},
	{102, "status beyond the edge and before the window", Should, "MS-SSTR 2.2.3; weir"},
	{103, "FragmentInfo", Should, "MS-SSTR 2.2.3"},
	{104, "c@r", Must, "MS-SSTR 2.2.2.6"},
	{106, "formats show the same frame at the same instant", Must, "weir"},
	{108, "strange requests", Must, "RFC 9110 15.6"},
	{109, "a name never means other bytes", Must, "RFC 8216bis 6.2.1; weir"},
	{110, "what is listed can be fetched", Must, "RFC 8216bis 6.2.1; ISO/IEC 23009-1 5.3.9.5.3"},
	{111, "bodies are whole", Must, "RFC 9112 6, 8; RFC 1952"},
	{112, "media type of segments", Must, "RFC 8216bis 4; RFC 4337; RFC 6381"},
	{113, "status of what is not there", Should, "RFC 9110 15.5"},
	{114, "no redirects for media", Should, "Apple HLS authoring 8.18"},
	{115, "trick play tracks are sync samples alone", Must, "RFC 8216bis 4.4.3.6; DASH-IF IOP 3.2.9"},
	{116, "a live manifest keeps up with the clock", Should, "ISO/IEC 23009-1 5.3.9.5; weir"},
	{117, "segments are as long as the manifest says", Must, "RFC 8216bis 4.4.4.1; ISO/IEC 23009-1 7.2.1"},
	{118, "segments outlive their listing", Must, "RFC 8216bis 6.2.2; ISO/IEC 23009-1 5.3.9.5.3"},
}

// Assertions returns the table, in order of number.
func Assertions() []Assertion { return assertions }

var byNumber = func() map[int]*Assertion {
	m := make(map[int]*Assertion, len(assertions))
	for i := range assertions {
		m[assertions[i].Number] = &assertions[i]
	}
	return m
}()
