package push

import (
	"math/bits"
	"time"
)

// scaleUp returns v*num/den rounded up, exactly, for positive num and den and a result below 2^63.
func scaleUp(v, num, den int64) int64 {
	if v < 0 {
		quotient, _ := scale(-v, num, den)
		return -quotient
	}
	quotient, rest := scale(v, num, den)
	if rest > 0 {
		quotient++
	}
	return quotient
}

func scale(v, num, den int64) (quotient, rest int64) {
	hi, lo := bits.Mul64(uint64(v), uint64(num))
	q, r := bits.Div64(hi, lo, uint64(den))
	return int64(q), int64(r)
}

// toTicks converts a duration to ticks, rounded up.
func toTicks(d time.Duration, timescale uint32) int64 {
	return scaleUp(int64(d), int64(timescale), 1e9)
}

// toDuration converts ticks to a duration, rounded up to whole nanoseconds.
func toDuration(ticks int64, timescale uint32) time.Duration {
	return time.Duration(scaleUp(ticks, 1e9, int64(timescale)))
}
