package hls

import (
	"slices"
	"strconv"
	"strings"

	"weir/manifest"
	"weir/media"
)

// appendGroup appends the EXT-X-MEDIA of every member.
//
// Source: RFC 8216bis, 4.4.6.1.
func appendGroup(dst []byte, g *group) []byte {
	main := g.main()
	for i, m := range g.members {
		language := manifest.Language(m.media)
		dst = append(dst, "#EXT-X-MEDIA:TYPE="...)
		dst = append(dst, g.kind...)
		dst = appendQuoted(append(dst, ",GROUP-ID="...), g.id)
		dst = appendQuoted(append(dst, ",NAME="...), m.name)
		dst = appendQuoted(append(dst, ",LANGUAGE="...), language)
		if i == main && g.kind == "AUDIO" {
			dst = append(dst, ",DEFAULT=YES,AUTOSELECT=YES"...)
		} else {
			dst = append(dst, ",DEFAULT=NO,AUTOSELECT="...)
			dst = appendYesNo(dst, g.distinct(i))
		}
		if forced(m.media) {
			dst = append(dst, ",FORCED=YES"...)
		}
		if c := characteristics(m.media); c != "" {
			dst = appendQuoted(append(dst, ",CHARACTERISTICS="...), c)
		}
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

// distinct tells whether a player that chooses by language and characteristics means member i: it is the first of its
// like, what is plain before what is not, and the default before all. The rest are for the user to choose.
func (g *group) distinct(i int) bool {
	best := -1
	for j := range g.members {
		if !alike(g.members[i].media, g.members[j].media) {
			continue
		}
		if g.kind == "AUDIO" && j == g.main() {
			return false // the default speaks for itself
		}
		if best < 0 || manifest.Plain(g.members[j].media) && !manifest.Plain(g.members[best].media) {
			best = j
		}
	}
	return best == i
}

// alike tells whether the attributes that a player chooses by are equal.
func alike(a, b *media.Track) bool {
	return manifest.Language(a) == manifest.Language(b) && forced(a) == forced(b) && characteristics(a) == characteristics(b)
}

func appendYesNo(dst []byte, yes bool) []byte {
	if yes {
		return append(dst, "YES"...)
	}
	return append(dst, "NO"...)
}

// forced tells whether a text track holds only what is to be read whatever the viewer chose.
func forced(m *media.Track) bool {
	return m.Kind == media.Text && slices.Contains(m.Roles, media.Role{Scheme: manifest.RoleScheme, Value: "forced-subtitle"})
}

// characteristics are the accessibility features that the track's roles say it has, separated by commas.
func characteristics(m *media.Track) string {
	var list []string
	for _, r := range m.Roles {
		if r.Scheme != manifest.RoleScheme {
			continue
		}
		switch r.Value {
		case "caption":
			list = append(list, "public.accessibility.transcribes-spoken-dialog",
				"public.accessibility.describes-music-and-sound")
		case "description":
			list = append(list, "public.accessibility.describes-video")
		case "enhanced-audio-intelligibility":
			list = append(list, "public.accessibility.enhances-speech-intelligibility")
		}
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ",")
}
