package chunk

import "encoding/binary"

// Append appends a message to dst, cut into chunks of size bytes behind whole headers, as a server answers. id is the chunk
// stream's, 2 to 63. The header's Length is ignored for that of the payload, which is below 16 MiB.
//
// Source: RTMP 1.0, 5.3.1.
func Append(dst []byte, id uint8, h Header, payload []byte, size int) []byte {
	field := min(h.Time, extended)
	dst = append(dst, id&0x3F, byte(field>>16), byte(field>>8), byte(field),
		byte(len(payload)>>16), byte(len(payload)>>8), byte(len(payload)), byte(h.Kind))
	dst = binary.LittleEndian.AppendUint32(dst, h.Stream)
	for {
		if field == extended {
			dst = binary.BigEndian.AppendUint32(dst, h.Time)
		}
		n := min(len(payload), size)
		dst = append(dst, payload[:n]...)
		if payload = payload[n:]; len(payload) == 0 {
			return dst
		}
		dst = append(dst, sameAll<<6|id&0x3F)
	}
}
