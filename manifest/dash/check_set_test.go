package dash

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

var (
	frameRate = regexp.MustCompile(`^[1-9][0-9]*(/[1-9][0-9]*)?$`)
	xsLang    = regexp.MustCompile(`^[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*$`)
	plainPath = regexp.MustCompile(`^(?:[A-Za-z0-9._~()=/-]|%[0-9A-F]{2})+$`)
)

func (a *set) check() error {
	mimes := map[string]string{"video": "video/mp4", "audio": "audio/mp4", "text": "application/mp4"}
	if a.MimeType == "" || a.MimeType != mimes[a.ContentType] || a.SegmentAlignment != "true" {
		return fmt.Errorf("%s as %s, segmentAlignment %q", a.ContentType, a.MimeType, a.SegmentAlignment)
	}
	if len(a.Representations) == 0 {
		return fmt.Errorf("no Representation")
	}
	if a.Lang == "" && a.ContentType != "video" || a.Lang != "" && !xsLang.MatchString(a.Lang) {
		return fmt.Errorf("lang %q", a.Lang)
	}
	if len(a.Channels) > 1 || len(a.Channels) > 0 && a.ContentType != "audio" {
		return fmt.Errorf("AudioChannelConfiguration %v", a.Channels)
	}
	for _, d := range slices.Concat(a.Roles, a.Accessibility) {
		if d.Scheme == "" {
			return fmt.Errorf("descriptor without scheme")
		}
	}
	for i := range a.Representations {
		r := &a.Representations[i]
		if r.Codecs == "" || r.Bandwidth < 1 || strings.ContainsAny(r.ID, " \t\n") || r.ID == "" {
			return fmt.Errorf("Representation %+v lacks what it must have", r)
		}
		if a.ContentType == "video" {
			if r.Width < 1 || r.Width > a.MaxWidth || r.Height < 1 || r.Height > a.MaxHeight || r.SAR != "1:1" || !frameRate.MatchString(r.FrameRate) {
				return fmt.Errorf("picture of Representation %+v", r)
			}
		}
		if a.ContentType == "audio" && r.AudioSamplingRate == "" {
			return fmt.Errorf("Representation %s without audioSamplingRate", r.ID)
		}
	}
	return nil
}

// checkTrick compares a set of key frames with the one that it belongs to, which stands before it: the same pictures at the
// same times by other names, and no Role of its own.
func (a *set) checkTrick(before []set) error {
	e := a.Essential[0]
	if len(a.Essential) != 1 || e.Scheme != "http://dashif.org/guidelines/trickmode" || a.ContentType != "video" ||
		a.MaxPlayoutRate < 2 || a.CodingDependency != "false" || a.StartWithSAP != "1" || len(a.Roles)+len(a.Accessibility) > 0 {
		return fmt.Errorf("trick mode %+v", a)
	}
	i := slices.IndexFunc(before, func(o set) bool { return fmt.Sprint(o.ID) == e.Value && len(o.Essential) == 0 })
	if i < 0 || len(before[i].Representations) != len(a.Representations) {
		return fmt.Errorf("the trick mode of set %s, which is not there or has other Representations", e.Value)
	}
	for j, r := range a.Representations {
		main := before[i].Representations[j]
		main.Template.Media = strings.Replace(main.Template.Media, "/Fragments(", "/KeyFrames(", 1)
		main.ID += "_k"
		main.Resync = nil
		main.Template.S = r.Template.S // less what is foreseen
		main.FrameRate = r.FrameRate
		if !reflect.DeepEqual(main, r) {
			return fmt.Errorf("key frames %+v of %+v", r, main)
		}
	}
	return nil
}

// check checks a Representation in a Period that starts at the given second, and returns where its last segment ends.
func (r *representation) check(m *mpd, periodStart float64) (end float64, err error) {
	t := &r.Template
	if t.Timescale < 1 || !plainPath.MatchString(t.Initialization) || t.Initialization[0] == '/' {
		return 0, fmt.Errorf("template %+v", t)
	}
	if (t.Duration > 0) != (len(t.S) == 0) || (t.Duration > 0) != (t.StartNumber > 0) {
		return 0, fmt.Errorf("neither by number nor by time, or both: %+v", t)
	}
	name := "$Time$"
	if t.Duration > 0 {
		name = "$Number$"
	}
	before, after, ok := strings.Cut(t.Media, name)
	if !ok || !plainPath.MatchString(before+after) || t.Media[0] == '/' {
		return 0, fmt.Errorf("media %q", t.Media)
	}
	// Period continuity: the offset is the Period's start, to less than a tick (and float64's own 0.3 µs).
	if off := periodStart - float64(t.Offset)/float64(t.Timescale); off < -1e-6 || off > 1/float64(t.Timescale)+1e-6 {
		return 0, fmt.Errorf("presentationTimeOffset is %v s off the Period's start", off)
	}
	if t.Duration > 0 {
		return periodStart, nil
	}
	spans, err := r.spans()
	if err != nil {
		return 0, err
	}
	for _, sp := range spans {
		if sp.start < t.Offset {
			return 0, fmt.Errorf("segment at %d is before its Period", sp.start)
		}
		if d := float64(sp.duration) / float64(t.Timescale); d > seconds(m.MaxSegmentDuration) {
			return 0, fmt.Errorf("segment of %v s is longer than maxSegmentDuration", d)
		}
	}
	last := spans[len(spans)-1]
	return float64(last.start+last.duration) / float64(t.Timescale), nil
}

// spans expands the timeline: S arithmetic without overlap, @t where the schema wants it and only there, runs merged.
func (r *representation) spans() ([]span, error) {
	var spans []span
	var end int64
	for i, e := range r.Template.S {
		if e.D <= 0 || e.R < 0 {
			return nil, fmt.Errorf("S %+v", e)
		}
		switch {
		case e.T == nil && i == 0:
			return nil, fmt.Errorf("the first S has no t")
		case e.T != nil && i > 0 && *e.T == end:
			return nil, fmt.Errorf("t=%d says what is known", *e.T)
		case e.T != nil && *e.T < end:
			return nil, fmt.Errorf("t=%d overlaps, for the segment before ends at %d", *e.T, end)
		case e.T == nil && r.Template.S[i-1].D == e.D:
			return nil, fmt.Errorf("two S of d=%d follow each other: say r", e.D)
		}
		if e.T != nil {
			end = *e.T
		}
		for range e.R + 1 {
			spans = append(spans, span{end, e.D})
			end += e.D
		}
	}
	if len(spans) == 0 {
		return nil, fmt.Errorf("the timeline is empty")
	}
	return spans, nil
}
