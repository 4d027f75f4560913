package hls

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	control    = regexp.MustCompile(`^CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=([0-9]+)\.0,PART-HOLD-BACK=([0-9]+\.[0-9]{6}),HOLD-BACK=([0-9]+)\.0$`)
	partForm   = regexp.MustCompile(`^DURATION=([0-9]+\.[0-9]{6}),URI="([^"]+)"(,INDEPENDENT=YES)?$`)
	partLine   = regexp.MustCompile(`DURATION=([0-9]+\.[0-9]{6}),`)
	hintForm   = regexp.MustCompile(`^TYPE=(PART|MAP),URI="([^"]+)"$`)
	reportForm = regexp.MustCompile(`^URI="(\.\./[^"]+)",LAST-MSN=([0-9]+)(?:,LAST-PART=([0-9]+))?$`)
)

// part reads an EXT-X-PART: after the tags of its segment, and not longer than they are to be.
func (pl *mediaPlaylist) part(value string, s *segment, late bool) error {
	m := partForm.FindStringSubmatch(value)
	switch {
	case m == nil || checkURI(m[2]) != nil:
		return fmt.Errorf("EXT-X-PART:%s is malformed", value)
	case pl.partTarget == "" || late || s.gap || s.at.IsZero() || s.init == "":
		return fmt.Errorf("EXT-X-PART:%s is not between its segment's time and GAP", value)
	case number(m[1]) <= 0:
		return fmt.Errorf("EXT-X-PART:%s lasts nothing", value)
	}
	pl.longest = max(pl.longest, number(m[1]))
	s.parts += value + "\n"
	return nil
}

func (pl *mediaPlaylist) hinted(value string) error {
	m := hintForm.FindStringSubmatch(value)
	if m == nil || checkURI(m[2]) != nil || len(pl.reports) > 0 || pl.hint != "" || m[1] == "MAP" && pl.mapHint != "" {
		return fmt.Errorf("EXT-X-PRELOAD-HINT:%s is malformed, twice, or after a report", value)
	}
	if m[1] == "MAP" {
		pl.mapHint = m[2]
	} else {
		pl.hint = m[2]
	}
	return nil
}

func (pl *mediaPlaylist) reported(value string) error {
	m := reportForm.FindStringSubmatch(value)
	if m == nil || checkURI(m[1]) != nil {
		return fmt.Errorf("EXT-X-RENDITION-REPORT:%s is malformed", value)
	}
	r := report{uri: m[1], part: -1}
	r.msn, _ = strconv.ParseInt(m[2], 10, 64)
	if m[3] != "" {
		r.part, _ = strconv.ParseInt(m[3], 10, 64)
	}
	for _, o := range pl.reports {
		if o.uri == r.uri {
			return fmt.Errorf("EXT-X-RENDITION-REPORT:%s stands twice", value)
		}
	}
	pl.reports = append(pl.reports, r)
	return nil
}

// checkControl checks what stands at the head of a playlist of low latency.
func (pl *mediaPlaylist) checkControl() error {
	m := control.FindStringSubmatch(pl.control)
	if m == nil {
		return fmt.Errorf("SERVER-CONTROL:%s is malformed", pl.control)
	}
	if target := float64(pl.target); number(m[1]) < 6*target || number(m[3]) < 3*target || number(m[2]) < 3*number(pl.partTarget)-1e-9 {
		return fmt.Errorf("SERVER-CONTROL:%s of TARGETDURATION %d and PART-TARGET %s", pl.control, pl.target, pl.partTarget)
	}
	return nil
}

func number(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return v
}

// partsTotal is how long parts last.
func partsTotal(parts string) (sum float64) {
	for _, m := range partLine.FindAllStringSubmatch(parts, -1) {
		sum += number(m[1])
	}
	return sum
}

// partURIs are the names of parts.
func partURIs(parts string) (uris []string) {
	for l := range strings.Lines(parts) {
		uris = append(uris, partForm.FindStringSubmatch(strings.TrimSuffix(l, "\n"))[2])
	}
	return uris
}
