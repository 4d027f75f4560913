//go:build linux

package floor

import (
	"encoding/binary"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A post is a chunked body that comes: its bytes are read into a block and sent on from there. Used by the loop's
// goroutine.
type post struct {
	feed *feed
	keep time.Duration
	kept []block // oldest first, if blocks are kept

	block []byte // being read into
	used  int    // bytes of it that have come
	taken int    // bytes of it that have been looked at

	// HTTP: what of the running piece of the body is still to come. Its size stands in a line of its own.
	size  int64
	piece int64
	state uint8

	// Boxes: what is still to come of the running one.
	left int64
	head [16]byte
	have int

	chunk   [][]byte // of the running chunk, in blocks
	vector  []unix.Iovec
	sizing  []byte // the line with the chunk's size
	endings []byte
}

type block struct {
	at    time.Time
	bytes []byte
}

const (
	blockBytes = 256 << 10
	keptBytes  = 1 << 20 // a block's size where blocks are kept: fewer of them
)

// What comes next in a chunked body.
const (
	sizeLine uint8 = iota
	content
	afterContent // CR, LF
	finished
)

func newPost(f *feed, keep time.Duration) *post {
	s := &post{feed: f, keep: keep, endings: []byte("\r\n")}
	s.fresh()
	return s
}

// fresh takes another block.
func (s *post) fresh() {
	n := blockBytes
	if s.keep > 0 {
		n = keptBytes
		now := time.Now()
		for len(s.kept) > 0 && now.Sub(s.kept[0].at) > s.keep {
			s.kept = s.kept[1:]
		}
		if s.block != nil {
			s.kept = append(s.kept, block{now, s.block})
		}
	}
	s.block, s.used, s.taken = make([]byte, n), 0, 0
}

// take looks at bytes that came with the request's header.
func (s *post) take(p *peer, b []byte) {
	s.used = copy(s.block, b)
	s.look(p)
}

// read reads once, and sends on what chunks are whole.
func (s *post) read(p *peer) {
	if s.used == len(s.block) {
		s.fresh()
	}
	n, err := unix.Read(p.fd, s.block[s.used:])
	if err == unix.EAGAIN {
		return
	}
	if n <= 0 {
		p.close()
		return
	}
	s.used += n
	s.look(p)
	if s.keep == 0 && s.taken == s.used && len(s.chunk) == 0 {
		s.used, s.taken = 0, 0 // nobody needs the bytes any more
	}
}

// look takes the bytes that have come apart.
func (s *post) look(p *peer) {
	for s.taken < s.used {
		b := s.block[s.taken:s.used]
		switch s.state {
		case sizeLine:
			s.taken++
			switch c := b[0]; {
			case c == '\n' && s.size == 0:
				s.state = finished
				_, _ = unix.Write(p.fd, []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
			case c == '\n':
				s.state, s.piece, s.size = content, s.size, 0
			case c >= '0' && c <= '9':
				s.size = s.size<<4 | int64(c-'0')
			case c|0x20 >= 'a' && c|0x20 <= 'f':
				s.size = s.size<<4 | int64(c|0x20-'a'+10)
			}
		case content:
			n := int(min(int64(len(b)), s.piece))
			s.boxes(b[:n])
			s.taken += n
			if s.piece -= int64(n); s.piece == 0 {
				s.state = afterContent
			}
		case afterContent:
			s.taken++
			if b[0] == '\n' {
				s.state = sizeLine
			}
		case finished:
			s.taken = s.used
		}
	}
}

// boxes cuts a piece at the ends of mdat and moov boxes.
func (s *post) boxes(b []byte) {
	from := 0 // of what is not yet in s.chunk
	for i := 0; i < len(b); {
		if s.left > 0 {
			n := int(min(int64(len(b)-i), s.left))
			i += n
			if s.left -= int64(n); s.left > 0 {
				break
			}
			if kind := string(s.head[4:8]); kind == "mdat" || kind == "moov" {
				s.chunk = append(s.chunk, b[from:i])
				from = i
				s.flush(kind)
			}
			continue
		}
		s.head[s.have] = b[i]
		i, s.have = i+1, s.have+1
		switch size := int64(binary.BigEndian.Uint32(s.head[:])); {
		case s.have == 8 && size != 1:
			s.left, s.have = size-8, 0
		case s.have == 16:
			s.left, s.have = int64(binary.BigEndian.Uint64(s.head[8:]))-16, 0
		}
	}
	if from < len(b) {
		s.chunk = append(s.chunk, b[from:])
	}
}

// flush sends the chunk to everybody: one writev each, over one vector that all share.
func (s *post) flush(kind string) {
	if kind == "moov" {
		s.feed.header = nil
		for _, c := range s.chunk {
			s.feed.header = append(s.feed.header, c...)
		}
	}
	size := 0
	for _, c := range s.chunk {
		size += len(c)
	}
	s.sizing = append(strconv.AppendInt(s.sizing[:0], int64(size), 16), '\r', '\n')
	s.vector = appendVector(s.vector[:0], s.sizing)
	for _, c := range s.chunk {
		s.vector = appendVector(s.vector, c)
	}
	s.vector = appendVector(s.vector, s.endings)
	total := len(s.sizing) + size + len(s.endings)
	for _, v := range s.feed.viewers {
		n := 0
		if len(v.late) == 0 {
			r, _, errno := unix.RawSyscall(unix.SYS_WRITEV, uintptr(v.fd), uintptr(unsafe.Pointer(&s.vector[0])), uintptr(len(s.vector)))
			if errno == 0 {
				n = int(r)
			}
		}
		if n < total {
			s.late(v, n)
		}
	}
	clear(s.chunk)
	s.chunk = s.chunk[:0]
}

// late keeps what a viewer's socket did not take.
func (s *post) late(v *peer, skip int) {
	var rest [][]byte
	for _, c := range append(append([][]byte{s.sizing}, s.chunk...), s.endings) {
		n := min(skip, len(c))
		rest = append(rest, c[n:])
		skip -= n
	}
	v.keepLate(rest...)
}

func appendVector(v []unix.Iovec, b []byte) []unix.Iovec {
	if len(b) == 0 {
		return v
	}
	i := unix.Iovec{Base: &b[0]}
	i.SetLen(len(b))
	return append(v, i)
}
