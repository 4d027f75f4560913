package timeline

import "math/bits"

// mulDiv returns the floor of a*b/c and the remainder (0 <= r < c), through 128 bits. c must be positive and b not
// negative. A quotient that does not fit saturates at the ends of int64.
func mulDiv(a, b, c int64) (q, r int64) {
	neg := a < 0
	ua := uint64(a)
	if neg {
		ua = -ua
	}
	hi, lo := bits.Mul64(ua, uint64(b))
	if hi >= uint64(c) {
		return saturated(neg), 0
	}
	uq, ur := bits.Div64(hi, lo, uint64(c))
	if uq > 1<<63-1 {
		return saturated(neg), 0
	}
	q, r = int64(uq), int64(ur)
	if neg {
		q = -q
		if r != 0 {
			q, r = q-1, c-r
		}
	}
	return q, r
}

func saturated(neg bool) int64 {
	if neg {
		return -1 << 63
	}
	return 1<<63 - 1
}

// scale converts x from one timescale to another, rounding down.
func scale(x, to, from int64) int64 {
	q, _ := mulDiv(x, to, from)
	return q
}

// scaleUp converts x from one timescale to another, rounding up.
func scaleUp(x, to, from int64) int64 {
	q, r := mulDiv(x, to, from)
	if r != 0 {
		q++
	}
	return q
}

// scaleNear converts x from one timescale to another, rounding to the nearest (halves up).
func scaleNear(x, to, from int64) int64 {
	q, r := mulDiv(x, to, from)
	if r >= from-r {
		q++
	}
	return q
}

// floorDiv is the floor of a/b; b must be positive.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// floorMod is a minus the greatest multiple of b below it; b must be positive.
func floorMod(a, b int64) int64 {
	m := a % b
	if m < 0 {
		m += b
	}
	return m
}

// ceilTo returns the least x >= at that is a multiple of step plus phase.
func ceilTo(at, step, phase int64) int64 {
	return -floorDiv(phase-at, step)*step + phase
}

// nearTo returns the x nearest to at that is a multiple of step plus phase, the later one of two.
func nearTo(at, step, phase int64) int64 { return floorDiv(at-phase+step/2, step)*step + phase }

// abs is the absolute value, saturating.
func abs(x int64) int64 {
	if x == -1<<63 {
		return 1<<63 - 1
	}
	if x < 0 {
		return -x
	}
	return x
}

// add is a+b, saturating.
func add(a, b int64) int64 {
	c := a + b
	if a >= 0 == (b >= 0) && c >= 0 != (a >= 0) {
		return saturated(a < 0)
	}
	return c
}

// sub is a-b, saturating.
func sub(a, b int64) int64 {
	c := a - b
	if a >= 0 != (b >= 0) && c >= 0 != (a >= 0) {
		return saturated(a < 0)
	}
	return c
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
