package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// A recorder is a proxy between pullers and a weir that remembers the hash of all that it served. The test fails when
//
//   - a name of media ever gets other bytes,
//   - a playlist goes back: its media sequence, its discontinuity sequence, its newest segment,
//   - the lines of a listed segment or part ever change, GAP included,
//   - an MPD's publishTime goes back, or one of its segments gets another duration or name.
//
// It also serves the scripts of browser/ under /e2e/. Safe for concurrent use; it goes on when the weir behind it is
// started again under the same address.
type recorder struct {
	url string

	mu         sync.Mutex
	media      map[string][sha256.Size]byte // by path: hash of segments and init segments
	floors     map[string]floor             // by path: what no later answer may go below
	lines      map[string]string            // by path and number or time: what was said of a segment
	statuses   map[int]int
	refused    []string // media that was asked for and refused: "404 path"
	violations []string
	seen       map[string]bool // violations said
}

// A floor is how far a manifest has come.
type floor struct {
	sequence, discontinuity, last uint64    // of a playlist
	published                     time.Time // of an MPD
}

// floorKey is where a request carries the floor that stood when it was asked: only what came whole before then is older
// than its answer.
type floorKey struct{}

// record starts a recorder in front of a base URL.
func record(t *testing.T, base string) *recorder {
	t.Helper()
	r := &recorder{
		media: map[string][sha256.Size]byte{}, floors: map[string]floor{}, lines: map[string]string{},
		statuses: map[int]int{}, seen: map[string]bool{},
	}
	target, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:        func(p *httputil.ProxyRequest) { p.SetURL(target) },
		ModifyResponse: r.answer,
		FlushInterval:  -1,
		ErrorHandler:   func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		Transport:      &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 32},
	}
	mux := http.NewServeMux()
	mux.Handle("/e2e/", http.StripPrefix("/e2e/", http.FileServerFS(os.DirFS("browser"))))
	mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		before := r.floors[req.URL.EscapedPath()]
		r.mu.Unlock()
		proxy.ServeHTTP(w, req.WithContext(context.WithValue(req.Context(), floorKey{}, before)))
	})
	server := httptest.NewServer(mux)
	r.url = server.URL
	t.Cleanup(func() {
		server.CloseClientConnections() // a player may still hang on a request
		server.Close()
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, v := range r.violations {
			t.Errorf("recorder: %s", v)
		}
		t.Logf("recorder: %d names of media, answers by status %v", len(r.media), r.statuses)
	})
	return r
}

// get fetches a path through the recorder.
func (r *recorder) get(path string) ([]byte, error) { return get(r.url + path) }

// refusals returns the media that was asked for and refused so far.
func (r *recorder) refusals() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.refused...)
}

// answer is called with the head of each answer, and sees to it that its body is noted.
func (r *recorder) answer(answer *http.Response) error {
	name := answer.Request.URL.EscapedPath()
	kind := filepath.Ext(name)
	isMedia := kind == ".m4s" || kind == ".mp4" || smoothMedia.MatchString(name)
	isManifest := kind == ".m3u8" || strings.Contains(name, ".ism/manifest(")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statuses[answer.StatusCode]++
	// ffmpeg looks into every stream before it plays some, reads trick mode a segment ahead of the rest or from where it once
	// stopped, and does not mind what an MPD lists. That what it lists is there is for weir check to see.
	astray := strings.HasPrefix(answer.Request.UserAgent(), "Lavf/") && strings.Contains(name, "/KeyFrames(")
	early := smoothMedia.MatchString(name) && answer.StatusCode == http.StatusPreconditionFailed // as Smooth clients expect it
	if isMedia && answer.StatusCode >= 400 && !astray && !early {
		r.refused = append(r.refused, fmt.Sprintf("%d %s", answer.StatusCode, name))
	}
	if !whole(answer) || !isMedia && !isManifest {
		return nil
	}
	b := &noted{ReadCloser: answer.Body, length: answer.ContentLength}
	if isMedia {
		b.sum = sha256.New()
		b.whole = func() { r.noteMedia(name, [sha256.Size]byte(b.sum.Sum(nil))) }
	} else {
		b.text = &bytes.Buffer{}
		before, _ := answer.Request.Context().Value(floorKey{}).(floor)
		zipped := answer.Header.Get("Content-Encoding") == "gzip"
		b.whole = func() { r.noteManifest(name, b.text.Bytes(), zipped, before) }
	}
	answer.Body = b
	return nil
}

// smoothMedia are the names of Smooth Streaming's fragments, and of their moofs alone. A client manifest has nothing that
// must not go back: clients load it once.
var smoothMedia = regexp.MustCompile(`/Fragment(s|Info)\([^)]*=\d+\)$`)

// whole reports whether the body is all of what its name means. ffmpeg asks for "bytes=0-" and gets 206 for it.
func whole(answer *http.Response) bool {
	if answer.Request.Method != http.MethodGet {
		return false
	}
	var last, size int64
	_, err := fmt.Sscanf(answer.Header.Get("Content-Range"), "bytes 0-%d/%d", &last, &size)
	return answer.StatusCode == http.StatusOK || answer.StatusCode == http.StatusPartialContent && err == nil && last == size-1
}

// A noted is a body that is noted when it has been read whole.
type noted struct {
	io.ReadCloser
	sum    hash.Hash     // of media
	text   *bytes.Buffer // of manifests
	length int64         // promised; -1 where it was not
	read   int64
	whole  func()
}

func (b *noted) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if b.sum != nil {
		_, _ = b.sum.Write(p[:n])
	} else {
		_, _ = b.text.Write(p[:n])
	}
	if (err == io.EOF || b.read == b.length) && b.whole != nil && (b.length < 0 || b.read == b.length) {
		b.whole()
		b.whole = nil
	}
	return n, err
}

func (r *recorder) noteMedia(name string, sum [sha256.Size]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if before, ok := r.media[name]; ok && before != sum {
		r.violate("%s has other bytes than before", name)
	}
	r.media[name] = sum
}

func (r *recorder) noteManifest(name string, text []byte, zipped bool, before floor) {
	if zipped {
		z, err := gzip.NewReader(bytes.NewReader(text))
		if err == nil {
			text, err = io.ReadAll(z)
		}
		if err != nil {
			r.mu.Lock()
			r.violate("%s: %v", name, err)
			r.mu.Unlock()
			return
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.floors[name]
	switch {
	case bytes.Contains(text, []byte("#EXT-X-TARGETDURATION")):
		p, err := parsePlaylist(string(text))
		if err != nil {
			r.violate("%s: %v", name, err)
			return
		}
		if p.sequence < before.sequence || p.discontinuity < before.discontinuity || p.last() < before.last {
			r.violate("%s goes back: media sequence %d, discontinuity sequence %d, newest %d, after %+v",
				name, p.sequence, p.discontinuity, p.last(), before)
		}
		for _, s := range append(p.segments, p.open) {
			if s.uri != "" {
				r.noteLines(fmt.Sprintf("%s segment %d", name, s.n), s.lines)
			}
			for i, part := range s.parts {
				r.noteLines(fmt.Sprintf("%s segment %d part %d", name, s.n, i), part.line)
			}
		}
		now.sequence = max(now.sequence, p.sequence)
		now.discontinuity = max(now.discontinuity, p.discontinuity)
		now.last = max(now.last, p.last())
	case bytes.Contains(text, []byte("<MPD")):
		m, list, err := parseMPD(text)
		if err != nil {
			r.violate("%s: %v", name, err)
			return
		}
		published, err := time.Parse(time.RFC3339Nano, m.Published)
		if err != nil || published.Before(before.published) {
			r.violate("%s goes back: publishTime %q after %v", name, m.Published, before.published)
		}
		for _, period := range m.Periods {
			r.noteLines(fmt.Sprintf("%s Period %s", name, period.ID), period.Start)
		}
		for _, s := range list {
			r.noteLines(fmt.Sprintf("%s %s t=%d", name, s.representation, s.start), fmt.Sprintf("%s in %s, d=%d", s.uri, s.period, s.duration))
		}
		if published.After(now.published) {
			now.published = published
		}
	default:
		return // a multivariant playlist: it may gain tracks
	}
	r.floors[name] = now
}

// noteLines remembers what is said of a segment. The caller holds the mutex.
func (r *recorder) noteLines(key, lines string) {
	if before, ok := r.lines[key]; ok && before != lines {
		r.violate("%s was\n\t%s\nand is\n\t%s", key, strings.ReplaceAll(before, "\n", "\n\t"), strings.ReplaceAll(lines, "\n", "\n\t"))
	}
	r.lines[key] = lines
}

// violate notes a fault once, and twenty at most. The caller holds the mutex.
func (r *recorder) violate(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !r.seen[text] && len(r.violations) < 20 {
		r.seen[text] = true
		r.violations = append(r.violations, text)
	}
}
