package hls

import (
	"cmp"
	"slices"
	"strconv"

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
	name string // unique in the group
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
			m.name += " " + strconv.FormatInt(r.track.ID, 10) // names of tracks have no spaces: nothing else is called so
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
	for i := range several[1:] {
		if !several[1+i].follow(several[0]) {
			return nil
		}
	}
	return several
}

// follow puts the members into the order of another group, so that the same one is the default in both; false when the
// two do not offer the same content. Content occurs once in a group.
func (g group) follow(o group) bool {
	if len(g.members) != len(o.members) {
		return false
	}
	for i, m := range o.members {
		j := slices.IndexFunc(g.members, func(n member) bool { return n.name == m.name })
		if j < 0 {
			return false
		}
		g.members[i], g.members[j] = g.members[j], g.members[i]
	}
	return true
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
	return max(0, slices.IndexFunc(g.members, func(m member) bool { return manifest.Plain(m.media) }))
}

// sameContent tells whether two renditions say the same in the same language, so that bitrate alone tells them apart.
func sameContent(a, b rendition) bool { return contentName(a.media) == contentName(b.media) }

// before orders encodings of the same content.
func before(a, b *manifest.Track) bool {
	return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Name, b.Name)) < 0
}

// contentName names what a rendition carries, the same in every encoding: its language, then what it is for unless that
// is the usual.
func contentName(m *media.Track) string {
	name := manifest.Language(m)
	if name == "und" {
		name = "audio"
	}
	var values []string
	for _, r := range m.Roles {
		if !manifest.PlainRole(m.Kind, r) {
			values = append(values, r.Value)
		}
	}
	slices.Sort(values)
	for _, v := range slices.Compact(values) {
		name += " " + v
	}
	return name
}
