package mpd

import (
	"regexp"
	"strconv"
	"time"
)

var durationForm = regexp.MustCompile(`^P(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,11})(\.[0-9]{1,18})?S)?)?$`)

// Duration reads an xs:duration without years and months, which have no fixed length (DASH-IF IOP, 3.2.7.4).
func Duration(s string) (time.Duration, bool) {
	m := durationForm.FindStringSubmatch(s)
	if m == nil || s == "P" || s[len(s)-1] == 'T' {
		return 0, false
	}
	var seconds int64
	for i, unit := range []int64{86400, 3600, 60, 1} {
		if m[i+1] == "" {
			continue
		}
		n, err := strconv.ParseInt(m[i+1], 10, 64)
		if err != nil || n > 9e9/unit {
			return 0, false
		}
		seconds += n * unit
	}
	var nanos float64
	if m[5] != "" {
		nanos, _ = strconv.ParseFloat("0"+m[5], 64)
	}
	if seconds > 9e9 {
		return 0, false
	}
	return time.Duration(seconds)*time.Second + time.Duration(nanos*1e9+0.5), true
}

func date(s string) (time.Time, bool) {
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(form, s); err == nil && t.Year() >= 1970 && t.Year() < 2200 {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// integer reads an unsigned integer below 2^62; 0 for what is none: schema.go complains about that.
func integer(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 63)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func signed(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 32)
	return n
}
