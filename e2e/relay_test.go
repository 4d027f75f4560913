package e2e

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// relay takes what encoders push and passes it on to several nodes, to each with a delay of its own, as if they stood at
// different ends of the world: one encoder feeds them all with the same media. It returns its host and port.
func relay(t *testing.T, to map[*node]func() time.Duration) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	t.Cleanup(func() {
		_ = ln.Close()
		group.Wait()
	})
	group.Go(func() {
		for {
			from, err := ln.Accept()
			if err != nil {
				return
			}
			group.Go(func() { fanOut(t, from, to) })
		}
	})
	return ln.Addr().String()
}

// late is what has been read, and when.
type late struct {
	b  []byte
	at time.Time
}

// fanOut copies one connection until it ends. Answers are read and not passed on: encoders do not look at them.
func fanOut(t *testing.T, from net.Conn, to map[*node]func() time.Duration) {
	defer func() { _ = from.Close() }()
	var group sync.WaitGroup
	var queues []chan late
	for n, delay := range to {
		conn, err := net.Dial("tcp", n.ingest)
		if err != nil {
			t.Logf("relay to %s: %v", n.name, err)
			continue
		}
		queue := make(chan late, 1<<14)
		queues = append(queues, queue)
		group.Go(func() { _, _ = io.Copy(io.Discard, conn) })
		group.Go(func() {
			defer func() { _ = conn.Close() }()
			for piece := range queue {
				<-time.After(time.Until(piece.at.Add(delay())))
				if _, err = conn.Write(piece.b); err != nil {
					break
				}
			}
			for range queue { // the node has gone
			}
		})
	}
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		piece := late{append([]byte(nil), buffer[:n]...), time.Now()}
		for _, q := range queues {
			q <- piece
		}
		if err != nil {
			break
		}
	}
	for _, q := range queues {
		close(q)
	}
	group.Wait()
}
