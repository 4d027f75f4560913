package hls

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A multivariantPlaylist is a multivariant playlist as a strict player reads it.
type multivariantPlaylist struct {
	independent bool
	groups      map[string]map[string][]attributes // by TYPE and GROUP-ID
	variants    []attributes                       // with the URI line as URI
	keyFrames   []attributes
}

// checkMultivariant fails the test where a multivariant playlist breaks a rule of RFC 8216bis or of weir, and reads it.
func checkMultivariant(t *testing.T, b []byte) *multivariantPlaylist {
	t.Helper()
	pl, err := parseMultivariant(b)
	if err == nil {
		err = pl.check()
	}
	if err != nil {
		t.Fatalf("%v in\n%s", err, b)
	}
	return pl
}

func parseMultivariant(b []byte) (*multivariantPlaylist, error) {
	lines, err := playlistLines(b)
	if err != nil {
		return nil, err
	}
	pl := &multivariantPlaylist{groups: map[string]map[string][]attributes{"AUDIO": {}, "SUBTITLES": {}}}
	for i := 0; i < len(lines); i++ {
		tag, value, _ := strings.Cut(lines[i], ":")
		var a attributes
		switch tag {
		case "#EXT-X-INDEPENDENT-SEGMENTS":
			if pl.independent || value != "" {
				return nil, fmt.Errorf("INDEPENDENT-SEGMENTS twice or with a value")
			}
			pl.independent = true
		case "#EXT-X-MEDIA":
			if a, err = parseAttributes(value); err != nil {
				return nil, err
			}
			id, ok := a.quoted("GROUP-ID")
			if !ok || pl.groups[a["TYPE"]] == nil {
				return nil, fmt.Errorf("%s: no GROUP-ID, or unknown TYPE", lines[i])
			}
			pl.groups[a["TYPE"]][id] = append(pl.groups[a["TYPE"]][id], a)
		case "#EXT-X-STREAM-INF":
			if a, err = parseAttributes(value); err != nil {
				return nil, err
			}
			if i++; i == len(lines) {
				return nil, fmt.Errorf("%s: no URI", lines[i-1])
			}
			if err := checkURI(lines[i]); err != nil {
				return nil, err
			}
			a["URI"] = `"` + lines[i] + `"`
			if pl.variants = append(pl.variants, a); len(pl.keyFrames) > 0 {
				return nil, fmt.Errorf("%s: a variant after the I-frame variants", lines[i])
			}
		case "#EXT-X-I-FRAME-STREAM-INF":
			if a, err = parseAttributes(value); err != nil {
				return nil, err
			}
			uri, _ := a.quoted("URI")
			if err := checkURI(uri); err != nil {
				return nil, err
			}
			pl.keyFrames = append(pl.keyFrames, a)
		default:
			return nil, fmt.Errorf("%s: unknown tag, or a URI without STREAM-INF", lines[i])
		}
	}
	return pl, nil
}

var (
	quotedString = regexp.MustCompile(`^"[^"]+"$`)
	integer      = regexp.MustCompile(`^[1-9][0-9]*$`)
	resolution   = regexp.MustCompile(`^[1-9][0-9]*x[1-9][0-9]*$`)
	rate         = regexp.MustCompile(`^[0-9]+\.[0-9]{3}$`)
	yesNo        = regexp.MustCompile(`^(YES|NO)$`)
	anything     = regexp.MustCompile(`.`)
)

var variantForm = map[string]*regexp.Regexp{
	"BANDWIDTH": integer, "AVERAGE-BANDWIDTH": integer, "CODECS": quotedString, "RESOLUTION": resolution,
	"FRAME-RATE": rate, "AUDIO": quotedString, "SUBTITLES": quotedString, "URI": quotedString,
}

var mediaForm = map[string]*regexp.Regexp{
	"TYPE": anything, "GROUP-ID": quotedString, "NAME": quotedString, "LANGUAGE": quotedString, "DEFAULT": yesNo,
	"AUTOSELECT": yesNo, "FORCED": yesNo, "CHARACTERISTICS": quotedString, "CHANNELS": quotedString, "URI": quotedString,
}

// form checks the attributes' types, and that all required ones are there.
func (a attributes) form(forms map[string]*regexp.Regexp, required ...string) error {
	for name, value := range a {
		if f := forms[name]; f == nil || !f.MatchString(value) {
			return fmt.Errorf("attribute %s=%s is unknown or of a wrong type", name, value)
		}
	}
	for _, name := range required {
		if a[name] == "" {
			return fmt.Errorf("%v: no %s", a, name)
		}
	}
	return nil
}

func (pl *multivariantPlaylist) check() error {
	used, uris := map[string]bool{}, map[string]bool{}
	for i, v := range pl.variants {
		if err := v.form(variantForm, "BANDWIDTH", "AVERAGE-BANDWIDTH", "CODECS", "URI"); err != nil {
			return err
		}
		if strings.Contains(v["CODECS"], "avc1") && (v["RESOLUTION"] == "" || v["FRAME-RATE"] == "") {
			return fmt.Errorf("%v: video without RESOLUTION and FRAME-RATE", v)
		}
		var bandwidth, average int
		fmt.Sscan(v["BANDWIDTH"]+" "+v["AVERAGE-BANDWIDTH"], &bandwidth, &average)
		if average > bandwidth {
			return fmt.Errorf("%v: the average is above the peak", v)
		}
		codecs, _ := v.quoted("CODECS")
		for _, kind := range []string{"AUDIO", "SUBTITLES"} {
			id, ok := v.quoted(kind)
			if !ok {
				continue
			}
			if pl.groups[kind][id] == nil {
				return fmt.Errorf("%v: no group %s", v, id)
			}
			used[kind+id] = true
		}
		if list := strings.Split(codecs, ","); slices.Contains(list, "") || len(slices.Compact(slices.Sorted(slices.Values(list)))) != len(list) {
			return fmt.Errorf("%v: codecs are empty or twice", v)
		}
		if key := v["URI"] + v["AUDIO"]; uris[key] {
			return fmt.Errorf("variant %d says again what another says", i)
		} else {
			uris[key] = true
		}
	}
	if err := pl.checkKeyFrames(); err != nil {
		return err
	}
	for kind, groups := range pl.groups {
		var shape []string
		for id, members := range groups {
			if !used[kind+id] {
				return fmt.Errorf("group %s is not used", id)
			}
			s, err := checkGroup(kind, members)
			if err != nil {
				return err
			}
			if shape != nil && !slices.Equal(shape, s) {
				return fmt.Errorf("groups differ: %v, %v", shape, s)
			}
			shape = s
		}
	}
	return nil
}

var keyFrameForm = map[string]*regexp.Regexp{
	"BANDWIDTH": integer, "CODECS": quotedString, "RESOLUTION": resolution, "URI": quotedString,
}

// checkKeyFrames compares the I-frame variants with the others: each says what its track's own variant says of the picture,
// asks for no more, and leads to the I-frame playlist beside that one's.
func (pl *multivariantPlaylist) checkKeyFrames() error {
	seen, last := map[string]bool{}, 0
	for _, v := range pl.keyFrames {
		if err := v.form(keyFrameForm, "BANDWIDTH", "CODECS", "RESOLUTION", "URI"); err != nil {
			return err
		}
		uri, _ := v.quoted("URI")
		main, ok := strings.CutSuffix(uri, ",type=keyframes).m3u8")
		if !ok || seen[uri] {
			return fmt.Errorf("%v: no I-frame playlist, or twice", v)
		}
		seen[uri] = true
		i := slices.IndexFunc(pl.variants, func(a attributes) bool { return a["URI"] == `"`+main+`).m3u8"` })
		if i < 0 {
			return fmt.Errorf("%v: no variant has this track", v)
		}
		codec, _ := v.quoted("CODECS")
		var bandwidth, whole int
		fmt.Sscan(v["BANDWIDTH"]+" "+pl.variants[i]["BANDWIDTH"], &bandwidth, &whole)
		if !strings.HasPrefix(pl.variants[i]["CODECS"], `"`+codec) || v["RESOLUTION"] != pl.variants[i]["RESOLUTION"] || bandwidth > whole || bandwidth < last {
			return fmt.Errorf("%v beside %v", v, pl.variants[i])
		}
		last = bandwidth
	}
	for _, v := range pl.variants {
		uri, _ := v.quoted("URI")
		if v["RESOLUTION"] != "" && len(pl.keyFrames) > 0 && !seen[strings.TrimSuffix(uri, ").m3u8")+",type=keyframes).m3u8"] {
			return fmt.Errorf("%v: no I-frame variant", v)
		}
	}
	return nil
}

// checkGroup returns what must be equal in all groups of a kind, in order of the members.
func checkGroup(kind string, members []attributes) (shape []string, err error) {
	names, selectable := map[string]bool{}, map[string]bool{}
	defaults := 0
	for _, m := range members {
		if err := m.form(mediaForm, "TYPE", "GROUP-ID", "NAME", "LANGUAGE", "DEFAULT", "AUTOSELECT", "URI"); err != nil {
			return nil, err
		}
		if names[m["NAME"]] {
			return nil, fmt.Errorf("%v: the name stands twice in the group", m)
		}
		names[m["NAME"]] = true
		if m["DEFAULT"] == "YES" {
			defaults++
			if m["AUTOSELECT"] != "YES" {
				return nil, fmt.Errorf("%v: DEFAULT without AUTOSELECT", m)
			}
		}
		key := strings.Join([]string{m["LANGUAGE"], m["FORCED"], m["CHARACTERISTICS"]}, "|")
		if m["AUTOSELECT"] == "YES" {
			if selectable[key] {
				return nil, fmt.Errorf("%v: nothing tells a player which of two to select", m)
			}
			selectable[key] = true
		}
		if kind != "SUBTITLES" && m["FORCED"] != "" {
			return nil, fmt.Errorf("%v: FORCED is for subtitles", m)
		}
		uri, _ := m.quoted("URI")
		if err := checkURI(uri); err != nil {
			return nil, err
		}
		shape = append(shape, m["NAME"]+key+m["DEFAULT"]+m["AUTOSELECT"])
	}
	if want := map[string]int{"AUDIO": 1, "SUBTITLES": 0}[kind]; defaults != want {
		return nil, fmt.Errorf("%v: %d defaults, want %d", members, defaults, want)
	}
	return shape, nil
}
