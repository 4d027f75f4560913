package ingest

import (
	"slices"
	"strings"
	"time"

	"weir/ingest/timeline"
)

// The sources that need no configuration, in order of rank: Primary is what an encoder is that does not say.
const (
	Primary   = timeline.DefaultSource
	Secondary = "secondary"
)

// maxSources bounds how many sources one channel may have: their names come from encoders' URLs.
const maxSources = 8

// SourceStream finds or makes the stream of that name which a source brings: one of several encoders that send the same, or
// one of an encoder's ways. Tracks are the same whichever source brings them; each source has streams and connections of
// its own. "" is Primary. It fails with ErrTooMany where the channel has as many streams or sources as it may.
func (c *Channel) SourceStream(name, source string) (*Stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stream(name, source)
}

// KnownSource returns the stream of that name which a source brings, or nil.
func (c *Channel) KnownSource(name, source string) *Stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.streams[streamKey(name, source)]
}

// stream is SourceStream. Called with mu held.
func (c *Channel) stream(name, source string) (*Stream, error) {
	if source == "" {
		source = Primary
	}
	s := c.streams[streamKey(name, source)]
	if s == nil {
		if len(c.streams) >= c.limits.ChannelTracks && !c.forgetStream() || !c.mayBeSource(source) {
			return nil, ErrTooMany
		}
		s = &Stream{c: c, name: name, source: source, conns: map[*Conn]struct{}{}}
		c.streams[s.key()] = s
	}
	return s, nil
}

// mayBeSource counts the sources that a channel has had.
func (c *Channel) mayBeSource(source string) bool {
	if slices.Contains(c.sources, source) {
		return true
	}
	if len(c.sources) >= maxSources {
		return false
	}
	c.sources = append(c.sources, source)
	return true
}

// key is what the channel knows a stream by, and its header in the store. No name has an @.
func (s *Stream) key() string { return streamKey(s.name, s.source) }

func streamKey(name, source string) string {
	if source == "" || source == Primary {
		return name
	}
	return name + "@" + source
}

// ofKey takes a stream's key apart.
func ofKey(key string) (name, source string) {
	name, source, named := strings.Cut(key, "@")
	if !named {
		source = Primary
	}
	return name, source
}

// From tells whose connection it is, where its URL names no source. A second encoder that pushes to the same URL from another
// address, while the first delivers, is then the secondary by order of arrival; one from the same address is the same encoder,
// and takes over. Call it before ReadBody.
func (conn *Conn) From(peer string) { conn.peer = peer }

// yield makes a connection the secondary's where another encoder feeds its stream. It returns the stream that is the
// connection's. Called with mu held.
func (conn *Conn) yield() *Stream {
	s, c := conn.s, conn.s.c
	if !conn.exclusive || conn.peer == "" || s.source != Primary {
		return s
	}
	now := c.deps.Now()
	for other := range s.conns {
		if other == conn || !other.took || other.peer == "" || other.peer == conn.peer || now-other.heard > int64(max(deliversFor, 2*s.longest)) {
			continue
		}
		to, err := c.stream(s.name, Secondary)
		if err != nil {
			return s
		}
		c.log.Warn("a second encoder pushes under one name: it is the secondary, by order of arrival (give each a source in its URL)",
			"stream", s.name, "first", other.peer, "second", conn.peer)
		s.part(conn)
		to = to.rooted()
		if to.header == nil {
			to.hints = s.hints
		}
		conn.s = to
		to.conns[conn] = struct{}{}
		return to
	}
	return s
}

// deliversFor is how long after its newest fragment an encoder counts as one that delivers.
const deliversFor = 2 * time.Second

// rank is the place of a source in the configured order, or else behind it: primary, secondary, then all others alike (which
// the timeline orders by name).
func (c *Channel) rank(source string) int {
	if i := slices.Index(c.ranking, source); i >= 0 {
		return i
	}
	switch source {
	case Primary:
		return len(c.ranking)
	case Secondary:
		return len(c.ranking) + 1
	}
	return len(c.ranking) + 2
}

// served carries out a change of source. Called with mu held.
func (c *Channel) served(ev *timeline.Event) {
	t := c.tracks[ev.Track]
	if t == nil {
		return
	}
	t.sources.change(ev)
	text := "another source is served from this segment on"
	if ev.Why == timeline.WhyReturn {
		c.log.Info(text, "track", ev.Track, "segment", ev.N, "source", ev.Source, "before", ev.Text, "why", string(ev.Why))
		return
	}
	c.log.Warn(text, "track", ev.Track, "segment", ev.N, "source", ev.Source, "before", ev.Text, "why", string(ev.Why))
}

// servings counts which sources a track was served from. They belong to Channel.mu.
type servings struct {
	slots   map[string]int64 // segments listed as media, by source
	changes map[timeline.Why]int64
	newest  string // source of the newest segment that was listed
}

func (s *servings) change(ev *timeline.Event) {
	if s.changes == nil {
		s.changes = map[timeline.Why]int64{}
	}
	s.changes[ev.Why]++
}

// list takes note of a segment that is listed.
func (s *servings) list(source string, gap bool) {
	s.newest = source
	if gap {
		return
	}
	if s.slots == nil {
		s.slots = map[string]int64{}
	}
	if _, known := s.slots[source]; known || len(s.slots) < maxSources {
		s.slots[source]++
	}
}
