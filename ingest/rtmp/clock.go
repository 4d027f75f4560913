package rtmp

// A clock unwraps the times of a connection's messages: milliseconds in 32 bits, which start over after 49.7 days. Audio and
// video share it. Source: RTMP 1.0, 3 (timestamps compare by serial number arithmetic).
type clock struct {
	last int64
	runs bool
}

// at is the time of a message on a scale that does not wrap. It goes back where the encoder's clock does.
func (c *clock) at(time uint32) int64 {
	if !c.runs {
		c.last, c.runs = int64(time), true
		return c.last
	}
	c.last += int64(int32(time - uint32(c.last)))
	return c.last
}

// A counter gives frames of a known length the times that they would have by count, where their stamps stagger: some
// encoders stamp audio with the time at which it left them. Stamps that are rounded, and no more, stay as they are, so that
// all nodes see the same; so does a jump. In between the count follows the stamps slowly, which is how drift is corrected.
//
// Rule: docs/time.md, section 1 (the grid puts every frame on its exact place, if it lies within half a frame of it).
type counter struct {
	frame int64 // ns; 0: not known, stamps count
	at    int64 // ns, of the newest frame
	n     int64 // frames so far, up to following
}

const (
	millisecond = 1_000_000
	rounded     = 2 * millisecond  // what rounding can do
	staggered   = 40 * millisecond // more is a jump, or a hole
	following   = 16               // the part of an error that is corrected at once, after as many frames
)

// time is the time of the frame that follows, in milliseconds, by its stamp.
func (c *counter) time(stamp int64) int64 {
	at := stamp * millisecond
	if c.n > 0 && c.frame != 0 {
		counted := c.at + c.frame
		if d := at - counted; (d > rounded || d < -rounded) && d <= staggered && d >= -staggered {
			at = counted + d/(c.n+1)
		}
	}
	c.at, c.n = at, min(c.n+1, following-1)
	return (at + millisecond/2) / millisecond
}
