package e2e

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// A death is a way in which an encoder ends.
type death uint8

const (
	reset   death = iota // its host resets the connections
	silence              // it sends nothing any more, between two chunks; the connections stay
	stalled              // the same in the middle of a chunk
	killed               // its process is gone in the middle of a chunk: the kernel closes the connections
	alive
)

func (d death) String() string {
	return [...]string{"TCP reset", "silence", "stalled body", "kill", "alive"}[d]
}

// A valve stands between an encoder and its node, and ends the encoder's life as far as the node can see.
type valve struct {
	t    *testing.T
	ln   net.Listener
	to   string
	done sync.WaitGroup

	mu    sync.Mutex
	state death
	links map[*link]struct{}
}

// A link is one connection through a valve.
type link struct{ from, to *net.TCPConn }

// throttle puts a valve before a node.
func throttle(t *testing.T, n *node) *valve {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &valve{t: t, ln: ln, to: n.ingest, state: alive, links: map[*link]struct{}{}}
	v.done.Go(v.accept)
	t.Cleanup(func() {
		_ = ln.Close()
		v.mu.Lock()
		v.drop(false)
		v.mu.Unlock()
		v.done.Wait()
	})
	return v
}

// publishing is a source's publishing point behind the valve.
func (v *valve) publishing(source string) string {
	return fmt.Sprintf("http://%s/%s/%s/ingest.isml", v.ln.Addr(), accessToken, source)
}

func (v *valve) accept() {
	for {
		from, err := v.ln.Accept()
		if err != nil {
			return
		}
		v.mu.Lock()
		if v.state != alive {
			v.mu.Unlock()
			_ = from.Close()
			continue
		}
		to, err := net.Dial("tcp", v.to)
		if err != nil {
			v.mu.Unlock()
			_ = from.Close()
			continue
		}
		l := &link{from.(*net.TCPConn), to.(*net.TCPConn)}
		v.links[l] = struct{}{}
		v.mu.Unlock()
		v.done.Go(func() { _, _ = io.Copy(l.from, l.to) })
		v.done.Go(func() { v.carry(l) })
	}
}

// carry passes on what the encoder sends, as long as it is alive.
func (v *valve) carry(l *link) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := l.from.Read(buffer)
		if err != nil {
			break
		}
		v.mu.Lock()
		state := v.state
		if _, there := v.links[l]; !there {
			v.mu.Unlock()
			break
		}
		v.mu.Unlock()
		piece := buffer[:n]
		switch state {
		case silence: // swallowed
			continue
		case stalled, killed, reset:
			piece = piece[:n/2]
		case alive:
		}
		if _, err := l.to.Write(piece); err != nil {
			break
		}
		if state != alive {
			if state != stalled {
				v.end(l, state)
				return
			}
			_, _ = io.Copy(io.Discard, l.from)
			return
		}
	}
	v.end(l, killed)
}

// end closes a link.
func (v *valve) end(l *link, how death) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.links, l)
	if how == reset {
		_ = l.to.SetLinger(0)
	}
	_, _ = l.to.Close(), l.from.Close()
}

// shut ends the encoder.
func (v *valve) shut(how death) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state = how
}

// open brings it back, over new connections.
func (v *valve) open() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.drop(true)
	v.state = alive
}

// drop ends what links there are. Called with mu held.
func (v *valve) drop(hard bool) {
	for l := range v.links {
		delete(v.links, l)
		if hard {
			_ = l.to.SetLinger(0)
		}
		_, _ = l.to.Close(), l.from.Close()
	}
}

// metricOf reads the sum of a metric's samples whose labels contain all of some texts.
func metricOf(t *testing.T, n *node, name string, labels ...string) (sum float64) {
	t.Helper()
	text, err := get("http://" + n.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, name+"{") {
			continue
		}
		has := true
		for _, l := range labels {
			has = has && strings.Contains(line, l)
		}
		var value float64
		if at := strings.LastIndexByte(strings.TrimSpace(line), ' '); has && at > 0 {
			if _, err := fmt.Sscan(line[at:], &value); err == nil {
				sum += value
			}
		}
	}
	return sum
}

// pause lets time pass.
func pause(d time.Duration) { <-time.After(d) }
