package hls

import (
	"cmp"
	"slices"
	"strconv"

	"weir/manifest"
	"weir/media"
)

// A rendition is a track as the multivariant playlist sees it: with its description in the newest listed generation.
type rendition struct {
	track *manifest.Track
	media *media.Track
}

// A variant is one EXT-X-STREAM-INF: a playlist with the group of audio that goes with it.
type variant struct {
	main      rendition
	audio     *group
	text      *group
	bandwidth int
	average   int
}

// Multivariant appends the multivariant playlist to dst; URIs are relative to {manifestName}.ism/.
//
// Variants stand in ascending order of BANDWIDTH. Every video track is one variant per audio group; a presentation
// without video has one variant per audio track, or one per group where there is a choice of language. The I-frame
// variants come last: one per video track.
//
// A player that reads it starts at the end of the lists, so it names the tracks of the newest generation that is listed;
// a track that only an older one had, one without an init segment or without a list yet, and metadata are left out. Where
// nothing is listed there are no variants: players refuse that, so answer "not yet" instead.
//
// Implements RFC 8216bis, 4.4.6 (4.4.6.3: see appendKeyFrameVariants), and the group rules of 4.4.6.1.1.
func Multivariant(dst []byte, p *manifest.Presentation) []byte {
	audio := groups("AUDIO", "audio", renditions(p, media.Audio))
	text := groups("SUBTITLES", "text", renditions(p, media.Text))
	list := variants(renditions(p, media.Video), audio, text)

	dst = append(dst, "#EXTM3U\n#EXT-X-VERSION:6\n"...)
	if !slices.ContainsFunc(p.Generations, func(g manifest.Generation) bool { return g.Dependent }) {
		dst = append(dst, "#EXT-X-INDEPENDENT-SEGMENTS\n"...)
	}
	for i := range audio {
		if used(list, &audio[i]) {
			dst = appendGroup(dst, &audio[i])
		}
	}
	for i := range text {
		if used(list, &text[i]) {
			dst = appendGroup(dst, &text[i])
		}
	}
	for i := range list {
		dst = appendVariant(dst, &list[i])
	}
	return appendKeyFrameVariants(dst, p)
}

// renditions returns the tracks of a kind that play at the end of the lists, in order of the presentation.
func renditions(p *manifest.Presentation, kind media.Kind) []rendition {
	ordinal, ok := p.Current()
	if !ok {
		return nil
	}
	var list []rendition
	for i := range p.Tracks {
		t := &p.Tracks[i]
		if m := t.Init(ordinal); m != nil && m.Kind == kind && len(t.Runs) > 0 {
			list = append(list, rendition{t, m})
		}
	}
	return list
}

// variants pairs every video with every audio group and puts them in order.
func variants(video []rendition, audio, text []group) []variant {
	var subtitles *group
	if len(text) > 0 {
		subtitles = &text[0]
	}
	var list []variant
	for i := range audio {
		if len(video) > 0 {
			for _, v := range video {
				list = append(list, newVariant(v, &audio[i], subtitles))
			}
			continue
		}
		g := &audio[i]
		if len(g.members) == 1 {
			g = nil // nothing to choose: the variant is the audio
		}
		list = append(list, newVariant(audio[i].members[audio[i].main()].rendition, g, subtitles))
	}
	if len(audio) == 0 {
		for _, v := range video {
			list = append(list, newVariant(v, nil, subtitles))
		}
	}
	slices.SortStableFunc(list, func(a, b variant) int {
		return cmp.Or(cmp.Compare(a.bandwidth, b.bandwidth), cmp.Compare(a.average, b.average),
			cmp.Compare(a.main.track.ID, b.main.track.ID), cmp.Compare(a.main.track.Name, b.main.track.Name))
	})
	return list
}

func newVariant(main rendition, audio, text *group) variant {
	v := variant{main: main, audio: audio, text: text}
	v.bandwidth, v.average = rates(main.track)
	if audio != nil {
		bandwidth, average := audio.rates()
		if main.media.Kind == media.Audio { // a member of the group plays instead of it, not beside it
			v.bandwidth, v.average = 0, 0
		}
		v.bandwidth += bandwidth
		v.average += average
	}
	if text != nil {
		bandwidth, average := text.rates()
		v.bandwidth += bandwidth
		v.average += average
	}
	return v
}

// rates returns peak and average bits per second of a track; the average is never said to be above the peak.
func rates(t *manifest.Track) (bandwidth, average int) {
	bandwidth, average = t.Bandwidth, t.Average
	if average == 0 {
		average = int(t.ID)
	}
	if bandwidth == 0 {
		bandwidth = average
	}
	return bandwidth, min(average, bandwidth)
}

func used(variants []variant, g *group) bool {
	return slices.ContainsFunc(variants, func(v variant) bool { return v.audio == g || v.text == g })
}

func appendVariant(dst []byte, v *variant) []byte {
	dst = append(dst, "#EXT-X-STREAM-INF:BANDWIDTH="...)
	dst = strconv.AppendInt(dst, int64(v.bandwidth), 10)
	dst = append(dst, ",AVERAGE-BANDWIDTH="...)
	dst = strconv.AppendInt(dst, int64(v.average), 10)
	dst = appendCodecs(dst, v)
	if m := v.main.media; m.Kind == media.Video {
		dst = appendPicture(dst, m)
	}
	if v.audio != nil {
		dst = appendQuoted(append(dst, ",AUDIO="...), v.audio.id)
	}
	if v.text != nil {
		dst = appendQuoted(append(dst, ",SUBTITLES="...), v.text.id)
	}
	dst = append(dst, '\n')
	dst = manifest.AppendPlaylist(dst, v.main.track.ID, v.main.track.Name)
	return append(dst, '\n')
}

// appendCodecs lists the codec of the variant and every codec of its groups: a player that makes its buffers from this
// list fails on a codec that comes later.
func appendCodecs(dst []byte, v *variant) []byte {
	codecs := make([]string, 0, 4)
	add := func(codec string) {
		if codec != "" && !slices.Contains(codecs, codec) {
			codecs = append(codecs, codec)
		}
	}
	add(v.main.media.Codec)
	for _, g := range []*group{v.audio, v.text} {
		if g != nil {
			for _, m := range g.members {
				add(m.media.Codec)
			}
		}
	}
	if len(codecs) == 0 {
		return dst
	}
	dst = append(dst, ",CODECS=\""...)
	for i, c := range codecs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendPlain(dst, c)
	}
	return append(dst, '"')
}

func appendResolution(dst []byte, m *media.Track) []byte {
	if m.Width > 0 && m.Height > 0 {
		dst = append(dst, ",RESOLUTION="...)
		dst = strconv.AppendInt(dst, int64(m.Width), 10)
		dst = append(dst, 'x')
		dst = strconv.AppendInt(dst, int64(m.Height), 10)
	}
	return dst
}

func appendPicture(dst []byte, m *media.Track) []byte {
	dst = appendResolution(dst, m)
	if r := m.FrameRate; r.Num > 0 && r.Den > 0 {
		dst = append(dst, ",FRAME-RATE="...)
		dst = manifest.AppendFixed(dst, manifest.Nearest(int64(r.Num), r.Den, 1000), 3)
	}
	return dst
}
