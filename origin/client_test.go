package origin

import (
	"net/netip"
	"strings"
	"testing"
)

func TestClientOf(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
	for name, c := range map[string]struct {
		peer   string
		fields []string
		want   string
	}{
		"a stranger's word":      {"192.0.2.1", []string{"198.51.100.7"}, "192.0.2.1"},
		"a proxy's word":         {"10.0.0.1", []string{"198.51.100.7"}, "198.51.100.7"},
		"a proxy says nothing":   {"10.0.0.1", nil, "10.0.0.1"},
		"two proxies":            {"10.0.0.1", []string{"198.51.100.7, 10.2.3.4"}, "198.51.100.7"},
		"two fields":             {"10.0.0.1", []string{"198.51.100.7", "10.2.3.4"}, "198.51.100.7"},
		"forged in front":        {"10.0.0.1", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7"},
		"forged with a proxy's":  {"10.0.0.1", []string{"10.9.9.9, 198.51.100.7"}, "198.51.100.7"},
		"with a port":            {"10.0.0.1", []string{"198.51.100.7:4711"}, "198.51.100.7"},
		"IPv6":                   {"10.0.0.1", []string{"2001:db8::7"}, "2001:db8::7"},
		"IPv6 with a port":       {"10.0.0.1", []string{"[2001:db8::7]:4711"}, "2001:db8::7"},
		"IPv6 in brackets":       {"10.0.0.1", []string{"[2001:db8::7]"}, "2001:db8::7"},
		"IPv6 proxy":             {"2001:db8:1::1", []string{"198.51.100.7"}, "198.51.100.7"},
		"mapped":                 {"10.0.0.1", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		"not an address":         {"10.0.0.1", []string{"198.51.100.7, unknown"}, "10.0.0.1"},
		"behind what is not one": {"10.0.0.1", []string{"unknown, 10.2.3.4"}, "10.2.3.4"},
		"empty entries":          {"10.0.0.1", []string{" , "}, "10.0.0.1"},
		"only proxies":           {"10.0.0.1", []string{"10.1.1.1, 10.2.2.2"}, "10.1.1.1"},
	} {
		var fields [][]byte
		for _, f := range c.fields {
			fields = append(fields, []byte(f))
		}
		if got := clientOf(netip.MustParseAddr(c.peer), trusted, fields); got.String() != c.want {
			t.Errorf("%s: clientOf(%s, %q) = %s, want %s", name, c.peer, c.fields, got, c.want)
		}
	}
}

// FuzzClientOf checks that nobody who is not behind a trusted proxy can choose an address, and that the answer is one.
func FuzzClientOf(f *testing.F) {
	f.Add("198.51.100.7, 10.2.3.4")
	f.Add("[2001:db8::7]:1,,x")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, field string) {
		stranger, proxy := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("10.0.0.1")
		if got := clientOf(stranger, trusted, [][]byte{[]byte(field)}); got != stranger {
			t.Fatalf("a stranger becomes %s by %q", got, field)
		}
		// Whatever stands in front of what the proxy itself wrote does not matter.
		honest := clientOf(proxy, trusted, [][]byte{[]byte("198.51.100.7")})
		if got := clientOf(proxy, trusted, [][]byte{[]byte(field + ",198.51.100.7")}); got != honest {
			t.Fatalf("%q in front changes the client to %s", field, got)
		}
		if got := clientOf(proxy, trusted, [][]byte{[]byte(strings.ReplaceAll(field, ",", ""))}); !got.IsValid() {
			t.Fatalf("%q gives no address", field)
		}
	})
}
