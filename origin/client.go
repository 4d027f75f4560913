package origin

import (
	"bytes"
	"net/netip"
	"slices"
)

// clientOf is the address of the puller: the peer of the connection, unless that is a trusted proxy; then the newest
// entry of X-Forwarded-For that no trusted proxy wrote about another. fields are the field's lines in the order in
// which they came. Entries that are not addresses end the walk: what stands behind them is hearsay.
func clientOf(peer netip.Addr, trusted []netip.Prefix, fields [][]byte) netip.Addr {
	client := peer
	for _, field := range slices.Backward(fields) {
		for len(field) > 0 {
			if !trusts(trusted, client) {
				return client
			}
			i := bytes.LastIndexByte(field, ',')
			addr, ok := parseAddr(bytes.TrimSpace(field[i+1:]))
			if !ok {
				return client
			}
			client, field = addr, field[:max(i, 0)]
		}
	}
	return client
}

func trusts(trusted []netip.Prefix, a netip.Addr) bool {
	for _, p := range trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// parseAddr reads an address with or without a port: 192.0.2.1, 192.0.2.1:443, 2001:db8::1, [2001:db8::1]:443.
func parseAddr(b []byte) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(string(b)); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(string(b)); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	if a, err := netip.ParseAddr(string(bytes.Trim(b, "[]"))); err == nil {
		return a.Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}
