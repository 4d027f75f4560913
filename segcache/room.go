package segcache

import "fmt"

// A Room is space reserved in a slab. Keep the Room while its slices are in use: slices alone do not keep memory mapped.
type Room struct {
	slab     *slab
	off      uint32 // of the head in the slab
	head, to uint32 // payload starts at off+head and ends at off+to
}

// Head is the space before the payload: write the re-timed moof and the mdat header into its end.
func (r Room) Head() []byte { return r.slab.buf[r.off : r.off+r.head : r.off+r.head] }

// Payload is the space to read the socket into. It starts where Head ends.
func (r Room) Payload() []byte {
	return r.slab.buf[r.off+r.head : r.off+r.to : r.off+r.to]
}

// Len is the length of head and payload in bytes.
func (r Room) Len() int { return int(r.to) }

// Extent names bytes [from,to) of the room, counted from the first byte of Head. It panics outside of the room.
func (r Room) Extent(from, to int) Extent {
	if from < 0 || to < from || to > int(r.to) {
		panic(fmt.Sprintf("segcache: extent [%d,%d) of a room of %d bytes", from, to, r.to))
	}
	return Extent{slab: r.slab, off: r.off + uint32(from), n: uint32(to - from)}
}

// An Extent is a run of bytes in a slab, and keeps them mapped. The zero Extent is empty.
type Extent struct {
	slab   *slab
	off, n uint32
}

// Len is the extent's length in bytes.
func (e Extent) Len() int { return int(e.n) }

// Bytes are the extent's bytes; keep the Extent while they are in use.
func (e Extent) Bytes() []byte {
	if e.slab == nil {
		return nil
	}
	return e.slab.buf[e.off : e.off+e.n : e.off+e.n]
}
