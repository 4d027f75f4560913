package media

import (
	"testing"
	"time"
)

func TestPrft(t *testing.T) {
	cases := map[string]struct {
		in   []byte
		want Prft
		ok   bool
	}{
		"version 0":           {boxOf("prft", words(24, 3, 1, 2, 1000)), Prft{0, 24, 3, 1<<32 | 2, 1000}, true},
		"version 1, negative": {boxOf("prft", words(1<<24|24, 3, 1, 2, 0xffffffff, 0xfffffc00)), Prft{1, 24, 3, 1<<32 | 2, -1024}, true},
		"short":               {boxOf("prft", words(1<<24, 3, 1, 2, 0)), Prft{}, false},
		"version 2":           {boxOf("prft", words(2<<24, 3, 1, 2, 0, 0)), Prft{}, false},
		"another box":         {boxOf("free", words(0, 3, 1, 2, 0)), Prft{}, false},
		"bytes behind":        {append(boxOf("prft", words(0, 3, 1, 2, 0)), 0), Prft{}, false},
	}
	for name, c := range cases {
		got, err := ParsePrft(c.in)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("%s: ParsePrft = %+v, %v; want %+v", name, got, err, c.want)
		}
	}
}

func FuzzPrft(f *testing.F) {
	f.Add(boxOf("prft", words(24, 3, 1, 2, 1000)))
	f.Add(boxOf("prft", words(1<<24|24, 3, 1, 2, 0xffffffff, 0xfffffc00)))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePrft(b)
		if err != nil {
			return
		}
		out := p.Append(nil)
		p.Version = 1
		if again, err := ParsePrft(out); err != nil || again != p || len(out) != PrftSize {
			t.Fatalf("written again: %+v, %v; want %+v", again, err, p)
		}
	})
}

func TestPrftUTC(t *testing.T) {
	at := time.Date(2026, 11, 25, 13, 0, 0, 250_000_000, time.UTC)
	p := Prft{NTP: uint64(at.Unix()+2_208_988_800)<<32 | 1<<30}
	if got := p.UTC(); got != at.UnixNano() {
		t.Errorf("UTC() = %v, want %v", time.Unix(0, got).UTC(), at)
	}
}
