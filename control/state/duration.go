package state

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// A Duration is a length of time that reads and writes as the API writes it, ISO 8601: PT2S, PT1H30M, P1DT1H.
type Duration time.Duration

var isoDuration = regexp.MustCompile(`^P(?:(\d{1,5})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(\.\d{1,9})?S)?)?$`)

// UnmarshalText reads days, hours, minutes and seconds; the empty text is 0, as the API has it. Years and months have no
// fixed length and are refused.
func (d *Duration) UnmarshalText(text []byte) error {
	*d = 0
	if len(text) == 0 {
		return nil
	}
	m := isoDuration.FindStringSubmatch(string(text))
	if m == nil || len(text) < 3 || text[len(text)-1] == 'T' {
		return fmt.Errorf("%q is no ISO 8601 duration, such as PT2S", text)
	}
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		n, _ := strconv.ParseInt("0"+m[i+1], 10, 64) // digits only, so few that nothing overflows
		*d += Duration(n) * Duration(unit)
	}
	if m[5] != "" {
		n, _ := strconv.ParseInt((m[5][1:] + "000000000")[:9], 10, 64)
		*d += Duration(n)
	}
	return nil
}

// MarshalText writes seconds: PT2S, PT0.96S.
func (d Duration) MarshalText() ([]byte, error) {
	return []byte("PT" + strconv.FormatFloat(time.Duration(d).Seconds(), 'f', -1, 64) + "S"), nil
}
