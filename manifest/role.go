package manifest

import "weir/media"

// RoleScheme is the scheme of DASH's own roles, which kind boxes also use.
const RoleScheme = "urn:mpeg:dash:role:2011"

// PlainRole tells whether a role says no more than that the track is what its kind usually is: main, and for text
// subtitle. Encoders state it for one rendition and leave it out for the next, so it must not tell two tracks apart.
func PlainRole(kind media.Kind, r media.Role) bool {
	return r.Scheme == RoleScheme && (r.Value == "main" || kind == media.Text && r.Value == "subtitle")
}

// Plain tells whether a track plays where nobody wished for something else: it has a plain role, or none of DASH's own.
func Plain(m *media.Track) bool {
	plain := true
	for _, r := range m.Roles {
		if PlainRole(m.Kind, r) {
			return true
		}
		plain = plain && r.Scheme != RoleScheme
	}
	return plain
}

// SamePurpose tells whether two tracks of a kind have the same roles, in whatever order, plain ones aside.
func SamePurpose(a, b *media.Track) bool {
	return Plain(a) == Plain(b) && rolesIn(a, b) && rolesIn(b, a)
}

// rolesIn tells whether b has all roles of a that are not plain.
func rolesIn(a, b *media.Track) bool {
	for _, r := range a.Roles {
		if !PlainRole(a.Kind, r) && !hasRole(b, r) {
			return false
		}
	}
	return true
}

func hasRole(m *media.Track, role media.Role) bool {
	for _, r := range m.Roles {
		if r == role {
			return true
		}
	}
	return false
}
