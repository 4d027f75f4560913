package origin

import (
	"net"
	"strings"

	"golang.org/x/sys/unix"
)

// paced tells whether a listener's connections pace themselves, as BBR does: they send no faster than the rate that they find the
// network to have.
func paced(ln net.Listener) bool {
	tl, ok := ln.(*net.TCPListener)
	if !ok {
		return false
	}
	raw, err := tl.SyscallConn()
	if err != nil {
		return false
	}
	name := ""
	_ = raw.Control(func(fd uintptr) {
		name, _ = unix.GetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION)
	})
	return strings.HasPrefix(name, "bbr")
}
