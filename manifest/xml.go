package manifest

import (
	"strconv"
	"unicode/utf8"
)

// AppendNumber appends an XML attribute that is a number, a space before it.
func AppendNumber(dst []byte, name string, value int64) []byte {
	dst = append(dst, ' ')
	dst = append(dst, name...)
	dst = append(dst, `="`...)
	dst = strconv.AppendInt(dst, value, 10)
	return append(dst, '"')
}

// AppendAttribute appends an XML attribute of text, a space before it.
func AppendAttribute(dst []byte, name, value string) []byte {
	dst = append(dst, ' ')
	dst = append(dst, name...)
	dst = append(dst, `="`...)
	dst = AppendText(dst, value)
	return append(dst, '"')
}

// AppendText appends s for use between double quotes in XML. Characters that XML 1.0 cannot hold at all, and invalid
// UTF-8, become the replacement character.
func AppendText(dst []byte, s string) []byte {
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
