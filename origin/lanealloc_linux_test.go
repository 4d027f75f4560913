//go:build !race

package origin

import (
	"fmt"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/segcache"
)

// A bareClient is a blocking socket that costs nothing to read and write.
type bareClient struct {
	fd  int
	buf []byte
}

// bareClients are clients of an address.
func bareClients(t testing.TB, addr string, n int) []bareClient {
	t.Helper()
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	clients := make([]bareClient, n)
	for i := range clients {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		limit := unix.NsecToTimeval(int64(10 * time.Second))
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit); err != nil {
			t.Fatal(err)
		}
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil {
			t.Fatal(err)
		}
		clients[i] = bareClient{fd, make([]byte, 64<<10)}
	}
	return clients
}

// send sends a request.
func (c *bareClient) send(t testing.TB, b []byte) {
	if _, err := unix.Write(c.fd, b); err != nil {
		t.Fatal(err)
	}
}

// receive reads an answer that has a length.
func (c *bareClient) receive(t testing.TB) {
	for n := 0; ; {
		m, err := unix.Read(c.fd, c.buf[n:])
		if err != nil || m == 0 {
			t.Fatalf("%d, %v after %q", m, err, c.buf[:n])
		}
		n += m
		if head := headerEnd(c.buf[:n]); head > 0 && n >= head+contentLength(c.buf[:head]) {
			return
		}
	}
}

// TestLaneReleaseDoesNotAllocate: a waiter that is released over a socket costs nothing but its answer: fifty cost what one
// costs.
func TestLaneReleaseDoesNotAllocate(t *testing.T) {
	s, c := newLowServer(t)
	clients := bareClients(t, serve(t, s), 51)
	n, k := uint64(openN), openParts
	var request []byte
	run := func(clients []bareClient) float64 {
		return testing.AllocsPerRun(50, func() {
			request = append(append(request[:0], "GET "+videoList+"?_HLS_msn="...), strconv.FormatUint(n, 10)...)
			request = append(strconv.AppendInt(append(request, "&_HLS_part="...), int64(k), 10), " HTTP/1.1\r\nHost: x\r\n\r\n"...)
			for i := range clients {
				clients[i].send(t, request)
			}
			for s.metrics.waiting.Load() < int64(len(clients)) {
				time.Sleep(50 * time.Microsecond)
			}
			c.part(c.video, n, k)
			if k++; k == partsOfSegment {
				c.end(c.video, n, false)
				n, k = n+1, 0
			}
			c.Publish()
			for i := range clients {
				clients[i].receive(t)
			}
		})
	}
	run(clients) // grows what is kept
	one, many := run(clients[:1]), run(clients)
	if perWaiter := (many - one) / 50; perWaiter > 0.1 { // a rare growth of a ring or a slab, the pool after a collection
		t.Errorf("%v allocations a released waiter, want 0; %v for one, %v for 51", perWaiter, one, many)
	}
}

// TestLaneFollowDoesNotAllocate: a chunk of a growing segment for one more follower costs no memory.
func TestLaneFollowDoesNotAllocate(t *testing.T) {
	s, c := newTestServer(t, Config{}, 5000, 3)
	clients := bareClients(t, serve(t, s), 51)
	run := func(clients []bareClient) float64 {
		k := 0
		grow := func() {
			room, err := c.arena.Reserve(8, 992)
			if err != nil {
				t.Fatal(err)
			}
			at := int64(c.next)*videoSegment + int64(k)
			if err := c.video.Commit(segcache.Chunk{
				N: c.next, Slot: int64(c.next), Start: at, End: at + 1, Sync: k == 0, First: k == 0, Arrived: segcache.Clock(),
				Extents: [2]segcache.Extent{room.Extent(0, 1000)}, NumExtents: 1,
			}); err != nil {
				t.Fatal(err)
			}
			k++
			for i := range clients {
				for total := 0; total < 1000; { // with the header, the first is more than a thousand bytes
					m, err := unix.Read(clients[i].fd, clients[i].buf)
					if err != nil || m == 0 {
						t.Fatalf("%d, %v", m, err)
					}
					total += m
				}
			}
		}
		request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", videoPath(c.next))
		for i := range clients {
			clients[i].send(t, request)
		}
		waitFor(t, func() bool { return s.metrics.waiting.Load() == int64(len(clients)) })
		grow()
		allocations := testing.AllocsPerRun(100, grow)
		start := int64(c.next) * videoSegment
		if err := c.video.Complete(c.next, start, start+videoSegment); err != nil {
			t.Fatal(err)
		}
		for i := range clients {
			if m, err := unix.Read(clients[i].fd, clients[i].buf); err != nil || string(clients[i].buf[:m]) != string(lastChunk) {
				t.Fatalf("%q, %v", clients[i].buf[:m], err)
			}
		}
		if err := c.video.List(segcache.Entry{N: c.next, Slot: int64(c.next), Start: start, End: start + videoSegment}); err != nil {
			t.Fatal(err)
		}
		c.next++
		<-c.publish()
		return allocations
	}
	run(clients)
	one, many := run(clients[:1]), run(clients)
	if perFollower := (many - one) / 50; perFollower > 0.1 {
		t.Errorf("%v allocations a chunk and follower, want 0; %v for one, %v for 51", perFollower, one, many)
	}
	t.Logf("%v allocations a chunk for one follower, %v for 51", one, many)
}
