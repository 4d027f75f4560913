package ingest

const maxName = 128 // bytes

// ValidName tells whether a name, of a stream or in an encoder's URL, is safe in a URL, a log line and a metric:
// [A-Za-z0-9._~-], 1 to 128 bytes, no dot first.
func ValidName(s string) bool {
	if s == "" || len(s) > maxName || s[0] == '.' {
		return false
	}
	for i := range len(s) {
		b := s[i]
		if b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '.' || b == '_' || b == '~' || b == '-' {
			continue
		}
		return false
	}
	return true
}
