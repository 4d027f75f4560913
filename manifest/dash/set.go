package dash

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"weir/manifest"
	"weir/media"
)

const roleScheme = "urn:mpeg:dash:role:2011"

// listed returns the description of track i in the period, or nil when it is not a Representation there. Metadata
// tracks are none: their events have forms of their own.
func listed(p *manifest.Presentation, pd *period, i int) *media.Track {
	t := &p.Tracks[i]
	m := t.Init(pd.generation.Ordinal)
	if m == nil || m.Kind == media.Metadata || !pd.lists(t) {
		return nil
	}
	return m
}

// first tells whether track i opens an AdaptationSet: it is listed, and no track before it belongs into the same set.
func first(p *manifest.Presentation, pd *period, i int) bool {
	m := listed(p, pd, i)
	if m == nil {
		return false
	}
	for j := range i {
		if o := listed(p, pd, j); o != nil && sameSet(o, m) {
			return false
		}
	}
	return true
}

// sameSet tells whether a player may switch between two tracks by bitrate: one kind, codec family, language, number of
// channels and purpose.
func sameSet(a, b *media.Track) bool {
	return a.Kind == b.Kind && family(a) == family(b) && language(a) == language(b) && a.Channels == b.Channels &&
		slices.Equal(a.Roles, b.Roles)
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

// language is the track's language as xs:language allows it, else und.
func language(m *media.Track) string {
	for part := range strings.SplitSeq(m.Language, "-") {
		if len(part) < 1 || len(part) > 8 {
			return "und"
		}
		for i := range len(part) {
			if c := part[i] | 0x20; (c < 'a' || c > 'z') && (part[i] < '0' || part[i] > '9') {
				return "und"
			}
		}
	}
	return m.Language
}

// setID is the AdaptationSet@id: a hash of what makes the set, so that it is the same in every Period, on every node
// and whatever other sets come and go. 31 bits, because some players read a signed int.
func setID(m *media.Track) uint64 {
	h := fnv.New32a()
	for _, s := range []string{m.Kind.String(), family(m), language(m), strconv.Itoa(m.Channels)} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	for _, r := range m.Roles {
		h.Write([]byte(r.Scheme + "\x00" + r.Value + "\x00"))
	}
	return uint64(h.Sum32() >> 1)
}

// appendSet appends the AdaptationSet that track i opens.
func appendSet(dst []byte, p *manifest.Presentation, pd *period, i int) []byte {
	m := listed(p, pd, i)
	dst = append(dst, `  <AdaptationSet id="`...)
	dst = strconv.AppendUint(dst, setID(m), 10)
	dst = append(dst, `" contentType="`...)
	dst = append(dst, m.Kind.String()...)
	dst = append(dst, `" mimeType="`...)
	dst = append(dst, mimeType(m.Kind)...)
	dst = append(dst, `" segmentAlignment="true"`...)
	if !pd.generation.Dependent || m.Kind != media.Video {
		dst = append(dst, ` startWithSAP="1"`...)
	}
	if lang := language(m); lang != "und" || m.Kind != media.Video {
		dst = appendAttribute(dst, "lang", lang)
	}
	if m.Kind == media.Video {
		dst = appendLargest(dst, p, pd, i)
	}
	dst = append(dst, ">\n"...)
	dst = appendChannels(dst, m.Channels)
	dst = appendRoles(dst, m)
	for j := i; j < len(p.Tracks); j++ {
		if o := listed(p, pd, j); o != nil && sameSet(o, m) {
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
	m, width, height := listed(p, pd, i), 0, 0
	for j := i; j < len(p.Tracks); j++ {
		if o := listed(p, pd, j); o != nil && sameSet(o, m) {
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
	return appendNumber(appendNumber(dst, w, int64(width)), h, int64(height))
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

// appendRoles appends the track's kinds: schemes of accessibility first, as the schema wants it, then roles. A track
// without a role of DASH's own scheme is main, text is a subtitle.
func appendRoles(dst []byte, m *media.Track) []byte {
	plain := true
	for _, r := range m.Roles {
		if accessibility(r.Scheme) {
			dst = appendDescriptor(dst, "Accessibility", r.Scheme, r.Value)
		}
		plain = plain && r.Scheme != roleScheme
	}
	switch {
	case plain && m.Kind == media.Text:
		dst = appendDescriptor(dst, "Role", roleScheme, "subtitle")
	case plain:
		dst = appendDescriptor(dst, "Role", roleScheme, "main")
	}
	for _, r := range m.Roles {
		if !accessibility(r.Scheme) {
			dst = appendDescriptor(dst, "Role", r.Scheme, r.Value)
		}
	}
	return dst
}

// accessibility tells whether a kind's scheme belongs into Accessibility.
func accessibility(scheme string) bool {
	return strings.HasPrefix(scheme, "urn:tva:metadata:cs:AudioPurposeCS:") || strings.HasPrefix(scheme, "urn:scte:dash:cc:")
}
