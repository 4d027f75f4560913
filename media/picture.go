package media

import "fmt"

// picture is what a sequence parameter set says of the pictures.
type picture struct {
	width, height int   // pixels after cropping
	aspect        Ratio // of a pixel, width to height; zero when not said
	rate          Ratio // frames per second; zero when not said
}

// aspects are the sample aspect ratios by aspect_ratio_idc. Source: ISO/IEC 14496-10, table E-1; 23008-2, table E.1.
var aspects = [...]Ratio{
	{},
	{1, 1},
	{12, 11},
	{10, 11},
	{16, 11},
	{40, 33},
	{24, 11},
	{20, 11},
	{32, 11},
	{80, 33},
	{18, 11},
	{15, 11},
	{64, 33},
	{160, 99},
	{4, 3},
	{3, 2},
	{2, 1},
}

// readAspect reads aspect_ratio_idc and what follows it.
func readAspect(r *bitReader) Ratio {
	idc := r.u(8)
	if idc == 255 {
		a := Ratio{r.u(16), r.u(16)}
		if a.Num == 0 || a.Den == 0 {
			return Ratio{}
		}
		return a.reduced()
	}
	if int(idc) < len(aspects) {
		return aspects[idc]
	}
	return Ratio{}
}

// crop sets the size of the pictures after cropping.
func (p *picture) crop(width, height, left, right, top, bottom int64) error {
	width -= left + right
	height -= top + bottom
	if width <= 0 || height <= 0 || width > maxPixels || height > maxPixels {
		return fmt.Errorf("pictures of %d by %d pixels", width, height)
	}
	p.width, p.height = int(width), int(height)
	return nil
}

// shown is the size of the pictures on square pixels: what players and manifests call the resolution. The height stays.
func (p *picture) shown() (width, height int) {
	if p.aspect.Num == 0 || p.aspect.Den == 0 {
		return p.width, p.height
	}
	w := (int64(p.width)*int64(p.aspect.Num)*2 + int64(p.aspect.Den)) / (2 * int64(p.aspect.Den))
	if w <= 0 || w > maxPixels {
		return p.width, p.height
	}
	return int(w), p.height
}

// frameRate is ticks per second over ticks per frame, or zero where that is no frame rate.
func frameRate(scale, ticks uint64) Ratio {
	if scale == 0 || ticks == 0 || scale > ticks*maxFrameRate || ticks > scale*3600 {
		return Ratio{}
	}
	for a, b := scale, ticks; ; {
		if b == 0 {
			scale, ticks = scale/a, ticks/a
			break
		}
		a, b = b, a%b
	}
	if scale > 1<<32-1 || ticks > 1<<32-1 {
		return Ratio{}
	}
	return Ratio{uint32(scale), uint32(ticks)}
}

func (r Ratio) reduced() Ratio {
	a, b := r.Num, r.Den
	for b != 0 {
		a, b = b, a%b
	}
	if a == 0 {
		return Ratio{}
	}
	return Ratio{r.Num / a, r.Den / a}
}
