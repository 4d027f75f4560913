package manifest

import (
	"strconv"
	"time"
)

// Floor says ticks of a timescale in another one (1000 for milliseconds), rounded down, also below 0. It does not
// overflow for times since the Unix epoch; a timescale of 0 gives 0.
func Floor(ticks int64, timescale, units uint32) int64 {
	return scale(ticks, timescale, units, 0)
}

// Nearest says ticks of a timescale in another one, rounded to the nearest, halves up; otherwise as Floor.
func Nearest(ticks int64, timescale, units uint32) int64 {
	return scale(ticks, timescale, units, int64(timescale)/2)
}

// scale returns floor((ticks*to + round) / from) without forming ticks*to.
func scale(ticks int64, from, to uint32, round int64) int64 {
	if from == 0 {
		return 0
	}
	whole, rest := ticks/int64(from), ticks%int64(from)
	if rest < 0 {
		whole, rest = whole-1, rest+int64(from)
	}
	// rest and to are below 2^32 and round is at most 2^31: unsigned, the sum fits.
	return whole*int64(to) + int64((uint64(rest)*uint64(to)+uint64(round))/uint64(from))
}

// AppendDateTime appends milliseconds since the Unix epoch as 2026-11-22T09:00:11.520Z. It writes one per segment, so it
// does without the layouts of package time, which take more than twice as long.
func AppendDateTime(dst []byte, millis int64) []byte {
	t := time.UnixMilli(millis).UTC()
	year, month, day := t.Date()
	hour, minute, sec := t.Clock()
	dst = append(appendPadded(dst, year, 4), '-')
	dst = append(appendPadded(dst, int(month), 2), '-')
	dst = append(appendPadded(dst, day, 2), 'T')
	dst = append(appendPadded(dst, hour, 2), ':')
	dst = append(appendPadded(dst, minute, 2), ':')
	dst = append(appendPadded(dst, sec, 2), '.')
	return append(appendPadded(dst, t.Nanosecond()/1e6, 3), 'Z')
}

// appendPadded appends a number that is not negative with at least that many digits.
func appendPadded(dst []byte, n, digits int) []byte {
	for limit := 10; digits > 1; digits-- {
		if n < limit {
			dst = append(dst, '0')
		}
		limit *= 10
	}
	return strconv.AppendInt(dst, int64(n), 10)
}

// AppendFixed appends value / 10^digits with exactly that many decimals: 1920000 with 6 digits is 1.920000.
func AppendFixed(dst []byte, value int64, digits int) []byte {
	unit := int64(1)
	for range digits {
		unit *= 10
	}
	dst = strconv.AppendInt(dst, value/unit, 10)
	dst = append(dst, '.')
	for rest := value % unit; unit > 1; {
		unit /= 10
		dst = append(dst, byte('0'+rest/unit))
		rest %= unit
	}
	return dst
}
