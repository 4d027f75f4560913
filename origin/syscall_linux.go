package origin

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// System calls of lanes. None of them blocks, and those that are over soon do not tell Go's scheduler of themselves: that
// costs as much as they do.

// epollEdge is EPOLLET, whose constant is negative.
const epollEdge = 1 << 31

const (
	mostVectors = 1024     // IOV_MAX
	quickBytes  = 64 << 10 // a write of so many is over soon
)

// epollReady fetches the events that are there, and does not wait for any.
func epollReady(fd int, events []unix.EpollEvent) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(fd), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	if errno != 0 { // EINTR, or a lane that was closed
		return 0
	}
	return int(n)
}

// readNow reads what is there; EAGAIN: nothing is.
func readNow(fd int, b []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, unix.EAGAIN
		default:
			return 0, errno
		}
	}
}

// A sheaf is the kernel's form of slices that are written together. The zero sheaf is ready.
type sheaf struct {
	message unix.Msghdr
	iovecs  []unix.Iovec
}

// write writes as much of vector as the socket takes now, and returns how much that was.
func (h *sheaf) write(fd int, vector [][]byte) (written int64, err error) {
	h.iovecs = h.iovecs[:0]
	size := 0
	for _, b := range vector {
		size += h.add(b)
	}
	if size == 0 {
		return 0, nil
	}
	n, err := h.send(fd, size, sendFlags)
	return int64(n), err
}

// add adds a slice, and returns its length; 0: there is no room for it.
func (h *sheaf) add(b []byte) int {
	if len(b) == 0 || len(h.iovecs) == mostVectors {
		return 0
	}
	v := unix.Iovec{Base: &b[0]}
	v.SetLen(len(b))
	h.iovecs = append(h.iovecs, v)
	return len(b)
}

// send sends the slices, which are of size bytes and forgotten then, and returns how much the socket took; 0: it is full.
func (h *sheaf) send(fd, size int, flags uintptr) (int, error) {
	h.message.Iov = &h.iovecs[0]
	h.message.SetIovlen(len(h.iovecs))
	defer clear(h.iovecs)
	for {
		var n uintptr
		var errno unix.Errno
		if size <= quickBytes {
			n, _, errno = unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&h.message)), flags)
		} else {
			n, _, errno = unix.Syscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&h.message)), flags)
		}
		if errno != unix.EINTR {
			return taken(n, errno)
		}
	}
}

// taken is what a call says that hands a socket bytes: how many it took; none, where it is full.
func taken(n uintptr, errno unix.Errno) (int, error) {
	switch errno {
	case 0:
		return int(n), nil
	case unix.EAGAIN:
		return 0, nil
	}
	return 0, errno
}

const sendFlags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL

// unsent is how many bytes the kernel has of what a socket was to send: not sent, or not acknowledged.
func unsent(fd int) int {
	var n int32
	_, _, _ = unix.RawSyscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCOUTQ, uintptr(unsafe.Pointer(&n))) // it cannot fail on a TCP socket
	return int(n)
}

// reset has the next close throw away what is unsent, and tell the other side.
func reset(fd int) {
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
}
