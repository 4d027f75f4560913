package origin

import (
	"sync"
	"sync/atomic"

	"weir/segcache"
)

// A Presentation is what one manifest name plays: a channel's live window. It holds what is rendered of it. Several
// locators may lead to one Presentation, and should: manifests are rendered once for all of them.
//
// Make it with NewPresentation and keep it for as long as the channel runs; Close it before the channel is closed.
// Safe for concurrent use.
type Presentation struct {
	Name      string // the manifest name as configured, without .ism
	IngestURL string // where an encoder pushes, for /page/channels.json; empty: not shown. It holds the access token

	channel *segcache.Channel
	current atomic.Pointer[snapshot]
	unhook  func()

	mu      sync.Mutex // guards history
	history history
}

// NewPresentation makes the presentation of a channel's live window, which it follows until Close.
func NewPresentation(name string, channel *segcache.Channel) *Presentation {
	p := &Presentation{Name: name, channel: channel, history: newHistory(channel.Window())}
	p.unhook = channel.OnPublish(p.follow)
	p.follow(channel.Version())
	return p
}

// Close ends the following: manifests stay as they are. Requests that are being answered are not disturbed.
func (p *Presentation) Close() { p.unhook() }

// follow makes version what manifests say from now on. The channel's notifier calls it, before it wakes who waits for
// the version; rendering is left to the first who asks.
func (p *Presentation) follow(version *segcache.Version) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.current.Load(); s != nil && version.Seq <= s.seq {
		return
	}
	p.current.Store(p.history.snapshot(version))
}
