package origin

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPaced(t *testing.T) {
	for name, want := range map[string]bool{"bbr": true, "cubic": false, "reno": false} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		raw, err := ln.(*net.TCPListener).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var set error
		if err := raw.Control(func(fd uintptr) {
			set = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, name)
		}); err != nil {
			t.Fatal(err)
		}
		if set == nil && paced(ln) != want { // else this kernel has none, or not for us
			t.Errorf("%s is paced: %v", name, !want)
		}
	}
	if paced(struct{ net.Listener }{}) {
		t.Error("a listener of another kind is paced")
	}
}
