package check

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
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
	requestTime    = 15 * time.Second // a request with its body, unless it says how long it may be held
	probeTime      = 20 * time.Second // for the probes of a presentation at least
	maxFollowed    = 6                // playlists that are followed by held requests at a time
	maxGrowing     = 4                // segments that are read while they grow
	maxHints       = 2                // hinted parts that are waited for at a time
	maxMarks       = 20_000           // moments that are remembered of one body
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
	headed    time.Time // when the header had come
	marks     []mark    // when what had come of the body; of timed requests
	redirects int
	broken    error // the body ended early, or could not be decoded
}

// A request says what to ask for; the zero value of all but url is a plain GET.
type request struct {
	url    string
	method string
	header map[string]string
	limit  int64 // of the body
	timed  bool  // note when what comes

	// patience is set for a request that the origin may hold, and is how long it may. Such a request passes the gate, so
	// that what is held keeps nothing waiting: its sender has a turn.
	patience time.Duration
}

// A mark says that so many bytes of a body had come by then.
type mark struct {
	size int
	at   time.Time
}

// A fetcher asks an origin: bounded in time, size, redirects and concurrency. Safe for concurrent use.
type fetcher struct {
	client *http.Client
	gate   chan struct{} // concurrency
	turns  chan struct{} // of playlists whose requests may be held
	grows  chan struct{} // of segments that are read while they grow
	hints  chan struct{} // of requests for hinted parts
	now    func() time.Time
	count  atomic.Int64
	bytes  atomic.Int64
}

func newFetcher(concurrency int, transport http.RoundTripper, now func() time.Time) *fetcher {
	if transport == nil {
		transport = &http.Transport{
			DisableCompression: true, MaxResponseHeaderBytes: maxHeaderBytes, MaxIdleConnsPerHost: concurrency + maxFollowed + maxGrowing + maxHints,
			TLSHandshakeTimeout: 10 * time.Second, Proxy: http.ProxyFromEnvironment,
		}
	}
	f := &fetcher{
		gate: make(chan struct{}, concurrency), now: now,
		turns: make(chan struct{}, maxFollowed), grows: make(chan struct{}, maxGrowing), hints: make(chan struct{}, maxHints),
	}
	f.client = &http.Client{Transport: transport, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return fmt.Errorf("more than %d redirects", maxRedirects)
		}
		return nil
	}}
	return f
}

// try takes a place at a gate where one is free; it is given back with leave.
func try(gate chan struct{}) bool {
	select {
	case gate <- struct{}{}:
		return true
	default:
		return false
	}
}

func leave(gate chan struct{}) { <-gate }

// close gives idle connections up.
func (f *fetcher) close() { f.client.CloseIdleConnections() }

// get sends a request and reads the whole answer. An error means that there is none: no connection, no header in time.
func (f *fetcher) get(ctx context.Context, r request) (*answer, error) {
	patience := requestTime
	if r.patience > 0 {
		patience = r.patience
	} else {
		select {
		case f.gate <- struct{}{}:
			defer func() { <-f.gate }()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
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
		return nil, plainError(err, patience)
	}
	a.headed = time.Now()
	defer func() { _ = resp.Body.Close() }()
	f.count.Add(1)
	for via := resp.Request.Response; via != nil; via = via.Request.Response {
		a.redirects++
	}
	a.url, a.status, a.header = resp.Request.URL.String(), resp.StatusCode, resp.Header
	if r.timed {
		resp.Body = &timedBody{resp.Body, a}
	}
	a.read(resp, r.limit, patience)
	a.took = time.Since(began)
	f.bytes.Add(int64(len(a.body)))
	return a, nil
}

// read reads and decodes the body. Memory grows with what comes, never by what is announced.
func (a *answer) read(resp *http.Response, limit int64, patience time.Duration) {
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
		a.broken = plainError(err, patience)
	case int64(len(a.body)) > limit:
		a.broken = fmt.Errorf("more than %d bytes", limit)
		a.body = nil
	}
}

// A timedBody notes when what comes.
type timedBody struct {
	io.ReadCloser
	a *answer
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 && len(b.a.marks) < maxMarks {
		had := 0
		if k := len(b.a.marks); k > 0 {
			had = b.a.marks[k-1].size
		}
		b.a.marks = append(b.a.marks, mark{had + n, time.Now()})
	}
	return n, err
}

// came is when the first size bytes of the body had come; the zero time where that was not noted.
func (a *answer) came(size int) time.Time {
	i, _ := slices.BinarySearchFunc(a.marks, size, func(m mark, size int) int { return cmp.Compare(m.size, size) })
	if i == len(a.marks) {
		return time.Time{}
	}
	return a.marks[i].at
}

// errNoAnswer means that nothing came for as long as a request may take.
var errNoAnswer = errors.New("no answer")

// plainError is an error without the URL, which may hold secrets.
func plainError(err error, patience time.Duration) error {
	var u *url.Error
	if errors.As(err, &u) {
		if u.Timeout() {
			return fmt.Errorf("%w within %v", errNoAnswer, patience)
		}
		return u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w within %v", errNoAnswer, patience)
	}
	return err
}
