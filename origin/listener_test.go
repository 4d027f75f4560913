package origin

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"syscall"
	"testing"
)

// TestTLS serves the same over TLS, large bodies included.
func TestTLS(t *testing.T) {
	s, c := newTestServer(t, Config{}, 700_000, 2)
	borrowed := httptest.NewTLSServer(nil) // for its certificate
	defer borrowed.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := serveOn(t, s, tls.NewListener(ln, &tls.Config{Certificates: borrowed.TLS.Certificates}))
	roots := x509.NewCertPool()
	roots.AddCert(borrowed.Certificate())
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "example.com"}}}
	defer client.CloseIdleConnections()
	for _, n := range []uint64{firstN, firstN + 1} {
		resp, err := client.Get("https://" + addr + videoPath(n))
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if !bytes.Equal(b.Bytes(), segmentBytes("Video", n, c.bytes)) {
			t.Errorf("segment %d: %d bytes differ from the %d committed", n, b.Len(), c.bytes)
		}
	}
}

// A shortListener fails the first calls of Accept as a process without free descriptors does.
type shortListener struct {
	net.Listener
	fails atomic.Int32
}

func (l *shortListener) Accept() (net.Conn, error) {
	if l.fails.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

func TestShortageOfDescriptorsPasses(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	short := &shortListener{Listener: ln}
	short.fails.Store(3)
	if got := roundTripStatus(t, dial(t, serveOn(t, New(Config{}), short))); got != 200 {
		t.Errorf("after the shortage: %d, want 200", got)
	}
}

// TestServeEndsWithItsListener: any other error is the caller's.
func TestServeEndsWithItsListener(t *testing.T) {
	broken := errors.New("broken")
	if err := New(Config{}).Serve(brokenListener{broken}); !errors.Is(err, broken) {
		t.Errorf("Serve = %v, want %v", err, broken)
	}
}

type brokenListener struct{ err error }

func (l brokenListener) Accept() (net.Conn, error) { return nil, l.err }
func (l brokenListener) Close() error              { return nil }
func (l brokenListener) Addr() net.Addr            { return &net.TCPAddr{} }
