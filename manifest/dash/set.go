package dash

import (
	"slices"
	"strconv"
	"strings"

	"weir/manifest"
	"weir/media"
)

// opens tells whether track i opens an AdaptationSet: it is listed, and no track before it belongs into the same set.
func opens(p *manifest.Presentation, pd *period, i int) bool {
	m := pd.listed(&p.Tracks[i])
	if m == nil {
		return false
	}
	for j := range i {
		if o := pd.listed(&p.Tracks[j]); o != nil && sameSet(o, m) {
			return false
		}
	}
	return true
}

// sameSet tells whether a player may switch between two tracks by bitrate: one kind, codec family, language, number of
// channels and purpose.
func sameSet(a, b *media.Track) bool {
	return a.Kind == b.Kind && family(a) == family(b) && manifest.Language(a) == manifest.Language(b) &&
		a.Channels == b.Channels && manifest.SamePurpose(a, b)
}

// family is what a decoder must stay with: the sample entry of video, the whole codec otherwise (a switch between AAC-LC
// and HE-AAC is not seamless).
func family(m *media.Track) string {
	if m.Kind == media.Video {
		entry, _, _ := strings.Cut(m.Codec, ".")
		return entry
	}
	return m.Codec
}

// setID is the AdaptationSet@id: a hash (FNV-1a) of what makes the set, so that it is the same in every Period, on every
// node and whatever other sets come and go. 31 bits, because some players read a signed int.
func setID(m *media.Track) uint32 {
	id := hash(hashBasis, m.Kind.String())
	id = hash(id, family(m))
	id = hash(id, manifest.Language(m))
	id = (id ^ uint32(m.Channels)) * hashPrime
	if manifest.Plain(m) {
		id *= hashPrime
	}
	roles := uint32(0) // a sum, for their order says nothing
	for i, r := range m.Roles {
		if !manifest.PlainRole(m.Kind, r) && !slices.Contains(m.Roles[:i], r) {
			roles += hash(hash(hashBasis, r.Scheme), r.Value)
		}
	}
	return (id + roles) >> 1
}

const (
	hashBasis uint32 = 2166136261
	hashPrime uint32 = 16777619
)

// hash adds s and a mark of its end to h.
func hash(h uint32, s string) uint32 {
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * hashPrime
	}
	return h * hashPrime
}

// appendSet appends the AdaptationSet that track i opens.
func appendSet(dst []byte, p *manifest.Presentation, pd *period, i int) []byte {
	m := pd.listed(&p.Tracks[i])
	dst = append(dst, `  <AdaptationSet id="`...)
	dst = strconv.AppendUint(dst, uint64(setID(m)), 10)
	dst = append(dst, `" contentType="`...)
	dst = append(dst, m.Kind.String()...)
	dst = append(dst, `" mimeType="`...)
	dst = append(dst, mimeType(m.Kind)...)
	dst = append(dst, `" segmentAlignment="true"`...)
	if !pd.generation.Dependent || m.Kind != media.Video {
		dst = append(dst, ` startWithSAP="1"`...)
	}
	if lang := manifest.Language(m); lang != "und" || m.Kind != media.Video {
		dst = manifest.AppendAttribute(dst, "lang", lang)
	}
	if m.Kind == media.Video {
		dst = appendLargest(dst, p, pd, i)
	}
	dst = append(dst, ">\n"...)
	dst = appendChannels(dst, m.Channels)
	dst = appendReferenceTime(dst, pd, m)
	dst = appendRoles(dst, m)
	for j := i; j < len(p.Tracks); j++ {
		if o := pd.listed(&p.Tracks[j]); o != nil && sameSet(o, m) {
			dst = appendRepresentation(dst, pd, &p.Tracks[j], o)
		}
	}
	return append(dst, "  </AdaptationSet>\n"...)
}

func mimeType(k media.Kind) string {
	switch k {
	case media.Video:
		return "video/mp4"
	case media.Audio:
		return "audio/mp4"
	}
	return "application/mp4"
}

// appendLargest appends maxWidth and maxHeight over the set that track i opens.
func appendLargest(dst []byte, p *manifest.Presentation, pd *period, i int) []byte {
	m, width, height := pd.listed(&p.Tracks[i]), 0, 0
	for j := i; j < len(p.Tracks); j++ {
		if o := pd.listed(&p.Tracks[j]); o != nil && sameSet(o, m) {
			width, height = max(width, o.Width), max(height, o.Height)
		}
	}
	return appendSize(dst, "maxWidth", width, "maxHeight", height)
}

// appendSize appends two attributes of a picture's size, or nothing when it is not known.
func appendSize(dst []byte, w string, width int, h string, height int) []byte {
	if width <= 0 || height <= 0 {
		return dst
	}
	return manifest.AppendNumber(manifest.AppendNumber(dst, w, int64(width)), h, int64(height))
}

// appendChannels appends the AudioChannelConfiguration. Up to six channels the MPEG-D value is their count, which is how
// players read it; for seven and eight the CICP layouts 6.1 and 7.1 are said.
func appendChannels(dst []byte, channels int) []byte {
	scheme, value := "urn:mpeg:dash:23003:3:audio_channel_configuration:2011", channels
	switch {
	case channels == 7:
		scheme, value = "urn:mpeg:mpegB:cicp:ChannelConfiguration", 11
	case channels == 8:
		scheme, value = "urn:mpeg:mpegB:cicp:ChannelConfiguration", 12
	case channels < 1 || channels > 8:
		return dst
	}
	dst = append(dst, `   <AudioChannelConfiguration schemeIdUri="`...)
	dst = append(dst, scheme...)
	dst = append(dst, `" value="`...)
	dst = strconv.AppendInt(dst, int64(value), 10)
	return append(dst, "\"/>\n"...)
}

// appendRoles appends the track's kinds: schemes of accessibility first, as the schema wants it, then roles. What is plain
// is said for all tracks that are: text is a subtitle, the rest main.
func appendRoles(dst []byte, m *media.Track) []byte {
	dst = appendKinds(dst, m, "Accessibility", true)
	switch {
	case !manifest.Plain(m):
	case m.Kind == media.Text:
		dst = appendDescriptor(dst, "Role", manifest.RoleScheme, "subtitle")
	default:
		dst = appendDescriptor(dst, "Role", manifest.RoleScheme, "main")
	}
	return appendKinds(dst, m, "Role", false)
}

// appendKinds appends the kinds of accessibility schemes, or of all others but the plain ones, each once.
func appendKinds(dst []byte, m *media.Track, element string, access bool) []byte {
	for i, r := range m.Roles {
		if accessibility(r.Scheme) == access && !manifest.PlainRole(m.Kind, r) && !slices.Contains(m.Roles[:i], r) {
			dst = appendDescriptor(dst, element, r.Scheme, r.Value)
		}
	}
	return dst
}

// accessibility tells whether a kind's scheme belongs into Accessibility.
func accessibility(scheme string) bool {
	return strings.HasPrefix(scheme, "urn:tva:metadata:cs:AudioPurposeCS:") || strings.HasPrefix(scheme, "urn:scte:dash:cc:")
}
