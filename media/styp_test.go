package media

import "testing"

func TestStyp(t *testing.T) {
	cases := map[string]struct {
		brands      string
		last, slate bool
		ok          bool
	}{
		"plain":        {"msdh\x00\x00\x00\x00msdhmsix", false, false, true},
		"last":         {"msdh\x00\x00\x00\x00msdhlmsg", true, false, true},
		"last, major":  {"lmsg\x00\x00\x00\x00", true, false, true},
		"slate":        {"msdh\x00\x00\x00\x00slat", false, true, true},
		"not a brand":  {"msdhlmsg", false, false, true}, // the minor version only looks like one
		"short":        {"msdh", false, false, false},
		"half a brand": {"msdh\x00\x00\x00\x00ms", false, false, false},
	}
	for name, c := range cases {
		got, err := ParseStyp(boxOf("styp", []byte(c.brands)))
		if got.Last != c.last || got.Slate != c.slate || (err == nil) != c.ok {
			t.Errorf("%s: ParseStyp = %+v, %v", name, got, err)
		}
	}
}

func FuzzStyp(f *testing.F) {
	f.Add(boxOf("styp", []byte("msdh\x00\x00\x00\x00msdhlmsg")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := ParseStyp(b); err == nil && (string(b[8:12]) != string(s.Major[:]) && b[3] != 1) {
			t.Fatalf("%+v out of %x", s, b)
		}
	})
}
