package ingest

import "time"

// A Route lets a body find its stream by what is in it. Encoders that PUT one object after the other open requests long
// before they send anything: whose segment it will be may be known only when its first bytes come.
type Route struct {
	Path string // of the object, below the publishing point: a header is remembered under it
	// Find names the stream that segments under the body's path belong to; ok is false where that is not known (yet).
	// Asked at the first fragment of a body that has brought no header.
	Find func() (stream string, ok bool)
	// Header is told that the body has brought a header, which belongs to the stream that it was attached to; and again,
	// with media, when a fragment follows in the same body.
	Header func(media bool)
}

// Follow makes the connection go where the route says. Call it before ReadBody.
func (conn *Conn) Follow(r Route) { conn.route = r }

// headerWait is how long a segment waits for its header, while another connection of the stream is there to bring it: ffmpeg
// ends the one and begins the other at the same moment, on two connections.
const (
	headerWait = 2 * time.Second
	headerLook = 10 * time.Millisecond
)

// hasHeader opens the stream's tracks for a body that goes on with fragments, and tells whether a header is known.
func (conn *Conn) hasHeader() bool {
	if told := conn.route.Header; told != nil && conn.brought {
		conn.route.Header = nil
		told(true)
	}
	if find := conn.route.Find; find != nil {
		conn.route.Find = nil
		if name, ok := find(); ok && name != conn.s.name && !conn.move(name) {
			return false
		}
	}
	for waited := time.Duration(0); ; waited += headerLook {
		known, mayCome := conn.lookForHeader()
		if known || !mayCome || waited >= headerWait {
			return known
		}
		if conn.Pause(headerLook) != nil {
			return false
		}
	}
}

// lookForHeader tells whether the stream has a header, and else whether somebody may be about to bring it.
func (conn *Conn) lookForHeader() (known, mayCome bool) {
	s, c := conn.s, conn.s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(s.inputs) == 0 {
		return false, !conn.exclusive && len(s.conns) > 1
	}
	conn.idle = s.patience()
	s.openInputs()
	return true, false
}

// tookHeader ends the search of a body that has brought a header.
func (conn *Conn) tookHeader() {
	conn.route.Find, conn.brought = nil, true
	if told := conn.route.Header; told != nil {
		told(false)
	}
}

// move attaches the connection to another stream of its channel.
func (conn *Conn) move(name string) bool {
	c := conn.s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	to, err := c.stream(name, conn.s.source)
	if err != nil {
		return false
	}
	conn.s.part(conn)
	to = to.rooted()
	conn.s = to
	to.conns[conn] = struct{}{}
	to.lingerUntil = 0
	return true
}

// part takes a connection from the stream. A stream that nobody feeds and that has never had a header is forgotten: it
// was a name and nothing else. Called with mu held.
func (s *Stream) part(conn *Conn) {
	delete(s.conns, conn)
	if len(s.conns) == 0 && s.header == nil && s.c.streams[s.key()] == s {
		delete(s.c.streams, s.key())
	}
}

// rooted is the stream that the channel knows under the name: this one again where it was forgotten meanwhile, or the one
// that has taken its place. Called with mu held.
func (s *Stream) rooted() *Stream {
	if other := s.c.streams[s.key()]; other != nil {
		return other
	}
	s.c.streams[s.key()] = s
	return s
}

// linger is how long the stream counts as alive without requests: longer where its segments are long, for an encoder that
// sends them whole is silent between them.
func (s *Stream) linger() time.Duration {
	return max(s.c.limits.SessionLinger, 2*min(s.longest, s.c.limits.Idle))
}
