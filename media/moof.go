package media

import (
	"encoding/binary"
	"math"
)

// A Moof is what weir writes before a chunk's payload: a moof with one track fragment, and the header of the mdat.
//
// The layout is a function of the fields alone. track_ID is 1, data offsets count from the moof, tfdt and trun are of
// version 1; what all samples share stands in tfhd once, flags of a first sample that differs from all others (the usual
// group of pictures) in trun once.
type Moof struct {
	Sequence  uint32
	Time      int64 // decode time of the first sample: ticks of the published timescale since the Unix epoch
	Samples   []Sample
	DataBytes int // payload of the mdat

	// What Smooth Streaming adds, in boxes at the end of the traf. Spans are in the ticks of Time.
	HasTfxd   bool
	Tfxd      Span   // the fragment itself, as manifests list it
	Lookahead []Span // tfrf: the fragments that follow; without any there is no box
}

// layout is what the samples ask for.
type layout struct {
	tfhd, trun uint32 // flags
	entry      int    // bytes of a sample in trun
	moof       int    // bytes of the moof
	smooth     int    // bytes of it that Smooth Streaming adds
	mdat       int    // bytes of the mdat header
	flags      uint32 // default_sample_flags
}

func (m *Moof) layout() layout {
	l := layout{tfhd: tfhdBaseIsMoof | tfhdFlags, trun: trunOffset, mdat: 8}
	var first Sample
	if len(m.Samples) > 0 {
		first = m.Samples[0]
	}
	l.flags = first.Flags
	if len(m.Samples) > 1 {
		l.flags = m.Samples[1].Flags
	}
	var duration, size, flags, cto bool // needed for each sample
	for i := range m.Samples {
		s := &m.Samples[i]
		duration = duration || s.Duration != first.Duration
		size = size || s.Size != first.Size
		flags = flags || i > 0 && s.Flags != l.flags
		cto = cto || s.CTO != 0
	}
	each := func(needed bool, trun, tfhd uint32) {
		if needed {
			l.trun |= trun
			l.entry += 4
		} else {
			l.tfhd |= tfhd
		}
	}
	each(duration, trunDuration, tfhdDuration)
	each(size, trunSize, tfhdSize)
	each(flags, trunFlags, 0)
	each(cto, trunCTO, 0)
	l.moof = 8 + 16 + 8 + 16 + 4 + 20 + 20 + l.entry*len(m.Samples)
	if !duration {
		l.moof += 4
	}
	if !size {
		l.moof += 4
	}
	if flags {
		l.tfhd &^= tfhdFlags
		l.moof -= 4
	} else if first.Flags != l.flags {
		l.trun |= trunFirstFlags
		l.moof += 4
	}
	l.smooth = m.smoothSize()
	l.moof += l.smooth
	if m.DataBytes > math.MaxUint32-8 {
		l.mdat = 16
	}
	return l
}

// Size is how many bytes Append adds.
func (m *Moof) Size() int {
	l := m.layout()
	return l.moof + l.mdat
}

// Append appends the moof and the header of the mdat; the payload follows right behind. It allocates only where dst is
// too small, and nothing refers to m afterwards.
//
// Source: ISO/IEC 14496-12, 8.8.4 to 8.8.8, 8.8.12; ISO/IEC 23000-19, 7.5.15 to 7.5.17 (CMAF chunk).
func (m *Moof) Append(dst []byte) []byte {
	l := m.layout()
	be := binary.BigEndian
	box := func(size int, kind uint32) { dst = be.AppendUint32(be.AppendUint32(dst, uint32(size)), kind) }

	box(l.moof, boxMoof)
	box(16, boxMfhd)
	dst = be.AppendUint32(dst, 0)
	dst = be.AppendUint32(dst, m.Sequence)

	trun := 20 + l.entry*len(m.Samples)
	if l.trun&trunFirstFlags != 0 {
		trun += 4
	}
	tfhd := l.moof - 8 - 16 - 8 - 20 - trun - l.smooth
	box(8+tfhd+20+trun+l.smooth, boxTraf)
	box(tfhd, boxTfhd)
	dst = be.AppendUint32(dst, l.tfhd)
	dst = be.AppendUint32(dst, 1)
	var first Sample
	if len(m.Samples) > 0 {
		first = m.Samples[0]
	}
	if l.tfhd&tfhdDuration != 0 {
		dst = be.AppendUint32(dst, first.Duration)
	}
	if l.tfhd&tfhdSize != 0 {
		dst = be.AppendUint32(dst, first.Size)
	}
	if l.tfhd&tfhdFlags != 0 {
		dst = be.AppendUint32(dst, l.flags)
	}

	box(20, boxTfdt)
	dst = be.AppendUint32(dst, 1<<24)
	dst = be.AppendUint64(dst, uint64(m.Time))

	box(trun, boxTrun)
	dst = be.AppendUint32(dst, 1<<24|l.trun)
	dst = be.AppendUint32(dst, uint32(len(m.Samples)))
	dst = be.AppendUint32(dst, uint32(l.moof+l.mdat))
	if l.trun&trunFirstFlags != 0 {
		dst = be.AppendUint32(dst, first.Flags)
	}
	dst = m.appendSamples(dst, l)
	dst = m.appendSmooth(dst)

	if l.mdat == 8 {
		box(8+m.DataBytes, boxMdat)
		return dst
	}
	box(1, boxMdat)
	return be.AppendUint64(dst, uint64(16+m.DataBytes))
}

func (m *Moof) appendSamples(dst []byte, l layout) []byte {
	if l.entry == 0 {
		return dst
	}
	be := binary.BigEndian
	for i := range m.Samples {
		s := &m.Samples[i]
		if l.trun&trunDuration != 0 {
			dst = be.AppendUint32(dst, s.Duration)
		}
		if l.trun&trunSize != 0 {
			dst = be.AppendUint32(dst, s.Size)
		}
		if l.trun&trunFlags != 0 {
			dst = be.AppendUint32(dst, s.Flags)
		}
		if l.trun&trunCTO != 0 {
			dst = be.AppendUint32(dst, uint32(s.CTO))
		}
	}
	return dst
}
