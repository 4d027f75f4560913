package smooth

import "weir/manifest"

// common yields the chunks that all levels of a stream have, in order, as runs without holes, in the times of the first
// level.
func common(levels []level, stream int, yield func(manifest.Run)) {
	first := in(levels, stream, 0)
	lead := &levels[first]
	for i := range levels {
		levels[i].run = 0
	}
	for n := lead.from; ; {
		r := lead.next(n)
		if r.Count == 0 {
			return
		}
		n = r.N
		for i := in(levels, stream, first+1); i < len(levels) && r.Count > 0; i = in(levels, stream, i+1) {
			o := levels[i].next(n)
			switch {
			case o.Count == 0:
				return
			case o.N > n: // it lacks n: on to what it has
				n, r.Count = o.N, 0
			case o.Start != r.Start: // cut elsewhere
				n, r.Count = n+1, 0
			case o.Duration != r.Duration:
				r.Count = 1
			default:
				r.Count = min(r.Count, o.Count)
			}
		}
		if r.Count > 0 {
			yield(r)
			n = r.End()
		}
	}
}

// countChunks is how many chunks a stream has.
func countChunks(levels []level, stream int) (n int) {
	common(levels, stream, func(r manifest.Run) { n += r.Count })
	return n
}

// appendChunks appends the c elements of a stream.
//
// A chunk before a hole says no duration: the next one says its time, and clients reckon the difference, which leads them
// over the hole as the chain of successors does. (A timeline with a hole in it is where players wait.)
func appendChunks(dst []byte, levels []level, stream int, repeat bool) []byte {
	var c chunks
	c.repeat = repeat
	common(levels, stream, func(r manifest.Run) { dst = c.add(dst, r) })
	return c.flush(dst, false)
}

// chunks gathers c elements.
type chunks struct {
	repeat bool
	run    manifest.Run // not written yet; Count 0: nothing
	told   bool         // a reader knows where run starts
}

// add takes the next run, and appends what is complete now.
func (c *chunks) add(dst []byte, r manifest.Run) []byte {
	follows := c.run.Count > 0 && r.Start == c.run.EndTicks()
	if follows && r.Duration == c.run.Duration {
		c.run.Count += r.Count
		return dst
	}
	dst = c.flush(dst, c.run.Count > 0 && !follows)
	c.run, c.told = r, follows
	return dst
}

// flush appends the gathered run; hole tells that what follows does not start where it ends.
func (c *chunks) flush(dst []byte, hole bool) []byte {
	whole := c.run.Count // chunks that say their duration
	if hole {
		whole--
	}
	start := c.run.Start
	for n := 0; n < c.run.Count; {
		count := 1
		if c.repeat && n < whole {
			count = whole - n
		}
		dst = append(dst, `  <c`...)
		if n == 0 && !c.told {
			dst = manifest.AppendNumber(dst, "t", start)
		}
		if n < whole {
			dst = manifest.AppendNumber(dst, "d", c.run.Duration)
		}
		if count > 1 {
			dst = manifest.AppendNumber(dst, "r", int64(count))
		}
		dst = append(dst, "/>\n"...)
		n += count
	}
	c.run.Count = 0
	return dst
}
