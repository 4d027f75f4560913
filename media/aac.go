package media

import (
	"errors"
	"fmt"
)

// aacConfig is what an AudioSpecificConfig says.
type aacConfig struct {
	object     int // audio object type as the codec string names it: 2 LC, 5 HE, 29 HE v2, …
	core       uint32
	sampleRate uint32 // of the output: twice the core's with SBR
	channels   int    // of the output: two with parametric stereo
	explicit   bool   // SBR is said to be there, or not to be there
	short      bool   // frames of 960 samples, not 1024
}

var aacRates = [...]uint32{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

// aacChannels is the number of channels by channel configuration. Source: ISO/IEC 14496-3, table 1.19.
var aacChannels = [...]int{0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8}

// parseASC reads an AudioSpecificConfig, with SBR and PS told in front (object type 5 or 29) or at the end (sync
// extension). Source: ISO/IEC 14496-3, 1.6.2.1.
func parseASC(b []byte) (c aacConfig, err error) {
	r := &bitReader{b: b}
	object := ascObject(r)
	c.core = ascRate(r)
	layout := r.u(4)
	c.sampleRate, c.object = c.core, object
	ps := object == 29
	if object == 5 || object == 29 {
		c.explicit = true
		c.sampleRate = ascRate(r)
		object = ascObject(r)
		if object == 22 {
			r.skip(4)
		}
	}
	if r.bad || c.core == 0 || c.sampleRate == 0 {
		return c, errors.New("AudioSpecificConfig cut short or out of range")
	}
	if int(layout) >= len(aacChannels) {
		return c, fmt.Errorf("channel configuration %d", layout)
	}
	c.channels = aacChannels[layout]
	switch object {
	case 1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23:
		c.readGA(r, object, layout)
	case 42: // USAC tells its rate and channels in a part of its own
		return c, nil
	default:
		return c, fmt.Errorf("audio object type %d: %w", object, ErrUnsupported)
	}
	if !c.explicit && r.left() >= 16 && !r.bad {
		ps = c.readSync(r)
	}
	if ps && c.channels == 1 {
		c.channels = 2
	}
	if c.channels == 0 {
		return c, errors.New("no channels")
	}
	return c, nil
}

// frame is how many samples of the output a frame holds, for the kinds that cut time evenly; else 0.
//
// Source: ISO/IEC 14496-3, 4.5.1.1.
func (c *aacConfig) frame() uint32 {
	n := uint32(1024)
	if c.short {
		n = 960
	}
	switch c.object {
	case 2, 5, 29:
		return uint32(uint64(n) * uint64(c.sampleRate) / uint64(c.core))
	}
	return 0
}

func ascObject(r *bitReader) int {
	if v := r.u(5); v != 31 {
		return int(v)
	}
	return 32 + int(r.u(6))
}

func ascRate(r *bitReader) uint32 {
	i := r.u(4)
	if i == 15 {
		return r.u(24)
	}
	if int(i) < len(aacRates) {
		return aacRates[i]
	}
	return 0
}

// readGA reads GASpecificConfig. Source: ISO/IEC 14496-3, 4.4.1.
func (c *aacConfig) readGA(r *bitReader, object int, layout uint32) {
	c.short = r.flag()
	if r.flag() {
		r.skip(14)
	}
	extension := r.flag()
	if layout == 0 {
		c.channels = readPCE(r)
	}
	if object == 6 || object == 20 {
		r.skip(3)
	}
	if extension {
		switch object {
		case 22:
			r.skip(16)
		case 17, 19, 20, 23:
			r.skip(3)
		}
		r.skip(1)
	}
}

// readPCE counts the channels of a program_config_element. Source: ISO/IEC 14496-3, 4.4.1.1.
func readPCE(r *bitReader) int {
	r.skip(4 + 2 + 4)
	front, side, back := r.u(4), r.u(4), r.u(4)
	lfe, assoc, coupling := r.u(2), r.u(3), r.u(4)
	for _, n := range [...]int{4, 4, 3} { // mono mixdown, stereo mixdown, matrix mixdown
		if r.flag() {
			r.skip(n)
		}
	}
	channels := 0
	for range front + side + back {
		channels++
		if r.flag() {
			channels++
		}
		r.skip(4)
	}
	r.skip(int(4*lfe + 4*assoc + 5*coupling))
	r.skip(-r.at & 7)
	r.skip(8 * int(r.u(8)))
	return channels + int(lfe)
}

// readSync reads the backward-compatible extension at the end, and tells whether there is parametric stereo.
func (c *aacConfig) readSync(r *bitReader) (ps bool) {
	if r.u(11) != 0x2b7 || ascObject(r) != 5 {
		return false
	}
	sbr := r.flag()
	if r.bad {
		return false
	}
	c.explicit = true
	if !sbr {
		return false
	}
	rate := ascRate(r)
	if r.bad || rate == 0 {
		return false
	}
	c.object, c.sampleRate = 5, rate
	if r.left() >= 12 && r.u(11) == 0x548 && r.flag() {
		c.object = 29
		return true
	}
	return false
}

// imply takes SBR for granted where the header's other rate is twice the core's: encoders that do not signal HE-AAC
// (implicit signalling) still count time at the output rate.
func (c *aacConfig) imply(rates ...uint32) {
	if c.explicit || c.object != 2 || c.core > 24000 {
		return
	}
	for _, rate := range rates {
		if rate == 2*c.core {
			c.object, c.sampleRate = 5, rate
		}
	}
}
