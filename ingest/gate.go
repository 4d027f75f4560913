package ingest

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// A Gate is what all listeners for encoders share: it counts their connections within the caps of the process and of one
// address, and remembers which addresses show wrong tokens. Safe for concurrent use.
type Gate struct {
	limits    Limits
	trusted   []netip.Prefix
	strangers *strangers

	mu      sync.Mutex
	open    int
	perPeer map[netip.Addr]int
}

// NewGate makes a gate. Trusted proxies stand for many encoders: the cap of one address does not bind them.
func NewGate(limits Limits, trusted []netip.Prefix) *Gate {
	return &Gate{
		limits: limits, trusted: trusted, strangers: newStrangers(limits.WrongTokens), perPeer: map[netip.Addr]int{},
	}
}

// The bounds that a connection may meet, as their keys under ingest.limits and as values of a label.
const (
	BoundAll     = "connections"
	BoundAddress = "addressConnections"
)

// Enter counts a connection in, or names the bound that it would pass. A connection that has come in leaves by Leave.
func (g *Gate) Enter(peer netip.Addr) (bound string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	counted := countedAs(peer)
	switch {
	case g.open >= g.limits.Connections:
		return BoundAll
	case g.perPeer[counted] >= g.limits.AddressConnections && !g.Trusts(peer):
		return BoundAddress
	}
	g.open++
	g.perPeer[counted]++
	return ""
}

// Leave counts a connection out.
func (g *Gate) Leave(peer netip.Addr) {
	peer = countedAs(peer)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	if g.perPeer[peer]--; g.perPeer[peer] == 0 {
		delete(g.perPeer, peer)
	}
}

// Trusts tells whether a peer is a proxy that speaks for others.
func (g *Gate) Trusts(peer netip.Addr) bool { return contains(g.trusted, peer.Unmap()) }

// Heard tells whether what a client asks may be looked at: it has not shown too many wrong tokens lately.
func (g *Gate) Heard(client netip.Addr, now time.Time) bool { return g.strangers.heard(client, now) }

// Showed notes a token of the client, right or wrong.
func (g *Gate) Showed(client netip.Addr, right bool, now time.Time) {
	g.strangers.showed(client, right, now)
}

// Passes tells errors of Accept that are a shortage or a peer's doing: a listener waits a little and goes on.
func Passes(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// PeerOf is the address at the other end of a connection.
func PeerOf(nc net.Conn) netip.Addr {
	a, ok := nc.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return a.AddrPort().Addr().WithZone("")
}

// countedAs is an address as caps count it: of IPv6 the network of 64 bits that one machine can have all of.
func countedAs(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		p, err := a.Prefix(64)
		if err == nil {
			return p.Addr()
		}
	}
	return a
}
