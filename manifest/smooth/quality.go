package smooth

import (
	"weir/manifest"
	"weir/media"
)

// appendLevel appends a QualityLevel. Its Bitrate is the track's identity, which the URL template asks for, and not a
// measured figure.
//
// Source: [MS-SSTR] 2.2.2.5.
func appendLevel(dst []byte, l *level, index int) []byte {
	m := l.media
	dst = append(dst, `  <QualityLevel`...)
	dst = manifest.AppendNumber(dst, "Index", int64(index))
	dst = manifest.AppendNumber(dst, "Bitrate", l.track.ID)
	dst = manifest.AppendAttribute(dst, "FourCC", FourCC(m))
	switch m.Kind {
	case media.Video:
		dst = appendSize(dst, m.Width, m.Height, false)
		if n := m.NALUnitLength(); n != 4 {
			dst = manifest.AppendNumber(dst, "NALUnitLengthField", int64(n))
		}
	case media.Audio:
		dst = manifest.AppendNumber(dst, "SamplingRate", int64(m.SampleRate))
		dst = manifest.AppendNumber(dst, "Channels", int64(m.Channels))
		dst = append(dst, ` BitsPerSample="16" PacketSize="4" AudioTag="255"`...)
	}
	dst = append(dst, ` CodecPrivateData="`...)
	dst = appendPrivateData(dst, m)
	return append(dst, "\"/>\n"...)
}

// appendPrivateData appends the decoder configuration in hexadecimal digits.
func appendPrivateData(dst []byte, m *media.Track) []byte {
	const digits = "0123456789ABCDEF"
	was := len(dst)
	dst, _ = m.AppendPrivateData(dst)
	n := len(dst) - was
	dst = append(dst, dst[was:]...) // room for two digits a byte
	for i := n - 1; i >= 0; i-- {   // from the end: no byte is overwritten before it is read
		b := dst[was+i]
		dst[was+2*i], dst[was+2*i+1] = digits[b>>4], digits[b&15]
	}
	return dst
}
