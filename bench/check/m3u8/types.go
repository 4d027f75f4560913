package m3u8

import (
	"fmt"
	"regexp"
)

// A form is how an attribute's value is written.
type form struct {
	quoted bool
	match  *regexp.Regexp // of the value; nil: anything
}

var (
	text       = form{quoted: true}
	integer    = form{match: regexp.MustCompile(`^[0-9]{1,20}$`)}
	float      = form{match: regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)}
	signed     = form{match: regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)}
	hex        = form{match: regexp.MustCompile(`^0[xX][0-9A-Fa-f]+$`)}
	resolution = form{match: regexp.MustCompile(`^[0-9]+x[0-9]+$`)}
	yesNo      = form{match: regexp.MustCompile(`^(YES|NO)$`)}
	enum       = form{match: regexp.MustCompile(`^[A-Z0-9-]+$`)}
)

// forms are the attributes whose form is fixed, by tag. Attributes that are not here are new or private: players pass
// over them, and so do we.
//
// Source: RFC 8216bis, 4.4.2 to 4.4.6.
var forms = map[string]map[string]form{
	"EXT-X-STREAM-INF": {
		"BANDWIDTH": integer, "AVERAGE-BANDWIDTH": integer, "SCORE": float, "CODECS": text, "SUPPLEMENTAL-CODECS": text,
		"RESOLUTION": resolution, "FRAME-RATE": float, "HDCP-LEVEL": enum, "ALLOWED-CPC": text, "VIDEO-RANGE": enum,
		"REQ-VIDEO-LAYOUT": text, "STABLE-VARIANT-ID": text, "AUDIO": text, "VIDEO": text, "SUBTITLES": text, "PATHWAY-ID": text, "NAME": text,
	},
	"EXT-X-I-FRAME-STREAM-INF": {
		"BANDWIDTH": integer, "AVERAGE-BANDWIDTH": integer, "SCORE": float, "CODECS": text, "SUPPLEMENTAL-CODECS": text,
		"RESOLUTION": resolution, "HDCP-LEVEL": enum, "VIDEO-RANGE": enum, "VIDEO": text, "URI": text, "PATHWAY-ID": text,
	},
	"EXT-X-MEDIA": {
		"TYPE": enum, "URI": text, "GROUP-ID": text, "LANGUAGE": text, "ASSOC-LANGUAGE": text, "NAME": text,
		"STABLE-RENDITION-ID": text, "DEFAULT": yesNo, "AUTOSELECT": yesNo, "FORCED": yesNo, "INSTREAM-ID": text,
		"BIT-DEPTH": integer, "SAMPLE-RATE": integer, "CHARACTERISTICS": text, "CHANNELS": text,
	},
	"EXT-X-MAP":   {"URI": text, "BYTERANGE": text},
	"EXT-X-KEY":   {"METHOD": enum, "URI": text, "IV": hex, "KEYFORMAT": text, "KEYFORMATVERSIONS": text},
	"EXT-X-START": {"TIME-OFFSET": signed, "PRECISE": yesNo},
	"EXT-X-DATERANGE": {
		"ID": text, "CLASS": text, "START-DATE": text, "CUE": text, "END-DATE": text, "DURATION": float, "PLANNED-DURATION": float,
		"SCTE35-CMD": hex, "SCTE35-OUT": hex, "SCTE35-IN": hex, "END-ON-NEXT": yesNo,
	},
	"EXT-X-SERVER-CONTROL": {
		"CAN-SKIP-UNTIL": float, "CAN-SKIP-DATERANGES": yesNo, "HOLD-BACK": float, "PART-HOLD-BACK": float, "CAN-BLOCK-RELOAD": yesNo,
	},
	"EXT-X-PART-INF":         {"PART-TARGET": float},
	"EXT-X-PART":             {"URI": text, "DURATION": float, "INDEPENDENT": yesNo, "BYTERANGE": text, "GAP": yesNo},
	"EXT-X-PRELOAD-HINT":     {"TYPE": enum, "URI": text, "BYTERANGE-START": integer, "BYTERANGE-LENGTH": integer},
	"EXT-X-RENDITION-REPORT": {"URI": text, "LAST-MSN": integer, "LAST-PART": integer},
	"EXT-X-SKIP":             {"SKIPPED-SEGMENTS": integer, "RECENTLY-REMOVED-DATERANGES": text},
	"EXT-X-SESSION-DATA":     {"DATA-ID": text, "VALUE": text, "URI": text, "FORMAT": enum, "LANGUAGE": text},
}

// misshapen says what is wrong with the form of an attribute, "" where nothing is.
func misshapen(tag string, a Attribute) string {
	f, ok := forms[tag][a.Name]
	switch {
	case !ok:
		return ""
	case f.quoted != a.Quoted && f.quoted:
		return fmt.Sprintf("%s must stand in quotes", a.Name)
	case f.quoted != a.Quoted:
		return fmt.Sprintf("%s must not stand in quotes", a.Name)
	case f.match != nil && !f.match.MatchString(a.Value):
		return fmt.Sprintf("%s cannot be %q", a.Name, cut(a.Value))
	}
	return ""
}
