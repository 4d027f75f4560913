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
		if len(b) > 0 && len(h.iovecs) < mostVectors {
			v := unix.Iovec{Base: &b[0]}
			v.SetLen(len(b))
			h.iovecs, size = append(h.iovecs, v), size+len(b)
		}
	}
	if size == 0 {
		return 0, nil
	}
	h.message.Iov = &h.iovecs[0]
	h.message.SetIovlen(len(h.iovecs))
	defer clear(h.iovecs)
	for {
		var n uintptr
		var errno unix.Errno
		if size <= quickBytes {
			n, _, errno = unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&h.message)), sendFlags)
		} else {
			n, _, errno = unix.Syscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&h.message)), sendFlags)
		}
		switch errno {
		case 0:
			return int64(n), nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, nil
		default:
			return 0, errno
		}
	}
}

const sendFlags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL
