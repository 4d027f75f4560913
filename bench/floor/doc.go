// Package floor holds the servers that an origin is measured against: a relay that takes a chunked CMAF POST and copies
// each chunk to the GETs that are open, and does nothing else (Relay), the same as one writes it without haste or care (Plain),
// and a bare server of the library that weir's
// listener stands on, which answers stored bytes and holds and releases requests (Bare). They check little, keep no state
// across a restart and must not be used for anything but measuring.
package floor
