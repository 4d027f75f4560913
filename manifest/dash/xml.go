package dash

import (
	"strconv"
	"unicode/utf8"
)

// appendNumber appends an attribute that is a number.
func appendNumber(dst []byte, name string, value int64) []byte {
	dst = append(dst, ' ')
	dst = append(dst, name...)
	dst = append(dst, `="`...)
	dst = strconv.AppendInt(dst, value, 10)
	return append(dst, '"')
}

// appendAttribute appends an attribute of text.
func appendAttribute(dst []byte, name, value string) []byte {
	dst = append(dst, ' ')
	dst = append(dst, name...)
	dst = append(dst, `="`...)
	dst = appendText(dst, value)
	return append(dst, '"')
}

// appendDescriptor appends an element of DescriptorType inside an AdaptationSet.
func appendDescriptor(dst []byte, element, scheme, value string) []byte {
	dst = append(dst, `   <`...)
	dst = append(dst, element...)
	dst = appendAttribute(dst, "schemeIdUri", scheme)
	dst = appendAttribute(dst, "value", value)
	return append(dst, "/>\n"...)
}

// appendText appends s for use between double quotes. Characters that XML 1.0 cannot hold at all, and invalid UTF-8,
// become the replacement character.
func appendText(dst []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '&':
			dst = append(dst, "&amp;"...)
		case r == '<':
			dst = append(dst, "&lt;"...)
		case r == '>':
			dst = append(dst, "&gt;"...)
		case r == '"':
			dst = append(dst, "&quot;"...)
		case r < ' ', r == 0xfffe, r == 0xffff:
			dst = utf8.AppendRune(dst, utf8.RuneError)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}
