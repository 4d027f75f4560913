//go:build unix

package origin

import "syscall"

// readSocket reads what is there; EAGAIN: nothing is.
func readSocket(fd uintptr, b []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), b)
		if err != syscall.EINTR {
			return n, err
		}
	}
}
