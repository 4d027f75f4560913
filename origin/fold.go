package origin

import "slices"

// parseTicks reads a decimal integer from 0 to 2^63-1, digits only.
func parseTicks(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		d := int64(c - '0')
		if n > (1<<63-1-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}

// appendFolded appends path percent-decoded and with ASCII letters in lower case. It reports false for a broken
// escape and for what no name holds: control characters, and a slash or backslash that hides behind an escape.
func appendFolded(dst, path []byte) ([]byte, bool) {
	n := len(dst)
	dst = slices.Grow(dst, len(path))[:n+len(path)]
	for i := 0; i < len(path); i++ {
		c := folding[path[i]]
		if c == 0 {
			if path[i] != '%' || i+2 >= len(path) {
				return dst[:n], false
			}
			hi, lo := hexDigit(path[i+1]), hexDigit(path[i+2])
			if hi > 15 || lo > 15 {
				return dst[:n], false
			}
			i += 2
			if c = hi<<4 | lo; c == '/' || c != '%' && folding[c] == 0 {
				return dst[:n], false
			}
			c = lower(c)
		}
		dst[n] = c
		n++
	}
	return dst[:n], true
}

// folding is what each byte of a path stands for; 0 for those that need a closer look.
var folding = func() (table [256]byte) {
	for i := range table {
		if c := byte(i); c >= ' ' && c != 0x7f && c != '\\' && c != '%' {
			table[i] = lower(c)
		}
	}
	return table
}()

// hexDigit is the value of a hexadecimal digit, or 0xff.
func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= lower(c) && lower(c) <= 'f':
		return lower(c) - 'a' + 10
	}
	return 0xff
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Fold brings a name into the form that targets compare: ASCII letters in lower case, the rest as it is. The keys of
// Routes.Locators and Locator.Presentations are folded.
func Fold(name string) string {
	b := []byte(name)
	for i, c := range b {
		b[i] = lower(c)
	}
	return string(b)
}

// equalFolded reports whether name, in any case, is folded.
func equalFolded(folded []byte, name string) bool {
	if len(folded) != len(name) {
		return false
	}
	for i, c := range folded {
		if lower(name[i]) != c {
			return false
		}
	}
	return true
}
