package media

import "errors"

// parseHevcSPS reads a sequence parameter set. Source: ISO/IEC 23008-2, 7.3.2.2 and E.2.1.
func parseHevcSPS(nal []byte) (p picture, err error) {
	if len(nal) < 5 || nal[0]>>1&0x3f != hevcSPS {
		return p, errors.New("not an SPS")
	}
	r := &bitReader{b: unescape(nal[2:])}
	r.skip(4)
	layers := int(r.u(3)) // sps_max_sub_layers_minus1
	if layers > 6 {
		return p, errors.New("SPS with more than 7 sub-layers")
	}
	r.skip(1)
	skipProfileTierLevel(r, layers)
	r.upTo(15)
	chroma := r.upTo(3)
	planes := chroma == 3 && r.flag()
	width, height := int64(r.upTo(maxPixels+64)), int64(r.upTo(maxPixels+64))
	var left, right, top, bottom int64
	if r.flag() {
		unitX, unitY := int64(1), int64(1)
		if !planes && (chroma == 1 || chroma == 2) {
			unitX = 2
		}
		if !planes && chroma == 1 {
			unitY = 2
		}
		left, right = int64(r.upTo(maxPixels))*unitX, int64(r.upTo(maxPixels))*unitX
		top, bottom = int64(r.upTo(maxPixels))*unitY, int64(r.upTo(maxPixels))*unitY
	}
	if r.bad {
		return p, errors.New("SPS cut short or out of range")
	}
	if err := p.crop(width, height, left, right, top, bottom); err != nil {
		return p, err
	}
	if vui := toHevcVUI(r, layers); vui && !r.bad {
		p.readHevcVUI(r)
	}
	return p, nil
}

// skipProfileTierLevel passes over profile_tier_level. Source: ISO/IEC 23008-2, 7.3.3.
func skipProfileTierLevel(r *bitReader, layers int) {
	r.skip(88 + 8)
	var profile, level [8]bool
	for i := range layers {
		profile[i], level[i] = r.flag(), r.flag()
	}
	if layers > 0 {
		r.skip(2 * (8 - layers))
	}
	for i := range layers {
		if profile[i] {
			r.skip(88)
		}
		if level[i] {
			r.skip(8)
		}
	}
}

// toHevcVUI passes over what lies between the cropping window and the VUI, and tells whether there is one.
func toHevcVUI(r *bitReader, layers int) bool {
	r.upTo(8) // bit depths
	r.upTo(8)
	lsb := int(r.upTo(12)) + 4
	first := layers
	if r.flag() {
		first = 0
	}
	for range layers - first + 1 {
		r.ue()
		r.ue()
		r.ue()
	}
	for range 6 { // block sizes and depths
		r.ue()
	}
	if enabled := r.flag(); enabled && r.flag() {
		skipHevcScaling(r)
	}
	r.skip(2)
	if r.flag() { // PCM
		r.skip(8)
		r.ue()
		r.ue()
		r.skip(1)
	}
	skipHevcRefSets(r)
	if r.flag() { // long-term reference pictures
		for range r.upTo(32) {
			r.skip(lsb + 1)
		}
	}
	r.skip(2)
	return r.flag()
}

func skipHevcScaling(r *bitReader) {
	for size := range 4 {
		step := 1
		if size == 3 {
			step = 3
		}
		for matrix := 0; matrix < 6; matrix += step {
			if !r.flag() {
				r.ue()
				continue
			}
			if size > 1 {
				r.se()
			}
			for range min(64, 1<<(4+size<<1)) {
				r.se()
			}
		}
	}
}

// skipHevcRefSets passes over the short-term reference picture sets. Source: ISO/IEC 23008-2, 7.3.7.
func skipHevcRefSets(r *bitReader) {
	pictures := uint32(0) // of the set before
	for i := range r.upTo(64) {
		if i > 0 && r.flag() { // predicted from the set before
			r.skip(1)
			r.ue()
			n := uint32(0)
			for range pictures + 1 {
				if used := r.flag(); used || r.flag() {
					n++
				}
			}
			pictures = min(n, 32)
			continue
		}
		negative, positive := r.upTo(16), r.upTo(16)
		for range negative + positive {
			r.ue()
			r.skip(1)
		}
		pictures = negative + positive
	}
}

// readHevcVUI reads the pixel aspect and the frame rate. A VUI that is cut short says nothing of what is missing.
func (p *picture) readHevcVUI(r *bitReader) {
	if r.flag() {
		if a := readAspect(r); !r.bad {
			p.aspect = a
		}
	}
	skipVideoSignal(r)
	r.skip(1)
	fields := r.flag()
	r.skip(1)
	if r.flag() { // default display window
		for range 4 {
			r.ue()
		}
	}
	if !r.flag() {
		return
	}
	units, scale := uint64(r.u(32)), r.u(32)
	if r.bad {
		return
	}
	if fields {
		units *= 2
	}
	p.rate = frameRate(uint64(scale), units)
}
