//go:build linux && !race

package origin

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestWaitingMemory: a request that waits takes 4 KB of memory at most, its connection included. The
// clients are sockets and nothing else, so that the process grows by the server's side.
func TestWaitingMemory(t *testing.T) {
	const waiters, most = 4000, 4000
	s, _ := newLowServer(t)
	addr, err := netip.ParseAddrPort(serve(t, s))
	if err != nil {
		t.Fatal(err)
	}
	request := fmt.Appendf(nil, "GET %s?_HLS_msn=%d&_HLS_part=%d HTTP/1.1\r\nHost: localhost:8080\r\nAccept: */*\r\n"+
		"Accept-Encoding: gzip, deflate, br\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n\r\n", videoList, openN, openParts)
	runtime.GC()
	before := residentBytes(t)
	for range waiters {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.Write(fd, request); err != nil {
			t.Fatal(err)
		}
	}
	for began := time.Now(); s.metrics.waiting.Load() < waiters; time.Sleep(time.Millisecond) {
		if time.Since(began) > 3*time.Second {
			t.Skipf("%d of %d requests wait: the machine is too busy to have them all at once", s.metrics.waiting.Load(), waiters)
		}
	}
	each := (residentBytes(t) - before) / waiters
	t.Logf("%d bytes each", each)
	if each > most {
		t.Errorf("a waiting request takes %d bytes, want %d at most", each, most)
	}
}

// residentBytes is the memory of this process that no file is behind.
func residentBytes(t *testing.T) int64 {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "RssAnon:")
	line, _, _ := strings.Cut(rest, "kB")
	kib, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}
