package dash

import (
	"strconv"

	"weir/manifest"
	"weir/media"
)

// appendRepresentation appends a track with its SegmentTemplate. The template stands here and not on the set because
// the names of tracks differ.
func appendRepresentation(dst []byte, pd *period, t *manifest.Track, m *media.Track) []byte {
	dst = append(dst, `   <Representation id="`...)
	dst = manifest.AppendEscaped(dst, t.Name)
	dst = append(dst, '_')
	dst = strconv.AppendInt(dst, t.ID, 10)
	dst = append(dst, '"')
	if m.Codec != "" {
		dst = manifest.AppendAttribute(dst, "codecs", m.Codec)
	}
	dst = manifest.AppendNumber(dst, "bandwidth", bandwidth(t))
	switch m.Kind {
	case media.Video:
		dst = appendSize(dst, "width", m.Width, "height", m.Height)
		dst = appendFrameRate(dst, m.FrameRate)
		dst = append(dst, ` sar="1:1"`...) // media.Track's dimensions are as shown
	case media.Audio:
		if m.SampleRate > 0 {
			dst = manifest.AppendNumber(dst, "audioSamplingRate", int64(m.SampleRate))
		}
	}
	dst = append(dst, ">\n"...)
	dst = appendResync(dst, pd, m)
	if pd.numbered {
		dst = appendNumbers(dst, pd, t, m)
	} else {
		dst = appendTemplate(dst, pd, t, m, pd.foreseen, manifest.AppendTimeTemplate)
	}
	return append(dst, "   </Representation>\n"...)
}

// bandwidth is the peak that a track states, else its nominal bitrate.
func bandwidth(t *manifest.Track) int64 {
	if t.Bandwidth > 0 {
		return int64(t.Bandwidth)
	}
	return max(1, t.ID)
}

func appendFrameRate(dst []byte, r media.Ratio) []byte {
	if r.Num == 0 || r.Den == 0 {
		return dst
	}
	d := gcd(int64(r.Num), int64(r.Den))
	dst = append(dst, ` frameRate="`...)
	dst = strconv.AppendInt(dst, int64(r.Num)/d, 10)
	if den := int64(r.Den) / d; den != 1 {
		dst = append(dst, '/')
		dst = strconv.AppendInt(dst, den, 10)
	}
	return append(dst, '"')
}

// appendTemplate appends the SegmentTemplate with its SegmentTimeline, up to the number foreseen; name appends the name of a
// segment by time.
func appendTemplate(
	dst []byte, pd *period, t *manifest.Track, m *media.Track, foreseen uint64, name func(dst []byte, track string) []byte,
) []byte {
	dst = append(dst, `    <SegmentTemplate`...)
	dst = manifest.AppendNumber(dst, "timescale", int64(m.Timescale))
	dst = manifest.AppendNumber(dst, "presentationTimeOffset", pd.offset(m.Timescale))
	dst = pd.low.appendOffset(dst)
	dst = appendNames(dst, t, m, name)
	dst = append(dst, "\">\n     <SegmentTimeline>\n"...)
	dst = appendTimeline(dst, pd, t, foreseen)
	return append(dst, "     </SegmentTimeline>\n    </SegmentTemplate>\n"...)
}

// appendNames appends the names of the init segment and of media segments, without the last quote.
func appendNames(dst []byte, t *manifest.Track, m *media.Track, name func(dst []byte, track string) []byte) []byte {
	dst = append(dst, ` initialization="`...)
	dst = manifest.AppendQuality(dst, t.ID)
	dst = manifest.AppendInit(dst, t.Name, m.InitHash)
	dst = append(dst, `" media="`...)
	dst = manifest.AppendQuality(dst, t.ID)
	return name(dst, t.Name)
}

// appendTimeline appends the S elements of a track: equal neighbours as one with @r, and @t at the start and after every
// hole. GAPs are not listed: a player that asked for one would get 404. (dash.js 5.2.1 does not ask for what follows a
// hole that opened while it played, until something seeks: origin/page/static/hole.js does. To stretch the @d of the
// segment before the hole would lead it over, but an @d that was published does not change.) What is foreseen follows
// where nothing is missing right before it.
func appendTimeline(dst []byte, pd *period, t *manifest.Track, foreseen uint64) []byte {
	var s timeline
	listed := uint64(0)
	for i := range t.Runs {
		if r := pd.cut(&t.Runs[i]); r.Count > 0 {
			dst = s.add(dst, r.Start, r.Duration, r.Count)
			listed = r.End()
		}
	}
	if grid := t.Grid(pd.generation.Ordinal); grid != nil && listed == pd.limit {
		dst = pd.foresee(dst, &s, grid, foreseen)
	}
	if !s.begun {
		kept := pd.kept(t)
		dst = s.add(dst, kept.Start, kept.Duration, kept.Count)
	}
	return s.flush(dst)
}

// A timeline is the S element that is being gathered.
type timeline struct {
	start    int64 // of the element
	duration int64 // of each of its segments
	count    int   // segments gathered; 0: none
	jump     bool  // the element does not start where the one before it ended, so it says @t
	end      int64 // where the last segment ends
	begun    bool
}

// add takes count segments of equal duration from start on, and appends the element before them where they open a new one.
func (s *timeline) add(dst []byte, start, duration int64, count int) []byte {
	if s.count > 0 && start == s.end && duration == s.duration {
		s.count += count
	} else {
		dst = s.flush(dst)
		s.start, s.duration, s.count = start, duration, count
		s.jump = !s.begun || start != s.end
	}
	s.begun = true
	s.end = start + int64(count)*duration
	return dst
}

// flush appends the gathered element.
func (s *timeline) flush(dst []byte) []byte {
	if s.count == 0 {
		return dst
	}
	dst = append(dst, `      <S`...)
	if s.jump {
		dst = manifest.AppendNumber(dst, "t", s.start)
	}
	dst = manifest.AppendNumber(dst, "d", s.duration)
	if s.count > 1 {
		dst = manifest.AppendNumber(dst, "r", int64(s.count-1))
	}
	s.count = 0
	return append(dst, "/>\n"...)
}
