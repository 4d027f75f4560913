package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/bench/check/m3u8"
	"weir/media"
)

// syntax reports what the parser found, and counts the assertions that it tests.
func (p *presentation) syntax(list *m3u8.Playlist, at place, assertions ...int) {
	found := map[int]bool{}
	for _, f := range list.Faults {
		found[f.Assertion] = true
		p.judge.fail(f.Assertion, place{at.subject, at.url, fmt.Sprintf("line %d", f.Line)}, f.Said, f.True)
	}
	for _, n := range assertions {
		if !found[n] {
			p.judge.test(n, true, at, "", "")
		}
	}
	at.at = "EXT-X-VERSION"
	declared := max(1, list.Version)
	need := max(1, list.Needs)
	p.judge.test(2, declared >= need, at, strconv.Itoa(declared), fmt.Sprintf("%d is needed for %s", need, list.Why))
}

// judgeMultivariant judges a multivariant playlist, and adds the playlists that it names.
func (h *hls) judgeMultivariant(list *m3u8.Playlist, at place) {
	h.syntax(list, at, 1, 11, 12)
	used := map[string]bool{}
	for i := range list.Variants {
		v := &list.Variants[i]
		at.at = fmt.Sprintf("line %d", v.Line)
		if v.IFrame {
			h.judgeIFrameVariant(v, at)
		} else {
			h.judgeVariant(list, v, at, used)
		}
		if v.URI != "" {
			l := h.add(resolve(at.url, v.URI), v.Line, v.IFrame, "")
			if l != nil && l.peak == 0 {
				l.peak, l.average = integer(v.Attributes.Get("BANDWIDTH")), integer(v.Attributes.Get("AVERAGE-BANDWIDTH"))
			}
		}
	}
	h.judgeRenditions(list, at, used)
	h.judgeAll(list, at)
}

func integer(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 63)
	return n
}

func (h *hls) judgeVariant(list *m3u8.Playlist, v *m3u8.Variant, at place, used map[string]bool) {
	a := v.Attributes
	for _, name := range []string{"BANDWIDTH", "AVERAGE-BANDWIDTH", "CODECS"} {
		_, ok := a.Find(name)
		h.judge.test(3, ok, at, "no "+name, "a variant has BANDWIDTH, AVERAGE-BANDWIDTH and CODECS")
	}
	if peak, average := integer(a.Get("BANDWIDTH")), integer(a.Get("AVERAGE-BANDWIDTH")); average > 0 {
		h.judge.test(3, average <= peak, at, fmt.Sprintf("AVERAGE-BANDWIDTH=%d", average), fmt.Sprintf("at most BANDWIDTH, which is %d", peak))
	}
	if hasVideo(a.Get("CODECS")) {
		for _, name := range []string{"RESOLUTION", "FRAME-RATE"} {
			_, ok := a.Find(name)
			h.judge.test(3, ok, at, "no "+name, "a variant with video has RESOLUTION and FRAME-RATE")
		}
	}
	for _, kind := range []string{"AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"} {
		id, ok := a.Find(kind)
		if !ok || kind == "CLOSED-CAPTIONS" && id == "NONE" {
			continue
		}
		used[kind+" "+id] = true
		exists := slices.ContainsFunc(list.Renditions, func(r m3u8.Rendition) bool {
			return r.Attributes.Get("TYPE") == kind && r.Attributes.Get("GROUP-ID") == id
		})
		h.judge.test(5, exists, at, fmt.Sprintf("%s=%q", kind, id), "an EXT-X-MEDIA of that type has this GROUP-ID")
	}
}

func hasVideo(codecs string) bool {
	for c := range strings.SplitSeq(codecs, ",") {
		entry, _, _ := strings.Cut(strings.TrimSpace(c), ".")
		switch entry {
		case "avc1", "avc3", "hvc1", "hev1", "vp09", "av01", "dvh1", "dvhe", "vvc1":
			return true
		}
	}
	return false
}

func (h *hls) judgeIFrameVariant(v *m3u8.Variant, at place) {
	for _, name := range []string{"URI", "BANDWIDTH", "CODECS", "RESOLUTION"} {
		_, ok := v.Attributes.Find(name)
		h.judge.test(10, ok, at, "no "+name, "EXT-X-I-FRAME-STREAM-INF has URI, BANDWIDTH, CODECS and RESOLUTION")
	}
}

func (h *hls) judgeRenditions(list *m3u8.Playlist, at place, used map[string]bool) {
	defaults, names := map[string]int{}, map[string]int{}
	for i := range list.Renditions {
		r := &list.Renditions[i]
		a := r.Attributes
		at.at = fmt.Sprintf("line %d", r.Line)
		kind, group := a.Get("TYPE"), a.Get("GROUP-ID")
		h.judge.test(6, slices.Contains([]string{"AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"}, kind), at, "TYPE="+kind, "AUDIO, VIDEO, SUBTITLES or CLOSED-CAPTIONS")
		h.judge.test(6, group != "" && a.Get("NAME") != "", at, fmt.Sprintf("GROUP-ID=%q, NAME=%q", group, a.Get("NAME")), "both are there")
		if kind != "VIDEO" {
			h.judge.test(3, a.Get("LANGUAGE") != "", at, "no LANGUAGE", "every rendition but VIDEO has one")
		}
		h.judge.test(5, used[kind+" "+group], at, fmt.Sprintf("GROUP-ID=%q of type %s", group, kind), "a variant references the group")
		if a.Get("DEFAULT") == "YES" {
			defaults[kind+group]++
			h.judge.test(6, a.Get("AUTOSELECT") != "NO", at, "DEFAULT=YES,AUTOSELECT=NO", "DEFAULT=YES implies AUTOSELECT=YES")
			h.judge.test(6, defaults[kind+group] == 1, at, "a second DEFAULT=YES in the group", "one at most")
		}
		names[kind+group+a.Get("NAME")]++
		h.judge.test(6, names[kind+group+a.Get("NAME")] == 1, at, fmt.Sprintf("NAME=%q again", a.Get("NAME")), "names are unique in a group")
		uri := a.Get("URI")
		if kind == "CLOSED-CAPTIONS" {
			h.judge.test(7, a.Get("INSTREAM-ID") != "" && uri == "", at, fmt.Sprintf("INSTREAM-ID=%q, URI=%q", a.Get("INSTREAM-ID"), uri), "INSTREAM-ID, and no URI")
		}
		if kind == "SUBTITLES" {
			h.judge.test(6, uri != "", at, "no URI", "subtitles have a playlist")
		}
		if uri != "" {
			h.add(resolve(at.url, uri), r.Line, false, group)
		}
	}
}

// judgeAll judges what must be alike in all variants.
func (h *hls) judgeAll(list *m3u8.Playlist, at place) {
	var scored, silent, total int
	for i := range list.Variants {
		v := &list.Variants[i]
		if v.IFrame {
			continue
		}
		total++
		if _, ok := v.Attributes.Find("SCORE"); ok {
			scored++
		}
		if v.Attributes.Get("CLOSED-CAPTIONS") == "NONE" {
			silent++
		}
	}
	at.at = "EXT-X-STREAM-INF"
	h.judge.test(9, scored == 0 || scored == total, at, fmt.Sprintf("SCORE on %d of %d", scored, total), "on all variants or none")
	h.judge.test(7, silent == 0 || silent == total, at, fmt.Sprintf("CLOSED-CAPTIONS=NONE on %d of %d", silent, total), "on all variants or none")
}

// judgeTogether judges what the multivariant playlist says against the init segments, once each playlist has been read.
func (h *hls) judgeTogether() {
	if h.multivariant == nil {
		return
	}
	byURL := map[string]*hlsList{}
	anyHDR, independent := false, h.multivariant.Independent
	for _, l := range h.lists {
		byURL[l.url] = l
		l.mu.Lock()
		if l.init != nil && l.init.Kind == media.Video && l.init.Color != "SDR" {
			anyHDR = true
		}
		l.mu.Unlock()
		if p := l.list(); p != nil && p.Independent {
			independent = true
		}
	}
	at := h.place("multivariant", h.base, "EXT-X-INDEPENDENT-SEGMENTS")
	h.judge.test(9, independent || !h.alwaysSync(), at, "not there", "all segments that were read start with a sync sample")
	for i := range h.multivariant.Variants {
		v := &h.multivariant.Variants[i]
		at := h.place("multivariant", h.base, fmt.Sprintf("line %d", v.Line))
		l := byURL[resolve(h.base, v.URI)]
		if l == nil {
			continue
		}
		if p := l.list(); v.IFrame && p != nil {
			h.judge.test(10, p.IFramesOnly, at, "no EXT-X-I-FRAMES-ONLY in "+l.subject, "an I-frame playlist has it")
		}
		h.judgeCodecs(v, l, byURL, at)
		h.judgePicture(v, l, anyHDR, at)
	}
}

// list is the newest version of a playlist.
func (l *hlsList) list() *m3u8.Playlist {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.playlist
}

// judgeCodecs compares CODECS with what the init segments of the variant and its groups say.
func (h *hls) judgeCodecs(v *m3u8.Variant, l *hlsList, byURL map[string]*hlsList, at place) {
	var want []string
	add := func(l *hlsList) bool {
		if l == nil {
			return false
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.init == nil {
			return false
		}
		for i := range l.init.Tracks {
			if c := l.init.Tracks[i].Codec; !slices.Contains(want, c) {
				want = append(want, c)
			}
		}
		return true
	}
	if !add(l) {
		return
	}
	for i := range h.multivariant.Renditions {
		r := h.multivariant.Renditions[i].Attributes
		uri := r.Get("URI")
		if v.IFrame || uri == "" || v.Attributes.Get(r.Get("TYPE")) != r.Get("GROUP-ID") {
			continue
		}
		if !add(byURL[resolve(h.base, uri)]) {
			return // one that could not be read
		}
	}
	var got []string
	for c := range strings.SplitSeq(v.Attributes.Get("CODECS"), ",") {
		if c = strings.TrimSpace(c); c != "" {
			got = append(got, c)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	h.judge.test(4, slices.EqualFunc(got, want, sameCodec), at, fmt.Sprintf("CODECS=%q", strings.Join(got, ",")), fmt.Sprintf("the init segments say %s", strings.Join(want, ",")))
}

// sameCodec compares codec strings; hexadecimal digits may be of either case.
func sameCodec(a, b string) bool { return strings.EqualFold(a, b) }

// judgePicture compares RESOLUTION, FRAME-RATE and VIDEO-RANGE with the init segment.
func (h *hls) judgePicture(v *m3u8.Variant, l *hlsList, anyHDR bool, at place) {
	l.mu.Lock()
	in := l.init
	l.mu.Unlock()
	if in == nil || in.Kind != media.Video {
		return
	}
	if r := v.Attributes.Get("RESOLUTION"); r != "" && in.Width > 0 {
		want := fmt.Sprintf("%dx%d", in.Width, in.Height)
		h.judge.test(4, r == want, at, "RESOLUTION="+r, "the init segment says "+want)
	}
	if r := v.Attributes.Get("FRAME-RATE"); r != "" && in.FrameRate.Den > 0 {
		f, _ := strconv.ParseFloat(r, 64)
		want := float64(in.FrameRate.Num) / float64(in.FrameRate.Den)
		h.judge.test(4, f > want-0.01 && f < want+0.01, at, "FRAME-RATE="+r, fmt.Sprintf("the init segment says %.3f", want))
	}
	got := v.Attributes.Get("VIDEO-RANGE")
	if anyHDR || got != "" {
		h.judge.test(8, got == in.Color || got == "" && in.Color == "SDR" && !anyHDR, at, "VIDEO-RANGE="+got, "the init segment says "+in.Color)
	}
}

// judgeBitrates compares what was read with AVERAGE-BANDWIDTH, where it was long enough to say.
func (h *hls) judgeBitrates() {
	for _, l := range h.lists {
		if l.average > 0 && l.length > 20*time.Second && l.group == "" && !l.iframes {
			got := float64(l.bits) / l.length.Seconds()
			h.judge.test(74, got <= 1.1*float64(l.average), h.place(l.subject, l.url, ""), fmt.Sprintf("AVERAGE-BANDWIDTH=%d", l.average), fmt.Sprintf("%.0f bit/s over %v", got, l.length.Round(time.Second)))
		}
	}
}

// alwaysSync reports whether each segment that was read began with a sync sample.
func (h *hls) alwaysSync() bool {
	for _, l := range h.lists {
		l.mu.Lock()
		bad := l.unsynced || l.init == nil
		l.mu.Unlock()
		if bad {
			return false
		}
	}
	return true
}
