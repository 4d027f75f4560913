package state

import "strings"

// A Key names a record: tokens joined by dots, each encoded so that any text can be part of a name.
type Key string

// NewKey makes a key from its parts, from the general to the particular: NewKey("channel", name, "generation", "3").
// Equal parts give equal keys, different parts different ones.
func NewKey(parts ...string) Key {
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			b.WriteByte('.')
		}
		encodeToken(&b, part)
	}
	return Key(b.String())
}

// encodeToken writes what NATS accepts inside a token of a key. Letters of either case, digits, '-' and '_' stand for
// themselves, every other byte is "=" and two hexadecimal digits, and the empty text is "=".
func encodeToken(b *strings.Builder, s string) {
	if s == "" {
		b.WriteByte('=')
	}
	const digits = "0123456789abcdef"
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
			b.WriteByte(c)
		default:
			b.Write([]byte{'=', digits[c>>4], digits[c&15]})
		}
	}
}
