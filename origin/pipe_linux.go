package origin

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A pipe sends bodies without copying them: the pages that a body lies in are put into the pipe (vmsplice) and moved on into
// the socket (splice), which keeps them until the other side has the bytes. A body then costs what sendfile makes it cost,
// and the slab needs no file.
//
// This asks of the bytes that they never change: a Body promises it for as long as somebody has it, and for ever when it is lent
// (segcache.Body.Lend). The slab may be unmapped as soon as write returns, for the pages live on, and what is written
// beside the bytes into the same page does not matter. Memory of Go's heap, which is used again, is not sent like that.
//
// Between two calls the pipe is empty: what a socket does not take is thrown away, and put in again when there is room,
// which is cheap, for it is pages and not bytes. So one pipe serves all sockets, and has nothing of theirs in it. It is
// used by one goroutine at a time.
type pipe struct {
	from, to int // descriptors of its ends
	null     int // of /dev/null
	first    sheaf
	body     sheaf
}

const (
	pipeBytes   = 256 << 10 // more gains nothing
	leastPipe   = 64 << 10  // the kernel gives a user so many pages of pipes, and small pipes then
	handedBytes = 16 << 10  // so many bytes are cheaper to hand over than to copy
	handedSlice = pageBytes // … where their slices have so many on average, for each takes a page of the pipe or two
	pageBytes   = 4 << 10   // or a multiple: what is copied for it is more then
)

// errPipe means that the pipe does not work: close it, and copy what is left.
var errPipe = errors.New("pipe")

// newPipe makes a pipe. It fails where descriptors or pages of pipes are short.
func newPipe() (*pipe, error) {
	null, err := unix.Open("/dev/null", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/null: %w", err)
	}
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		_ = unix.Close(null)
		return nil, fmt.Errorf("pipe: %w", err)
	}
	p := &pipe{from: ends[0], to: ends[1], null: null}
	if _, err := unix.FcntlInt(uintptr(p.to), unix.F_SETPIPE_SZ, pipeBytes); err != nil {
		size, _ := unix.FcntlInt(uintptr(p.to), unix.F_GETPIPE_SZ, 0)
		if size < leastPipe {
			p.close()
			return nil, fmt.Errorf("pipe of %d bytes: %w", size, err)
		}
	}
	return p, nil
}

func (p *pipe) close() {
	for _, fd := range [...]int{p.from, p.to, p.null} {
		_ = unix.Close(fd)
	}
}

// write sends before, which is copied, and behind it the bytes of body, which has some and stays where it is, over a socket
// that does not block. It returns how many bytes the socket took: where that is not all of them, it is full. errPipe
// comes with the bytes that were taken all the same; any other error is the connection's end. It does not allocate once it
// has seen a body of as many slices.
//
// Behind before, what of the body stands in its first page is copied, too. A segment of TCP takes 17 pieces of pages, and one
// of 64 KiB fills them even if it begins where a page does: with one piece more it leaves short, which costs a sender that
// paces itself (BBR) a timer each.
func (p *pipe) write(fd int, before []byte, body [][]byte) (written int64, err error) {
	p.body.iovecs = p.body.iovecs[:0]
	left := 0
	for _, b := range body {
		left += p.body.add(b)
	}
	vector := p.body.iovecs
	defer clear(vector)
	if len(before) > 0 {
		at := vector[0].Base
		lead := int(-uintptr(unsafe.Pointer(at)) % pageBytes)
		lead = min(lead, int(vector[0].Len), left-1)
		n, err := p.copy(fd, before, unsafe.Slice(at, lead))
		if n < len(before)+lead || err != nil {
			return int64(n), err
		}
		written, left, vector = int64(n), left-lead, advance(vector, lead)
	}
	for left > 0 {
		filled, err := p.fill(vector)
		if err != nil {
			return written, err
		}
		n, err := p.drain(fd, filled, left > filled)
		written += int64(n)
		if n < filled || err != nil {
			return written, err
		}
		left, vector = left-n, advance(vector, n)
	}
	return written, nil
}

// advance takes n bytes off the front of a vector.
func advance(vector []unix.Iovec, n int) []unix.Iovec {
	for n > 0 && n >= int(vector[0].Len) {
		n -= int(vector[0].Len)
		vector = vector[1:]
	}
	if n > 0 {
		v := &vector[0]
		v.Base = (*byte)(unsafe.Add(unsafe.Pointer(v.Base), n))
		v.SetLen(int(v.Len) - n)
	}
	return vector
}

// copy sends before and lead, behind which more will come.
func (p *pipe) copy(fd int, before, lead []byte) (int, error) {
	p.first.iovecs = p.first.iovecs[:0]
	size := p.first.add(before) + p.first.add(lead)
	return p.first.send(fd, size, sendFlags|unix.MSG_MORE)
}

// fill puts pages into the pipe, which is empty, and returns how many bytes found room.
func (p *pipe) fill(vector []unix.Iovec) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_VMSPLICE, uintptr(p.to), uintptr(unsafe.Pointer(&vector[0])), uintptr(len(vector)), unix.SPLICE_F_NONBLOCK, 0, 0)
	if errno != 0 {
		return 0, fmt.Errorf("%w: vmsplice: %w", errPipe, errno)
	}
	return int(n), nil
}

// drain moves the n bytes of the pipe into a socket, as many as that takes, and throws the others away. More says whether
// more follow them.
func (p *pipe) drain(fd, n int, more bool) (written int, err error) {
	flags := unix.SPLICE_F_NONBLOCK
	if more {
		flags |= unix.SPLICE_F_MORE
	}
	for written < n {
		m, err := p.move(fd, n-written, flags)
		if m == 0 {
			return written, errors.Join(err, p.empty(n-written))
		}
		written += m
	}
	return written, nil
}

// empty throws away the n bytes that the pipe has.
func (p *pipe) empty(n int) error {
	for n > 0 {
		m, err := p.move(p.null, n, unix.SPLICE_F_NONBLOCK)
		if m == 0 {
			return fmt.Errorf("%w: %d bytes stay in it: %w", errPipe, n, err)
		}
		n -= m
	}
	return nil
}

// move moves up to n bytes from the pipe to fd, and returns how many; 0: fd is full.
func (p *pipe) move(fd, n, flags int) (int, error) {
	for {
		var m uintptr
		var errno unix.Errno
		if n <= quickBytes {
			m, _, errno = unix.RawSyscall6(unix.SYS_SPLICE, uintptr(p.from), 0, uintptr(fd), 0, uintptr(n), uintptr(flags))
		} else {
			m, _, errno = unix.Syscall6(unix.SYS_SPLICE, uintptr(p.from), 0, uintptr(fd), 0, uintptr(n), uintptr(flags))
		}
		switch errno {
		case unix.EINTR:
		case unix.EINVAL, unix.ENOSYS, unix.EPERM, unix.ENOMEM: // not what a connection ends with
			return 0, fmt.Errorf("%w: splice: %w", errPipe, errno)
		default:
			return taken(m, errno)
		}
	}
}
