package amf

import (
	"encoding/binary"
	"math"
)

// Append appends values to dst in AMF0. Text of more than 65535 bytes becomes a long string; a field's name is cut there.
// Dates have no time zone, and byte arrays are written as strings, for AMF0 has none.
func Append(dst []byte, values ...Value) []byte {
	for i := range values {
		dst = appendValue(dst, &values[i])
	}
	return dst
}

func appendValue(dst []byte, v *Value) []byte {
	switch v.Kind {
	case Null:
		return append(dst, markNull)
	case Boolean:
		if v.Bool {
			return append(dst, markBoolean, 1)
		}
		return append(dst, markBoolean, 0)
	case Number:
		return appendNumber(append(dst, markNumber), v.Number)
	case Date:
		return append(appendNumber(append(dst, markDate), v.Number), 0, 0)
	case String, Bytes:
		if len(v.Text) > math.MaxUint16 {
			dst = binary.BigEndian.AppendUint32(append(dst, markLong), uint32(len(v.Text)))
			return append(dst, v.Text...)
		}
		return appendText(append(dst, markString), v.Text)
	case Object:
		dst = append(dst, markObject)
		for i := range v.Fields {
			dst = appendText(dst, v.Fields[i].Name)
			dst = appendValue(dst, &v.Fields[i].Value)
		}
		return append(dst, 0, 0, markEnd)
	case Array:
		dst = binary.BigEndian.AppendUint32(append(dst, markArray), uint32(len(v.Items)))
		for i := range v.Items {
			dst = appendValue(dst, &v.Items[i])
		}
		return dst
	case Undefined:
	}
	return append(dst, markUndef)
}

func appendNumber(dst []byte, n float64) []byte {
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(n))
}

func appendText(dst []byte, s string) []byte {
	s = s[:min(len(s), math.MaxUint16)]
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
}
