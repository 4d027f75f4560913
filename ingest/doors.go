package ingest

import (
	"crypto/sha256"
	"net/netip"
	"strings"
	"sync/atomic"
)

// A Door is one way in for encoders: the access token of a live event, and who may use it.
type Door struct {
	Channel *Channel
	// Allow lists the addresses that may push. nil: any; empty: none (the AMS meaning of a present but empty list).
	Allow []netip.Prefix
}

// Admits tells whether an encoder at addr may use the door.
func (d *Door) Admits(addr netip.Addr) bool {
	if d.Allow == nil {
		return true
	}
	addr = addr.Unmap()
	for _, p := range d.Allow {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// Doors is the immutable table of doors that control/reconcile builds. Look-ups take one atomic load.
//
// Tokens are looked up by their hashes, so that the time that a look-up takes tells nothing of how near a guess was.
type Doors struct {
	byToken map[[sha256.Size]byte]*Door
}

// NewDoors makes a table from access token to door. Tokens compare without case and hyphens, as GUIDs are written.
func NewDoors(byToken map[string]*Door) *Doors {
	d := &Doors{byToken: make(map[[sha256.Size]byte]*Door, len(byToken))}
	for token, door := range byToken {
		d.byToken[hashToken(token)] = door
	}
	return d
}

// Find returns the door of an access token, or nil.
func (d *Doors) Find(token string) *Door {
	if d == nil {
		return nil
	}
	return d.byToken[hashToken(token)]
}

func hashToken(token string) [sha256.Size]byte { return sha256.Sum256([]byte(CanonicalToken(token))) }

// CanonicalToken is the form under which tokens are compared: lower case, without hyphens.
func CanonicalToken(token string) string {
	return strings.ToLower(strings.ReplaceAll(token, "-", ""))
}

// DoorTable holds the doors in force; control/reconcile stores, the listeners load.
type DoorTable struct{ atomic.Pointer[Doors] }
