package smooth

import (
	"weir/manifest"
	"weir/media"
)

const (
	left   = -1 // level.stream of those that no StreamIndex has
	recent = 6  // so many of a stream's newest chunks decide which levels it has
)

// sortLevels gives each level the number of its StreamIndex, and returns how many there are.
//
// A StreamIndex has the levels that its newest chunk has, and of those the ones that have the most of its newest six
// chunks: a client that loads the manifest now, and never again, should not be offered a rendition that has dropped out,
// nor one that has just come back and would leave too few chunks in common to begin with.
func sortLevels(levels []level) (streams int) {
	for i := range levels {
		if levels[i].stream != 0 {
			continue
		}
		streams++
		newest := uint64(0)
		for j := i; j < len(levels); j++ {
			if l := &levels[j]; l.stream == 0 && together(&levels[i], l) {
				l.stream = streams
				newest = max(newest, l.to-1)
			}
		}
		keepRecent(levels, streams, newest)
	}
	return streams
}

// keepRecent leaves those levels out of a stream that have fewer than others of its newest chunks.
func keepRecent(levels []level, stream int, newest uint64) {
	oldest, found := newest, true
	for k := 1; k < recent && found; k++ {
		below := uint64(0)
		found = false
		for i := range levels {
			if levels[i].stream == stream {
				if n, ok := levels[i].before(oldest); ok && (!found || n > below) {
					below, found = n, true
				}
			}
		}
		if found {
			oldest = below
		}
	}
	most := 0
	for i := range levels {
		if l := &levels[i]; l.stream == stream && l.to-1 == newest {
			most = max(most, l.count(oldest))
		}
	}
	for i := range levels {
		if l := &levels[i]; l.stream == stream && (l.to-1 != newest || l.count(oldest) < most) {
			l.stream = left
		}
	}
}

// together tells whether a player may switch between two levels: one kind, codec, language, number of channels, purpose
// and timescale, and the same cuts.
func together(a, b *level) bool {
	x, y := a.media, b.media
	if x.Kind != y.Kind || FourCC(x) != FourCC(y) || manifest.Language(x) != manifest.Language(y) || x.Channels != y.Channels ||
		x.Timescale != y.Timescale || !manifest.SamePurpose(x, y) {
		return false
	}
	n := min(a.to, b.to) - 1
	r, s := a.at(n), b.at(n)
	return r.Count == 0 || s.Count == 0 || r.Start == s.Start
}

// in is the first level of a stream from i on; len(levels) where there is none.
func in(levels []level, stream, i int) int {
	for i < len(levels) && levels[i].stream != stream {
		i++
	}
	return i
}

// appendStream appends a StreamIndex with its levels and chunks.
func appendStream(dst []byte, levels []level, stream int, repeat bool) []byte {
	m := levels[in(levels, stream, 0)].media
	dst = append(dst, ` <StreamIndex Type="`...)
	dst = append(dst, m.Kind.String()...)
	dst = append(dst, '"')
	if m.Kind == media.Text {
		dst = manifest.AppendAttribute(dst, "Subtype", subtype(m))
	}
	var space [128]byte
	name := appendName(space[:0], levels, stream)
	dst = manifest.AppendAttribute(dst, "Name", string(name))
	if lang := manifest.Language(m); lang != "und" {
		dst = manifest.AppendAttribute(dst, "Language", lang)
	}
	dst = manifest.AppendNumber(dst, "TimeScale", int64(m.Timescale))
	count, width, height := 0, 0, 0
	for i := in(levels, stream, 0); i < len(levels); i = in(levels, stream, i+1) {
		count, width, height = count+1, max(width, levels[i].media.Width), max(height, levels[i].media.Height)
	}
	dst = manifest.AppendNumber(dst, "Chunks", int64(countChunks(levels, stream)))
	dst = manifest.AppendNumber(dst, "QualityLevels", int64(count))
	dst = append(dst, ` Url="QualityLevels({bitrate})/Fragments(`...)
	dst = manifest.AppendEscaped(dst, string(name))
	dst = append(dst, `={start time})"`...)
	if m.Kind == media.Video {
		dst = appendSize(appendSize(dst, width, height, false), width, height, true)
	}
	dst = append(dst, ">\n"...)
	index := 0
	for i := in(levels, stream, 0); i < len(levels); i = in(levels, stream, i+1) {
		dst = appendLevel(dst, &levels[i], index)
		index++
	}
	dst = appendChunks(dst, levels, stream, repeat)
	return append(dst, " </StreamIndex>\n"...)
}

// subtype says what text is for. Source: [MS-SSTR] 2.2.2.3.
func subtype(m *media.Track) string {
	for _, r := range m.Roles {
		if r.Scheme == manifest.RoleScheme && r.Value == "caption" {
			return "CAPT"
		}
	}
	return "SUBT"
}

func appendSize(dst []byte, width, height int, display bool) []byte {
	if width <= 0 || height <= 0 {
		return dst
	}
	names := [2]string{"MaxWidth", "MaxHeight"}
	if display {
		names = [2]string{"DisplayWidth", "DisplayHeight"}
	}
	return manifest.AppendNumber(manifest.AppendNumber(dst, names[0], int64(width)), names[1], int64(height))
}
