package hls

import "unicode/utf8"

// appendQuoted appends s as a quoted-string.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = appendPlain(dst, s)
	return append(dst, '"')
}

// appendPlain appends s without what a quoted-string or a playlist cannot hold (RFC 8216bis, 4.1 and 4.2): quotes become
// apostrophes, control characters spaces, invalid UTF-8 the replacement character. It does not allocate.
func appendPlain(dst []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '"':
			dst = append(dst, '\'')
		case r < ' ' || 0x7f <= r && r <= 0x9f:
			dst = append(dst, ' ')
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}
