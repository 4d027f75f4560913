package manifest

import "weir/media"

// undetermined is the tag of a language that nobody stated.
const undetermined = "und"

// Language is the track's language where it looks like a tag of RFC 5646 (so that it also is an xs:language), else und.
// What encoders send can be anything: an mdhd box holds three characters of five bits each, an elng box any string. The
// result is ASCII letters, digits and hyphens, and needs no escaping anywhere. It does not allocate.
func Language(m *media.Track) string {
	s, part := m.Language, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '-':
			if part == 0 {
				return undetermined
			}
			part = 0
			continue
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
		case '0' <= c && c <= '9':
			if part == i { // of the first subtag, which has letters only
				return undetermined
			}
		default:
			return undetermined
		}
		if part++; part > 8 {
			return undetermined
		}
	}
	if part == 0 || len(s) > 35 {
		return undetermined
	}
	return s
}
