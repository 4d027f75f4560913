package media

// With is the track with what its encoder says beside the header (a Smooth or DASH manifest, a playlist): the nominal
// bitrate in bits per second, which counts before the header's, and language and roles, which count where the header has
// none. What is zero, or cannot stand in a manifest, changes nothing. Language and roles belong to the decoder
// configuration, so ConfigHash follows them. in stays as it is.
func (in *Input) With(bitrate int, language string, roles []Role) Input {
	out := *in
	if bitrate > 0 && bitrate <= 1<<31-1 {
		out.Bitrate = bitrate
	}
	if out.Language == "und" && language != "" && isTag(language) {
		out.Language = language
	}
	if len(out.Roles) == 0 {
		out.Roles = nil
		for _, r := range roles {
			if plain(r.Scheme) && plain(r.Value) && len(out.Roles) < maxRoles {
				out.Roles = append(out.Roles, r)
			}
		}
	}
	out.ConfigHash = out.configHash()
	return out
}

// isTag tells what has the form of a language tag (RFC 5646).
func isTag(s string) bool {
	if len(s) > 35 {
		return false
	}
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') && s[i] != '-' {
			return false
		}
	}
	return true
}
