// Package stamp carries the time of sending inside the media, so that latency can be measured through any origin that
// leaves samples as they are: a user data SEI message of H.264 at the start of a chunk's first sample, which decoders
// pass over. It knows nothing of boxes or sockets. Sender and receiver must share a clock.
package stamp

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"time"
)

// Size is how many bytes Append appends.
const Size = 4 + 3 + idSize + digits + 1

// id is the UUID that tells our message from others. No byte of it is zero, and the time is in hexadecimal digits, so
// that no emulation prevention is ever needed.
const id = "\x77\x65\x69\x72\xb1\x5c\x4e\x1d\x9a\x6f\x63\xd8\x27\xf3\x85\x4b"

const (
	idSize = 16
	digits = 16
)

// Append appends one NAL unit with its length of four bytes: at, to the nanosecond.
//
// Source: ISO/IEC 14496-10, D.1.7 (user_data_unregistered).
func Append(b []byte, at time.Time) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(Size-4))
	b = append(b, 6, 5, byte(len(id)+digits)) // nal_unit_type 6, payloadType 5, payloadSize
	b = append(b, id...)
	const hex = "0123456789abcdef"
	for v, shift := uint64(at.UnixNano()), 60; shift >= 0; shift -= 4 {
		b = append(b, hex[v>>shift&15])
	}
	return append(b, 0x80) // rbsp_trailing_bits
}

// Find returns the first stamp in b, as nanoseconds since 1970, and where it ends. ok is false where there is none that
// is whole.
func Find(b []byte) (nanos int64, end int, ok bool) {
	i := bytes.Index(b, []byte(id))
	if i < 0 || len(b) < i+len(id)+digits {
		return 0, 0, false
	}
	end = i + len(id) + digits
	v, err := strconv.ParseUint(string(b[i+len(id):end]), 16, 63)
	return int64(v), end, err == nil
}
