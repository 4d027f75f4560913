package ingest

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"
)

// wires is both ends of a TCP connection.
func wires(t *testing.T) (client *net.TCPConn, server net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s = Socket(s)
	if _, ok := s.(*socket); !ok {
		t.Fatalf("a %T", s)
	}
	t.Cleanup(func() { _, _ = c.Close(), s.Close() })
	return c.(*net.TCPConn), s
}

// Whatever the sizes of writes and reads are, the bytes come in order, once, and then the end.
func TestSocketBytes(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	client, server := wires(t)
	sent := make([]byte, 4<<20)
	for i := range sent {
		sent[i] = byte(random.Uint32())
	}
	sizes := func(r *rand.Rand) int { return []int{1 + r.IntN(4), 1 + r.IntN(200), 1 + r.IntN(100_000)}[r.IntN(3)] }
	go func() {
		r := rand.New(rand.NewPCG(seed, 1))
		for rest := sent; len(rest) > 0; {
			n := min(sizes(r), len(rest))
			if _, err := client.Write(rest[:n]); err != nil {
				t.Error(err)
			}
			rest = rest[n:]
		}
		_ = client.CloseWrite()
	}()
	var got []byte
	b := make([]byte, 1<<20)
	for {
		want := sizes(random)
		n, err := server.Read(b[:want])
		if n > want || n == 0 && err == nil {
			t.Fatalf("%d bytes for %d", n, want)
		}
		got = append(got, b[:n]...)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got, sent) {
		t.Fatalf("%d bytes came of %d, or others", len(got), len(sent))
	}
	if n, err := server.Read(b); n != 0 || err != io.EOF {
		t.Fatalf("%d, %v after the end", n, err)
	}
}

// Deadlines, also one that is moved into the past while a read waits, closing and resets end a read as they do on any
// connection.
func TestSocketErrors(t *testing.T) {
	for name, c := range map[string]struct {
		cause func(client *net.TCPConn, server net.Conn)
		want  func(error) bool
	}{
		"deadline": {
			func(_ *net.TCPConn, s net.Conn) { _ = s.SetReadDeadline(time.Now().Add(20 * time.Millisecond)) },
			func(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) },
		},
		"interrupt": {
			func(_ *net.TCPConn, s net.Conn) {
				time.AfterFunc(20*time.Millisecond, func() { _ = s.SetReadDeadline(time.Unix(1, 0)) })
			},
			func(err error) bool { var e net.Error; return errors.As(err, &e) && e.Timeout() },
		},
		"close": {
			func(_ *net.TCPConn, s net.Conn) { time.AfterFunc(20*time.Millisecond, func() { _ = s.Close() }) },
			func(err error) bool { return errors.Is(err, net.ErrClosed) },
		},
		"reset": {
			func(c *net.TCPConn, _ net.Conn) { _, _ = c.SetLinger(0), c.Close() },
			func(err error) bool { var e net.Error; return errors.As(err, &e) && !e.Timeout() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := wires(t)
			c.cause(client, server)
			if n, err := server.Read(make([]byte, 10)); n != 0 || !c.want(err) {
				t.Fatalf("%d bytes, %v", n, err)
			}
		})
	}
}
