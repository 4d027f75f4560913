package origin

import "syscall"

// readSocket reads; sockets are not read like that here.
func readSocket(fd uintptr, b []byte) (int, error) { return syscall.Read(syscall.Handle(fd), b) }
