package media

// bitReader reads the bits of a decoder configuration. Past the end it gives zeros and remembers; callers check bad
// before they believe, and bound every loop by what the specification allows.
type bitReader struct {
	b   []byte
	at  int // bits read
	bad bool
}

// u reads n bits, 0 <= n <= 32.
func (r *bitReader) u(n int) uint32 {
	if r.bad || n > len(r.b)*8-r.at {
		r.bad = true
		return 0
	}
	var v uint32
	for range n {
		v = v<<1 | uint32(r.b[r.at>>3]>>(7-r.at&7)&1)
		r.at++
	}
	return v
}

func (r *bitReader) flag() bool { return r.u(1) != 0 }

// skip passes over n bits.
func (r *bitReader) skip(n int) {
	if r.bad || n > len(r.b)*8-r.at {
		r.bad = true
		return
	}
	r.at += n
}

// left is the number of bits not read yet.
func (r *bitReader) left() int { return len(r.b)*8 - r.at }

// ue reads an unsigned Exp-Golomb code. Source: ISO/IEC 14496-10, 9.1.
func (r *bitReader) ue() uint32 {
	zeros := 0
	for r.u(1) == 0 {
		if zeros++; zeros > 31 || r.bad {
			r.bad = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.u(zeros)
}

// upTo reads an unsigned Exp-Golomb code that must not exceed limit.
func (r *bitReader) upTo(limit uint32) uint32 {
	v := r.ue()
	if v > limit {
		r.bad = true
	}
	if r.bad {
		return 0
	}
	return v
}

// se reads a signed Exp-Golomb code.
func (r *bitReader) se() int32 {
	v := r.ue()
	if v&1 != 0 {
		return int32(v/2 + 1)
	}
	return -int32(v / 2)
}

// unescape removes the emulation prevention bytes of a NAL unit. Source: ISO/IEC 14496-10, 7.4.1.1.
func unescape(nal []byte) []byte {
	out := make([]byte, 0, len(nal))
	zeros := 0
	for _, c := range nal {
		if zeros >= 2 && c == 3 {
			zeros = 0
			continue
		}
		if c == 0 {
			zeros++
		} else {
			zeros = 0
		}
		out = append(out, c)
	}
	return out
}
