package check

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Bounds on what an origin can make the checker do.
const (
	maxManifest    = 16 << 20
	maxMedia       = 64 << 20
	maxProbe       = 1 << 20 // of an answer that is not to be read
	maxRedirects   = 4
	requestTime    = 15 * time.Second // a request with its body
	maxHeaderBytes = 64 << 10
)

// An answer is one response, its body decoded.
type answer struct {
	url       string
	status    int
	header    http.Header
	body      []byte
	sent      time.Time
	took      time.Duration
	redirects int
	broken    error // the body ended early, or could not be decoded
}

// A request says what to ask for; the zero value of all but url is a plain GET.
type request struct {
	url    string
	method string
	header map[string]string
	limit  int64 // of the body
}

// A fetcher asks an origin: bounded in time, size, redirects and concurrency. Safe for concurrent use.
type fetcher struct {
	client *http.Client
	gate   chan struct{} // concurrency
	now    func() time.Time
	count  atomic.Int64
	bytes  atomic.Int64
}

func newFetcher(concurrency int, transport http.RoundTripper, now func() time.Time) *fetcher {
	if transport == nil {
		transport = &http.Transport{
			DisableCompression: true, MaxResponseHeaderBytes: maxHeaderBytes, MaxIdleConnsPerHost: concurrency,
			ResponseHeaderTimeout: requestTime, TLSHandshakeTimeout: 10 * time.Second, Proxy: http.ProxyFromEnvironment,
		}
	}
	f := &fetcher{gate: make(chan struct{}, concurrency), now: now}
	f.client = &http.Client{Transport: transport, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return fmt.Errorf("more than %d redirects", maxRedirects)
		}
		return nil
	}}
	return f
}

// close gives idle connections up.
func (f *fetcher) close() { f.client.CloseIdleConnections() }

// get sends a request and reads the whole answer. An error means that there is none: no connection, no header in time.
func (f *fetcher) get(ctx context.Context, r request) (*answer, error) {
	select {
	case f.gate <- struct{}{}:
		defer func() { <-f.gate }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	method := r.method
	if method == "" {
		method = http.MethodGet
	}
	q, err := http.NewRequestWithContext(ctx, method, r.url, nil)
	if err != nil {
		return nil, errors.New("not a URL that can be asked for")
	}
	if q.URL.Scheme != "http" && q.URL.Scheme != "https" {
		return nil, fmt.Errorf("scheme %q: http and https are asked", q.URL.Scheme)
	}
	for name, value := range r.header {
		q.Header.Set(name, value)
	}
	a := &answer{url: r.url, sent: f.now()}
	began := time.Now()
	resp, err := f.client.Do(q)
	if err != nil {
		return nil, plainError(err)
	}
	defer func() { _ = resp.Body.Close() }()
	f.count.Add(1)
	for via := resp.Request.Response; via != nil; via = via.Request.Response {
		a.redirects++
	}
	a.url, a.status, a.header = resp.Request.URL.String(), resp.StatusCode, resp.Header
	a.read(resp, r.limit)
	a.took = time.Since(began)
	f.bytes.Add(int64(len(a.body)))
	return a, nil
}

// read reads and decodes the body. Memory grows with what comes, never by what is announced.
func (a *answer) read(resp *http.Response, limit int64) {
	if limit == 0 {
		limit = maxManifest
	}
	var in io.Reader = io.LimitReader(resp.Body, limit+1)
	encoding := strings.ToLower(resp.Header.Get("Content-Encoding"))
	head := resp.Request.Method == http.MethodHead || resp.StatusCode == http.StatusNotModified || resp.StatusCode == http.StatusNoContent
	if encoding == "gzip" && !head {
		z, err := gzip.NewReader(in)
		if err != nil {
			a.broken = fmt.Errorf("gzip: %w", err)
			return
		}
		in = io.LimitReader(z, limit+1)
	} else if encoding != "" && encoding != "identity" && !head {
		a.broken = fmt.Errorf("Content-Encoding %q was not asked for", encoding)
		return
	}
	var b bytes.Buffer
	_, err := b.ReadFrom(in)
	a.body = b.Bytes()
	switch {
	case err != nil && encoding == "gzip":
		a.broken = fmt.Errorf("gzip: %w", err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		a.broken = fmt.Errorf("the body ends after %d of %d bytes", len(a.body), resp.ContentLength)
	case err != nil:
		a.broken = plainError(err)
	case int64(len(a.body)) > limit:
		a.broken = fmt.Errorf("more than %d bytes", limit)
		a.body = nil
	}
}

// plainError is an error without the URL, which may hold secrets.
func plainError(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		if u.Timeout() {
			return fmt.Errorf("no answer within %v", requestTime)
		}
		return u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %v", requestTime)
	}
	return err
}
