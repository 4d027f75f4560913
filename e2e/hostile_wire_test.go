package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// A wire is a raw connection to the encoder listener.
type wire struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func dialWire(t *testing.T, n *node) *wire {
	t.Helper()
	c, err := net.Dial("tcp", n.ingest)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &wire{Conn: c, t: t, r: bufio.NewReader(c)}
}

// statuses are those of all answers until the connection ends, and "closed" where the server says that it takes no more.
// A connection that is still open after limit is "open".
func (w *wire) statuses(limit time.Duration) string {
	_ = w.SetReadDeadline(time.Now().Add(limit))
	var got []string
	for {
		resp, err := http.ReadResponse(w.r, nil)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			got = append(got, resp.Status[:3])
		}
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			return strings.Join(append(got, "open"), " ")
		}
		if err != nil {
			return strings.Join(got, " ")
		}
		if resp.Close {
			got = append(got, "closed")
		}
	}
}

// exchange sends text as it is, then half-closes, and returns statuses.
func exchange(t *testing.T, n *node, text string) string {
	t.Helper()
	w := dialWire(t, n)
	go func() {
		_, _ = io.WriteString(w, text) // the server may close before all is sent
		_ = w.Conn.(*net.TCPConn).CloseWrite()
	}()
	return w.statuses(20 * time.Second)
}

// A posting is a request with a chunked body that is being sent.
type posting struct {
	*wire
	ended  chan struct{} // closed when the answer is there
	answer string
}

// postingLimit is how long the answer to a posting is waited for; TestHostileSoak has longer ones.
var postingLimit = time.Minute

// startPosting sends the head of a request. path is below the publishing point.
func startPosting(t *testing.T, n *node, method, token, path string) *posting {
	t.Helper()
	p := &posting{wire: dialWire(t, n), ended: make(chan struct{})}
	_, _ = fmt.Fprintf(p, "%s /%s/ingest.isml/%s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", method, token, path)
	go func() {
		defer close(p.ended)
		p.answer = p.statuses(postingLimit)
	}()
	return p
}

// send sends bytes as one HTTP chunk. It reports false when the connection has ended.
func (p *posting) send(b []byte) bool {
	_, err := fmt.Fprintf(p, "%x\r\n%s\r\n", len(b), b)
	return err == nil
}

// end ends the body, half-closes, and returns the statuses.
func (p *posting) end() string {
	_, _ = io.WriteString(p, "0\r\n\r\n")
	_ = p.Conn.(*net.TCPConn).CloseWrite()
	<-p.ended
	return p.answer
}

// postBody sends a whole body in one request and returns the statuses.
func postBody(t *testing.T, n *node, token, path string, body []byte) string {
	t.Helper()
	p := startPosting(t, n, "POST", token, path)
	for len(body) > 0 {
		k := min(len(body), 16<<10)
		if !p.send(body[:k]) {
			break
		}
		body = body[k:]
	}
	return p.end()
}

// An encoder sends numbered tracks in real time, one long POST each.
type encoder struct {
	t      *testing.T
	tracks []*numberedTrack
	done   chan struct{}
	wg     sync.WaitGroup
}

func startEncoder(t *testing.T, n *node, token string, tracks ...*numberedTrack) *encoder {
	t.Helper()
	e := &encoder{t: t, tracks: tracks, done: make(chan struct{})}
	begun := time.Now()
	for _, s := range tracks {
		p := startPosting(t, n, "POST", token, "Streams("+s.name+".cmfv)")
		p.send(s.header())
		e.wg.Go(func() {
			for {
				select {
				case <-e.done:
					if got := p.end(); got != "200" {
						t.Errorf("%s was answered %q at its end, want 200", s.name, got)
					}
					return
				case <-p.ended:
					t.Errorf("%s was answered %q while it sent", s.name, p.answer)
					return
				case <-time.After(time.Until(begun.Add(s.due()))):
					p.send(s.chunk())
				}
			}
		})
	}
	t.Cleanup(e.stop)
	return e
}

// stop ends the bodies cleanly and waits for the answers.
func (e *encoder) stop() {
	select {
	case <-e.done:
	default:
		close(e.done)
	}
	e.wg.Wait()
}
