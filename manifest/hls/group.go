package hls

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"weir/manifest"
	"weir/media"
)

// A group is a set of renditions among which the player chooses by language and purpose, never by bitrate.
type group struct {
	kind    string // TYPE of its EXT-X-MEDIA
	id      string
	codec   string // with rank: what distinguishes it from the other groups
	rank    int
	members []member
}

type member struct {
	rendition
	name string
}

// groups sorts the renditions of a kind into groups.
//
// Encodings of the same content (another codec, another bitrate, another number of channels) belong into different
// groups, which by RFC 8216bis, 4.4.6.1.1 must then have the same members under the same names. Where they would not
// (English as AAC only, German as AC-3 only) all are one group, and its variants need all of its codecs. Subtitles are
// always one group.
func groups(kind, id string, list []rendition) []group {
	if len(list) == 0 {
		return nil
	}
	if kind == "AUDIO" {
		if several := encodings(id, list); several != nil {
			return several
		}
	}
	g := group{kind: kind, id: id}
	for _, r := range list {
		m := member{r, r.track.Name}
		if slices.ContainsFunc(list, func(o rendition) bool { return o.track != r.track && o.track.Name == r.track.Name }) {
			m.name += "_" + strconv.FormatInt(r.track.ID, 10)
		}
		g.members = append(g.members, m)
	}
	return []group{g}
}

// encodings returns the groups of renditions that exist in several encodings with the same members each, or nil.
func encodings(id string, list []rendition) []group {
	var several []group
	for _, r := range list {
		rank := 0
		for _, o := range list {
			if o.media.Codec == r.media.Codec && sameContent(o, r) && before(o.track, r.track) {
				rank++
			}
		}
		m := member{r, contentName(r.media)}
		i := slices.IndexFunc(several, func(g group) bool { return g.codec == r.media.Codec && g.rank == rank })
		if i < 0 {
			several = append(several, group{
				kind: "AUDIO", id: id + "-" + r.media.Codec + "-" + strconv.Itoa(rank+1),
				codec: r.media.Codec, rank: rank, members: []member{m},
			})
			continue
		}
		several[i].members = append(several[i].members, m)
	}
	if len(several) < 2 {
		return nil
	}
	for _, g := range several[1:] {
		if !g.alike(several[0]) {
			return nil
		}
	}
	return several
}

// alike tells whether two groups offer the same content; content occurs once in a group.
func (g group) alike(o group) bool {
	return len(g.members) == len(o.members) && !slices.ContainsFunc(g.members, func(m member) bool {
		return !slices.ContainsFunc(o.members, func(n member) bool { return sameContent(m.rendition, n.rendition) })
	})
}

// rates returns the largest peak and average among the members: only one of them plays.
func (g *group) rates() (bandwidth, average int) {
	for _, m := range g.members {
		b, a := rates(m.track)
		bandwidth, average = max(bandwidth, b), max(average, a)
	}
	return bandwidth, average
}

// main is the member that plays when the user has no wish: the first with the role main or none at all.
func (g *group) main() int {
	return max(0, slices.IndexFunc(g.members, func(m member) bool { return isMain(m.media) }))
}

func isMain(m *media.Track) bool {
	return len(m.Roles) == 0 || slices.ContainsFunc(m.Roles, func(r media.Role) bool { return r.Value == "main" })
}

func sameContent(a, b rendition) bool {
	return a.media.Language == b.media.Language && slices.Equal(a.media.Roles, b.media.Roles)
}

// before orders encodings of the same content.
func before(a, b *manifest.Track) bool {
	return a.ID < b.ID || a.ID == b.ID && a.Name < b.Name
}

// contentName names what a rendition carries, the same in every encoding.
func contentName(m *media.Track) string {
	name := m.Language
	if name == "" || name == "und" {
		name = "audio"
	}
	if !isMain(m) {
		for _, r := range m.Roles {
			name += " " + r.Value
		}
	}
	return name
}

// appendGroup appends the EXT-X-MEDIA of every member.
func appendGroup(dst []byte, g *group) []byte {
	main := g.main()
	for i, m := range g.members {
		dst = append(dst, "#EXT-X-MEDIA:TYPE="...)
		dst = append(dst, g.kind...)
		dst = appendQuoted(append(dst, ",GROUP-ID="...), g.id)
		dst = appendQuoted(append(dst, ",NAME="...), m.name)
		language := m.media.Language
		if language == "" {
			language = "und"
		}
		dst = appendQuoted(append(dst, ",LANGUAGE="...), language)
		if i == main && g.kind == "AUDIO" {
			dst = append(dst, ",DEFAULT=YES"...)
		} else {
			dst = append(dst, ",DEFAULT=NO"...)
		}
		dst = append(dst, ",AUTOSELECT=YES"...)
		if m.media.Channels > 0 {
			dst = append(dst, ",CHANNELS=\""...)
			dst = strconv.AppendInt(dst, int64(m.media.Channels), 10)
			dst = append(dst, '"')
		}
		dst = append(dst, ",URI=\""...)
		dst = manifest.AppendPlaylist(dst, m.track.ID, m.track.Name)
		dst = append(dst, "\"\n"...)
	}
	return dst
}

// appendQuoted appends s as a quoted-string.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = appendPlain(dst, s)
	return append(dst, '"')
}

// appendPlain appends s without what a quoted-string cannot hold (RFC 8216bis, 4.2): quotes become apostrophes, control
// characters spaces, invalid UTF-8 the replacement character.
func appendPlain(dst []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '"':
			dst = append(dst, '\'')
		case r < ' ' || r == 0x7f:
			dst = append(dst, ' ')
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}
