package origin

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pages is memory that a pipe may have: mapped, and never changed again.
func pages(t testing.TB, size int) []byte {
	t.Helper()
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		b[i] = byte(i*7 + i>>12)
	}
	return b
}

// socketPair is both ends of a TCP connection: a descriptor that does not block, and what reads from it.
func socketPair(t testing.TB) (int, net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	far, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := descriptorOf(near.(*net.TCPConn))
	if err != nil {
		t.Fatal(err)
	}
	_ = near.Close()
	t.Cleanup(func() { _ = far.Close() })
	return fd, far
}

func testPipe(t testing.TB) *pipe {
	t.Helper()
	p, err := newPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

// left is how many bytes a pipe has.
func (p *pipe) left(t testing.TB) int {
	t.Helper()
	n, err := unix.IoctlGetInt(p.from, unix.TIOCINQ)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// room waits until a socket takes more.
func room(fd int) {
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 1000)
}

// sendAll sends before and body as a lane does.
func sendAll(t testing.TB, p *pipe, fd int, before []byte, body [][]byte) (calls int, err error) {
	all := append([][]byte{before}, body...)
	left := int64(0)
	for _, b := range all {
		left += int64(len(b))
	}
	for {
		calls++
		n, err := p.write(fd, all[0], all[1:])
		if p.left(t) != 0 {
			t.Fatalf("%d bytes were left in the pipe", p.left(t))
		}
		if left -= n; left == 0 || err != nil {
			return calls, err
		}
		if h := int64(len(all[0])); n < h {
			all[0] = all[0][n:]
		} else {
			all = append([][]byte{nil}, beyond(append([][]byte{}, all[1:]...), n-h)...)
		}
		room(fd)
	}
}

// TestPipe sends headers and bodies of all sizes and places, in one slice and in many, to readers that are fast and slow.
func TestPipe(t *testing.T) {
	p := testPipe(t)
	memory := pages(t, 8<<20)
	rnd := rand.New(rand.NewPCG(1, 2))
	short := 0
	for i := range 120 {
		fd, far := socketPair(t)
		if i%3 == 0 {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 20_000)
		}
		before := make([]byte, rnd.IntN(2)*rnd.IntN(500))
		for i := range before {
			before[i] = byte(rnd.Int())
		}
		var body [][]byte
		for range 1 + rnd.IntN(5)*rnd.IntN(2) {
			off, n := rnd.IntN(4<<20), 1<<rnd.IntN(21)
			n = 1 + n/2 + rnd.IntN(n)
			body = append(body, memory[off:][:min(n, 4<<20)])
		}
		want := bytes.Join(append([][]byte{before}, body...), nil)
		got := make(chan []byte, 1)
		go func() {
			b := make([]byte, len(want)+1)
			n := 0
			for {
				if i%2 == 0 {
					time.Sleep(time.Duration(i) * time.Microsecond / 4)
				}
				k, err := far.Read(b[n:min(len(b), n+1<<(12+i%8))])
				if n += k; err != nil {
					got <- b[:n]
					return
				}
			}
		}()
		calls, err := sendAll(t, p, fd, before, body)
		if err != nil {
			t.Fatal(err)
		}
		short += calls - 1
		_ = unix.Close(fd)
		if g := <-got; !bytes.Equal(g, want) {
			t.Fatalf("case %d: %d bytes came that are not the %d that were sent", i, len(g), len(want))
		}
	}
	if short < 50 {
		t.Errorf("only %d writes met a full socket", short)
	}
}

// TestPipeOfOneWhoGoes: a connection that ends in the middle is that connection's end, and leaves nothing in the pipe.
func TestPipeOfOneWhoGoes(t *testing.T) {
	p := testPipe(t)
	memory := pages(t, 8<<20)
	for i := range 20 {
		fd, far := socketPair(t)
		go func() {
			_, _ = io.CopyN(io.Discard, far, int64(i)*100_000)
			_ = far.(*net.TCPConn).SetLinger(i % 2) // a reset, or what is unread makes it one
			_ = far.Close()
		}()
		_, err := sendAll(t, p, fd, []byte("header"), [][]byte{memory})
		if err == nil || errors.Is(err, errPipe) {
			t.Errorf("sending to one who has gone ended with %v", err)
		}
		_ = unix.Close(fd)
	}
}

// TestPipeBreaks: what does not work is the pipe, and not the connection.
func TestPipeBreaks(t *testing.T) {
	memory := pages(t, 1<<20)
	for _, broken := range []func(*pipe) *int{
		func(p *pipe) *int { return &p.to },
		func(p *pipe) *int { return &p.null },
	} {
		p := testPipe(t)
		fd, _ := socketPair(t)
		end := broken(p)
		was := *end
		*end = fd // what cannot be done with a socket
		if end == &p.null {
			*end = p.from
			room(fd)
			for {
				if n, _ := unix.Write(fd, memory); n <= 0 {
					break
				}
			}
		}
		if n, err := p.write(fd, nil, [][]byte{memory}); !errors.Is(err, errPipe) {
			t.Errorf("a broken pipe took %d bytes and said %v", n, err)
		}
		*end = was
		_ = unix.Close(fd)
	}
}

// TestNoPipe: without descriptors there is none, and nothing is left open.
func TestNoPipe(t *testing.T) {
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	probe, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(probe)
	for more := range 3 {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(probe + more), Max: was.Max}); err != nil {
			t.Fatal(err)
		}
		p, err := newPipe()
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
			t.Fatal(err)
		}
		if err == nil {
			p.close()
			t.Errorf("there was a pipe with %d descriptors", more)
		}
	}
	again, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(again)
	if again != probe {
		t.Errorf("a descriptor was left open: the next is %d, and was %d", again, probe)
	}
}

func TestPipeAllocatesNothing(t *testing.T) {
	p := testPipe(t)
	fd, far := socketPair(t)
	defer unix.Close(fd)
	go func() {
		b := make([]byte, 1<<20)
		for {
			if _, err := far.Read(b); err != nil {
				return
			}
		}
	}()
	memory := pages(t, 1<<20)
	header, body := []byte("header"), [][]byte{memory[100:70_000], memory[90_000:200_000]}
	if n := testing.AllocsPerRun(200, func() {
		for left := int64(179_906); left > 0; {
			n, err := p.write(fd, header, body)
			if err != nil {
				t.Error(err)
				return
			}
			if n < left { // full: the reader gets what there is, and it is begun anew
				room(fd)
				return
			}
			left -= n
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestHandedBytesOutliveTheirSlab: answers are out, as far as weir is concerned, and nobody has their bodies any more, while
// the sockets have pages of the slabs; then the window slides, the collector runs, and other segments take the memory.
func TestHandedBytesOutliveTheirSlab(t *testing.T) {
	const size, readers = 300_000, 12
	s, c := newTestServer(t, Config{}, size, readers)
	addr := serve(t, s)
	var all []dialed
	for i := range uint64(readers) {
		r := slowly(t, addr, videoPath(firstN+i))
		all = append(all, r)
	}
	eventuallyIdle(t, s)
	for range 10 {
		c.list(0, 6, false)
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
	if ask(s, videoPath(firstN)).Status != 404 {
		t.Fatal("the segment is still in the window")
	}
	for i, r := range all {
		resp, err := http.ReadResponse(r.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if want := segmentBytes("Video", firstN+uint64(i), size); err != nil || !bytes.Equal(got, want) {
			t.Errorf("reader %d: %d bytes that differ from the segment's %d, %v", i, len(got), len(want), err)
		}
	}
}

// eventuallyIdle waits until no socket of a lane has an answer under way.
func eventuallyIdle(t *testing.T, s *Server) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		busy := 0
		s.lanes.mu.Lock()
		for _, l := range s.lanes.all {
			l.mu.Lock()
			for _, p := range l.places {
				if p.socket != nil && p.socket.state != idle {
					busy++
				}
			}
			l.mu.Unlock()
		}
		s.lanes.mu.Unlock()
		if busy == 0 {
			return
		}
	}
	t.Fatal("answers are still under way")
}

// TestManyHandedAnswers: many readers at the same time get the ranges that they asked for, and a lane whose pipe breaks under
// them copies.
func TestManyHandedAnswers(t *testing.T) {
	const size = 2_500_000
	s, _ := newTestServer(t, Config{}, size, 5)
	addr := serve(t, s)
	var bodies [5][]byte
	for i := range bodies {
		bodies[i] = segmentBytes("Video", firstN+uint64(i), size)
	}
	readers, asks := 1000, 4
	if testing.Short() {
		readers = 200
	}
	var wg sync.WaitGroup
	broken := make(chan struct{})
	for i := range readers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(i), 1))
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(time.Minute))
			r := bufio.NewReader(c)
			for ask := range asks {
				if i%10 == 0 && ask == asks-1 {
					<-broken
				}
				n := rnd.IntN(len(bodies))
				from := rnd.IntN(size)
				to := min(size, from+1+rnd.IntN(1<<(8+rnd.IntN(12))))
				fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nRange: bytes=%d-%d\r\n\r\n", videoPath(firstN+uint64(n)), from, to-1)
				if i%50 == 1 && ask == asks-1 {
					return // in the middle
				}
				resp, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(resp.Body)
				if err != nil || !bytes.Equal(got, bodies[n][from:to]) {
					t.Errorf("reader %d: range %d-%d came as %d other bytes, %v", i, from, to-1, len(got), err)
					return
				}
			}
		})
	}
	time.Sleep(100 * time.Millisecond)
	s.lanes.mu.Lock()
	for _, l := range s.lanes.all {
		l.mu.Lock()
		if l.pipe == nil {
			t.Error("a lane has no pipe")
		} else {
			_ = unix.Close(l.pipe.to)
			l.pipe.to = l.pipe.null // not a pipe
		}
		l.mu.Unlock()
	}
	s.lanes.mu.Unlock()
	close(broken)
	wg.Wait()
}

// TestWhoDoesNotReadGetsCopies: a socket has pages of one body at most, whatever is asked for over it.
func TestWhoDoesNotReadGetsCopies(t *testing.T) {
	const size = 300_000
	s, _ := newTestServer(t, Config{}, size, 5)
	fd, far := socketPair(t)
	defer unix.Close(fd)
	l, sock := &lane{server: s, pipe: testPipe(t)}, &socket{fd: fd, listener: &listener{}}
	e := &errand{}
	e.answer = *ask(s, videoPath(firstN))
	for _, c := range []struct {
		from, n int64
		slices  int
		hands   bool
	}{
		{0, size, 1, true}, {0, handedBytes, 1, true}, {0, handedBytes - 1, 1, false}, {0, 100_000, 50, false}, {0, size, 2, true}, {100, size - 100, 2, true},
	} {
		e.from = c.from
		if l.hands(sock, e, c.n, c.slices) != c.hands {
			t.Errorf("%d bytes from %d on, in %d slices: handed over is %v", c.n, c.from, c.slices, !c.hands)
		}
	}
	e.from = 0
	_ = far.(*net.TCPConn).SetReadBuffer(4096)
	for unsent(fd) == 0 {
		_, _ = unix.Write(fd, make([]byte, 1<<20))
	}
	for _, from := range []int64{0, 1000} {
		if e.from = from; l.hands(sock, e, size, 1) {
			t.Errorf("an answer behind one that is not read was handed over, from %d on", from)
		}
	}
	fresh, _ := socketPair(t)
	defer unix.Close(fresh)
	s, _ = newTestServer(t, Config{}, 2_000_000, 5)
	whole := ask(s, videoPath(firstN)).Body
	sock.fd = fresh
	for _, c := range []struct {
		size  int64
		paced bool
		hands bool
	}{{1_000_000, false, true}, {1_000_000, true, false}, {500_000, true, true}, {1_900_000, true, true}} {
		e.answer.Body, sock.listener.paced, e.from = whole.Range(0, c.size), c.paced, 0
		if l.hands(sock, e, min(c.size, pieceBytes), 1) != c.hands {
			t.Errorf("%d bytes, paced %v: handed over is %v", c.size, c.paced, !c.hands)
		}
	}
	sock.listener.paced = false
	e.answer.Bytes = make([]byte, size)
	other, _ := socketPair(t)
	defer unix.Close(other)
	sock.fd = other
	if e.from = 0; l.hands(sock, e, size, 1) {
		t.Error("memory of the heap was handed over")
	}
}
