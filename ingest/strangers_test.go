package ingest

import (
	"net/netip"
	"testing"
	"time"
)

func TestStrangers(t *testing.T) {
	s := newStrangers(3)
	now := time.Unix(1_000_000, 0)
	one, neighbour := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	for range 3 {
		s.showed(one, false, now)
	}
	if s.heard(neighbour, now) {
		t.Error("the same /64 counts anew")
	}
	if !s.heard(one, now.Add(time.Minute)) {
		t.Error("not heard after the minute")
	}
	for i := range 3 * maxStrangers {
		s.showed(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), false, now)
	}
	if n := len(s.by); n > maxStrangers {
		t.Errorf("%d addresses are kept, want %d at most", n, maxStrangers)
	}
}
