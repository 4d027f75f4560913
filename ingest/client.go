package ingest

import (
	"net/netip"
	"strings"
)

// ClientAddr is the address that locks apply to: the peer's own, or, where the peer is a trusted proxy, the last address
// in X-Forwarded-For that is not itself a trusted proxy.
func ClientAddr(peer netip.Addr, forwarded string, trusted []netip.Prefix) netip.Addr {
	addr := peer.Unmap()
	for forwarded != "" && contains(trusted, addr) {
		last := forwarded
		if i := strings.LastIndexByte(forwarded, ','); i >= 0 {
			forwarded, last = forwarded[:i], forwarded[i+1:]
		} else {
			forwarded = ""
		}
		next, err := netip.ParseAddr(strings.TrimSpace(last))
		if err != nil {
			return addr
		}
		addr = next.Unmap()
	}
	return addr
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
