package media

import "encoding/binary"

// writer writes boxes of headers.
type writer struct{ b []byte }

func (w *writer) u8(v uint8)      { w.b = append(w.b, v) }
func (w *writer) u16(v uint16)    { w.b = binary.BigEndian.AppendUint16(w.b, v) }
func (w *writer) u32(v uint32)    { w.b = binary.BigEndian.AppendUint32(w.b, v) }
func (w *writer) bytes(v []byte)  { w.b = append(w.b, v...) }
func (w *writer) string(v string) { w.b = append(w.b, v...) }
func (w *writer) zero(n int)      { w.b = append(w.b, make([]byte, n)...) }

// open starts a box; close with what it returns ends it.
func (w *writer) open(kind string) int {
	at := len(w.b)
	w.u32(0)
	w.string(kind)
	return at
}

func (w *writer) close(at int) { binary.BigEndian.PutUint32(w.b[at:], uint32(len(w.b)-at)) }

// full starts a box with version and flags.
func (w *writer) full(kind string, version uint8, flags uint32) int {
	at := w.open(kind)
	w.u32(uint32(version)<<24 | flags)
	return at
}

// descriptor starts an MPEG-4 descriptor of that size.
func (w *writer) descriptor(tag byte, size int) {
	w.bytes([]byte{tag, 0x80 | byte(size>>21&0x7f), 0x80 | byte(size>>14&0x7f), 0x80 | byte(size>>7&0x7f), byte(size & 0x7f)})
}
