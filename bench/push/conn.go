package push

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	dialTimeout   = 2 * time.Second
	writeTimeout  = 5 * time.Second // a write that takes longer breaks the connection
	answerTimeout = time.Second     // for the answer to a body that has ended
)

// A conn is one HTTP/1.1 connection that sends chunked bodies. It is spoken by hand, and not by net/http, because an
// encoder must see a refusal while it sends, send each chunk in one write, and be able to break off in the middle.
// Used by one goroutine.
type conn struct {
	raw     net.Conn
	base    *url.URL
	answers chan answer // from the goroutine that reads; closed when the connection ends
	head    []byte      // scratch for HTTP framing
}

// An answer is the status of one request, or why there is none.
type answer struct {
	status int
	err    error
}

// check returns an error unless the answer is a 2xx.
func (a answer) check() error {
	if a.err != nil {
		return a.err
	}
	if a.status < 200 || a.status > 299 {
		return fmt.Errorf("answered %d %s", a.status, http.StatusText(a.status))
	}
	return nil
}

// dial connects to the host of base. The caller closes the conn.
func dial(ctx context.Context, base *url.URL, o *Options) (*conn, error) {
	port := base.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[base.Scheme]
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	address := net.JoinHostPort(base.Hostname(), port)
	dial := o.dial
	switch {
	case dial != nil:
	case base.Scheme == "https":
		dial = (&tls.Dialer{Config: o.TLS}).DialContext
	default:
		dial = new(net.Dialer).DialContext
	}
	raw, err := dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &conn{raw: raw, base: base, answers: make(chan answer, 1)}
	go c.read()
	return c, nil
}

// read hands on the status of each answer until the connection ends, which close brings about.
func (c *conn) read() {
	defer close(c.answers)
	r := bufio.NewReader(c.raw)
	for {
		resp, err := http.ReadResponse(r, nil)
		if err == nil {
			_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
			if c.answers <- (answer{status: resp.StatusCode}); resp.Close {
				err = io.EOF
			}
		}
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = errors.New("closed by the other side")
			}
			select {
			case c.answers <- answer{err: err}:
			default:
			}
			return
		}
	}
}

// begin sends the header of a request with a chunked body. The path is under the base URL, and written as it is: servers
// must take the brackets of Streams(name) raw.
func (c *conn) begin(method, path string) error {
	c.head = append(c.head[:0], method...)
	c.head = append(append(append(c.head, ' '), strings.TrimSuffix(c.base.EscapedPath(), "/")...), '/')
	c.head = append(c.head, path...)
	if c.base.RawQuery != "" {
		c.head = append(append(c.head, '?'), c.base.RawQuery...)
	}
	c.head = append(append(c.head, " HTTP/1.1\r\nHost: "...), c.base.Host...)
	c.head = append(c.head, "\r\nUser-Agent: weir-push\r\nTransfer-Encoding: chunked\r\n\r\n"...)
	return c.flush(c.head)
}

// write sends the slices as one HTTP chunk, in one system call where the kernel takes it.
func (c *conn) write(slices ...[]byte) error {
	size := 0
	for _, s := range slices {
		size += len(s)
	}
	c.head = append(strconv.AppendInt(c.head[:0], int64(size), 16), "\r\n"...)
	all := append(net.Buffers{c.head}, slices...)
	return c.flush(append(all, []byte("\r\n"))...)
}

// writeHalf announces the slices as one HTTP chunk and sends the first half of them, for a connection that is to break.
func (c *conn) writeHalf(slices ...[]byte) error {
	all := bytes.Join(slices, nil)
	head := append(strconv.AppendInt(nil, int64(len(all)), 16), "\r\n"...)
	return c.flush(head, all[:len(all)/2])
}

// end ends the body.
func (c *conn) end() error { return c.flush([]byte("0\r\n\r\n")) }

func (c *conn) flush(slices ...[]byte) error {
	if err := c.raw.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	buffers := net.Buffers(slices)
	_, err := buffers.WriteTo(c.raw)
	return err
}

// answer waits for the answer to a body that has ended.
func (c *conn) answer() error {
	timer := time.NewTimer(answerTimeout)
	defer timer.Stop()
	select {
	case a, ok := <-c.answers:
		if !ok {
			return errors.New("closed without an answer")
		}
		return a.check()
	case <-timer.C:
		return errors.New("no answer")
	}
}

// close ends the connection, by a reset if abort is set, and waits for the reader.
func (c *conn) close(abort bool) {
	raw := c.raw
	if t, ok := raw.(*tls.Conn); ok && abort {
		raw = t.NetConn()
	}
	if tcp, ok := raw.(*net.TCPConn); ok && abort {
		_ = tcp.SetLinger(0) // turns Close into a reset; if it fails, it is a plain close
	}
	_ = c.raw.Close()
	for range c.answers {
	}
}
