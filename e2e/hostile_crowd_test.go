package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// crowdFamily comes in numbers: many names, many bodies, large boxes that stop in the middle, connections that do nothing.
func crowdFamily(t *testing.T, y *yard) {
	var all group
	for name, f := range map[string]func(*testing.T, *yard, int){
		"row 47: 200 names of streams":           manyNames,
		"row 47: 65 tracks that stay":            manyTracks,
		"row 47: more bodies than a channel has": manyBodies,
		"row 4: payloads that stop half way":     unfinishedBoxes,
		"row 63: 300 connections, closed at once": func(t *testing.T, y *yard, _ int) {
			for range 300 {
				c, err := net.Dial("tcp", y.ingest)
				if err != nil {
					t.Fatal(err)
				}
				_ = c.Close()
			}
		},
		"row 63: 100 connections, reset in the middle of a request": resets,
		"row 48: two encoders that take each other's stream":        rivals,
	} {
		channel := y.channel()
		all.add(name, func(t *testing.T) { f(t, y, channel) })
	}
	all.run(t)
}

// manyNames sends a header under one name after the other; none is fed any longer.
func manyNames(t *testing.T, y *yard, channel int) {
	s := numberedVideo("v")
	for i := range 200 {
		if got := postBody(t, y.node, token(channel), fmt.Sprintf("Streams(n%d)", i), s.header()); got != "200" {
			t.Fatalf("name %d: answered %q, want 200: the oldest makes place", i, got)
		}
	}
	if n := y.metric(fmt.Sprintf(`weir_ingest_bytes_total\{channel="c%d",[^}]*\}`, channel)); n != 0 {
		t.Errorf("%v bytes published", n)
	}
}

// manyTracks keeps a body open for each of as many tracks as a channel may have, and one more.
func manyTracks(t *testing.T, y *yard, channel int) {
	s := numberedVideo("v")
	var open []*posting
	for i := range 64 {
		p := startPosting(t, y.node, "POST", token(channel), fmt.Sprintf("Streams(n%d)", i))
		p.send(s.header())
		open = append(open, p)
	}
	eventually(t, 4*time.Second, "64 bodies are read", func() error {
		if n := y.metric(fmt.Sprintf(`weir_ingest_connections\{channel="c%d"\}`, channel)); n != 64 {
			return fmt.Errorf("%v", n)
		}
		return nil
	})
	if got := postBody(t, y.node, token(channel), "Streams(n64)", s.header()); got != "403 closed" {
		t.Errorf("the 65th track was answered %q, want 403", got)
	}
	for _, p := range open {
		if got := p.end(); got != "200" {
			t.Fatalf("a track within the bound was answered %q", got)
		}
	}
}

// manyBodies opens segments of one stream side by side, until the channel takes no more.
func manyBodies(t *testing.T, y *yard, channel int) {
	const most = 128 // channelConnections in yardLimits
	s := numberedVideo("v")
	var open []*posting
	for i := range most {
		p := startPosting(t, y.node, "PUT", token(channel), fmt.Sprintf("Streams(v)/%d.cmfv", i))
		p.send(s.header())
		open = append(open, p)
	}
	eventually(t, 4*time.Second, "the bodies are read", func() error {
		if n := y.metric(fmt.Sprintf(`weir_ingest_connections\{channel="c%d"\}`, channel)); n != most {
			return fmt.Errorf("%v", n)
		}
		return nil
	})
	if got := postBody(t, y.node, token(channel), "Streams(v)/999.cmfv", s.header()); got != "429 closed" {
		t.Errorf("one body too many was answered %q, want 429", got)
	}
	for _, p := range open {
		if got := p.end(); got != "200" {
			t.Fatalf("a body within the bound was answered %q", got)
		}
	}
}

// unfinishedBoxes begins payloads of 32 MiB on as many connections as it takes to pass channelUnfinished, and sends none of
// them.
func unfinishedBoxes(t *testing.T, y *yard, channel int) {
	s := numberedVideo("v")
	if got := postBody(t, y.node, token(channel), "Streams(v)/init.cmfv", s.header()); got != "200" {
		t.Fatalf("the header was answered %q", got)
	}
	moof := moofOf(s.chunk())
	var refused, slow int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 8 {
		p := startPosting(t, y.node, "PUT", token(channel), fmt.Sprintf("Streams(v)/%d.cmfv", i))
		p.send(join(moof, sized(32<<20, "mdat"), []byte("a few bytes")))
		wg.Go(func() {
			<-p.ended
			mu.Lock()
			defer mu.Unlock()
			switch p.answer {
			case "503 closed":
				refused++
			case "408 closed":
				slow++
			default:
				t.Errorf("answered %q, want 503 or 408", p.answer)
			}
		})
	}
	wg.Wait()
	if refused < 6 || slow == 0 { // 80 MiB take two of them
		t.Errorf("%d refused and %d cut for want of bytes, want 6 or more, and the rest", refused, slow)
	}
	if n := y.metric(fmt.Sprintf(`weir_ingest_unfinished_bytes\{channel="c%d"\}`, channel)); n != 0 {
		t.Errorf("%v bytes are still taken", n)
	}
}

func resets(t *testing.T, y *yard, channel int) {
	s := numberedVideo("v")
	body := join(s.header(), s.chunk())
	head := "POST /" + token(channel) + "/ingest.isml/Streams(v) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	whole := head + chunked(string(body))
	for i := range 100 {
		w := dialWire(t, y.node)
		_, _ = io.WriteString(w, whole[:len(whole)*i/100])
		_ = w.Conn.(*net.TCPConn).SetLinger(0)
		_ = w.Close()
	}
}

// rivals push under one name and come back as soon as they are thrown out. It ends, and the stream is left whole.
func rivals(t *testing.T, y *yard, channel int) {
	s := numberedVideo("v")
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for range 20 {
				got := postBody(t, y.node, token(channel), "Streams(v)", bytes.Join([][]byte{s.header(), s.chunkOf(0, 5)}, nil))
				if got != "200" && got != "409 closed" {
					t.Errorf("answered %q, want 200 or 409", got)
				}
			}
		})
	}
	wg.Wait()
}

// TestCrowd opens 10,000 connections that do nothing beside a healthy stream, half of them silent, half in the middle of a
// request. Those beyond the bound are refused at once; the healthy stream loses no frame; a connection costs no more
// memory than docs/limits.md says.
func TestCrowd(t *testing.T) {
	const crowd, extra = 10_000, 50
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Max < crowd+1000 {
		t.Skipf("needs %d file descriptors, and the hard limit is %d: ulimit -Hn", crowd+1000, limit.Max)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	y := newYard(t, fmt.Sprintf("{connections: %d, addressConnections: %d, headTimeout: 60s, idle: 60s}", crowd, crowd+1000), "128MiB")
	y.startHealthy()
	before := y.status("VmRSS") << 10

	var open []net.Conn
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	begun := time.Now()
	for i := range crowd {
		c, err := net.Dial("tcp", y.ingest)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		open = append(open, c)
		if i%2 == 0 {
			_, _ = io.WriteString(c, "POST /"+token(0)+"/inge")
		}
	}
	eventually(t, 10*time.Second, "all are accepted", func() error {
		if n := y.metric("weir_ingest_open_connections"); n < crowd {
			return fmt.Errorf("%v of %d", n, crowd)
		}
		return nil
	})
	t.Logf("%d connections in %v", crowd, time.Since(begun).Round(time.Millisecond))

	var slowest time.Duration
	refused := 0
	for range extra {
		asked := time.Now()
		got := exchange(t, y.node, "POST /"+token(0)+"/ingest.isml HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
		slowest = max(slowest, time.Since(asked))
		if strings.HasPrefix(got, "503") {
			refused++
		}
	}
	if refused < extra-10 || slowest > 2*time.Second {
		t.Errorf("%d of %d beyond the bound were refused, the slowest after %v; want a fast refusal", refused, extra, slowest)
	}
	after := y.status("VmRSS") << 10
	each := (after - before) / crowd
	t.Logf("%d bytes resident for each connection; refused within %v", each, slowest)
	if each > connectionBound {
		t.Errorf("a connection takes %d bytes, want %d at most", each, connectionBound)
	}
	<-time.After(3 * time.Second)
	y.account()
}

// connectionBound is what a connection takes at most, by docs/limits.md, where half of them are in the middle of a request.
const connectionBound = 24 << 10
