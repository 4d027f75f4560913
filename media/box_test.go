package media

import (
	"errors"
	"testing"
)

func TestReadBox(t *testing.T) {
	cases := map[string]struct {
		in   string
		want Box
		ok   bool
	}{
		"small":          {"\x00\x00\x00\x10moof", Box{[4]byte{'m', 'o', 'o', 'f'}, 8, 16}, true},
		"large":          {"\x00\x00\x00\x01mdat\x00\x00\x00\x01\x00\x00\x00\x00", Box{[4]byte{'m', 'd', 'a', 't'}, 16, 1 << 32}, true},
		"to the end":     {"\x00\x00\x00\x00mdat", Box{}, false},
		"below header":   {"\x00\x00\x00\x07mdat", Box{}, false},
		"large below 16": {"\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x0f", Box{}, false},
		"large negative": {"\x00\x00\x00\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff", Box{}, false},
	}
	for name, c := range cases {
		got, err := ReadBox([]byte(c.in))
		if (err == nil) != c.ok || got != c.want || errors.Is(err, ErrShort) {
			t.Errorf("%s: ReadBox(%q) = %+v, %v; want %+v", name, c.in, got, err, c.want)
		}
	}
	for _, short := range []string{"", "\x00\x00\x00", "\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00"} {
		if _, err := ReadBox([]byte(short)); !errors.Is(err, ErrShort) {
			t.Errorf("ReadBox(%q): %v, want ErrShort", short, err)
		}
	}
}

func FuzzReadBox(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x10moof"))
	f.Add([]byte("\x00\x00\x00\x01mdat\x00\x00\x00\x01\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		box, err := ReadBox(b)
		if err == nil && (box.Size < int64(box.Head) || len(b) < box.Head) {
			t.Fatalf("ReadBox accepted %+v from %d bytes", box, len(b))
		}
		n := 0
		for w := (boxes{b: b}); w.next(); {
			n += len(w.all)
		}
		if n > len(b) {
			t.Fatalf("children of %d bytes in %d", n, len(b))
		}
	})
}
