package smooth

import (
	"encoding/binary"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// utf8Of turns UTF-16 into UTF-8: what has its mark, or begins with a '<' in it. Anything else has to be UTF-8 already.
func utf8Of(b []byte) ([]byte, error) {
	var order binary.ByteOrder
	switch {
	case len(b) >= 3 && b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf:
		b = b[3:]
	case len(b) >= 2 && b[0] == 0xff && b[1] == 0xfe:
		b, order = b[2:], binary.LittleEndian
	case len(b) >= 2 && b[0] == 0xfe && b[1] == 0xff:
		b, order = b[2:], binary.BigEndian
	case len(b) >= 2 && b[0] == '<' && b[1] == 0:
		order = binary.LittleEndian
	case len(b) >= 2 && b[0] == 0 && b[1] == '<':
		order = binary.BigEndian
	}
	if order == nil {
		if !utf8.Valid(b) {
			return nil, errors.New("neither UTF-8 nor UTF-16")
		}
		return b, nil
	}
	if len(b)%2 != 0 {
		return nil, errors.New("UTF-16 of an odd number of bytes")
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	return []byte(string(utf16.Decode(units))), nil
}

// printable is text fit for an error message.
func printable(s string) string {
	b := []byte(s[:min(len(s), 32)])
	for i, c := range b {
		if c < 0x20 || c > 0x7e {
			b[i] = '?'
		}
	}
	return string(b)
}
