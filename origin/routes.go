package origin

import (
	"net/netip"
	"slices"
	"time"
)

// Routes is the routing snapshot: which locator leads to which presentations. It is plain data, immutable once handed
// to Server.SetRoutes; control/reconcile builds a new one on every change of the resources, and keeps the Presentation
// of a channel across snapshots, for that is where rendered manifests are held.
type Routes struct {
	Locators map[string]*Locator // by Fold of Locator.ID
}

// A Locator is a streaming locator as the data plane sees it.
type Locator struct {
	ID            string
	Start, End    time.Time                // zero: no bound; valid from Start on, until before End
	Allow         []netip.Prefix           // who may stream; empty: everyone
	Presentations map[string]*Presentation // by Fold of the manifest name, without .ism
}

// validAt reports whether the locator has started and not expired.
func (l *Locator) validAt(now time.Time) bool {
	return (l.Start.IsZero() || !now.Before(l.Start)) && (l.End.IsZero() || now.Before(l.End))
}

// admits reports whether a puller's address may use the locator.
func (l *Locator) admits(client netip.Addr) bool {
	return len(l.Allow) == 0 || slices.ContainsFunc(l.Allow, func(p netip.Prefix) bool { return p.Contains(client) })
}
