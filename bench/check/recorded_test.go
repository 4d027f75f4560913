package check

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Paths of the recorded set.
const (
	hlsPath  = "/manifest(format=m3u8-cmaf)"
	dashPath = "/manifest(format=mpd-time-cmaf)"
)

// A recording is the clean set in memory, to be changed and served.
type recording struct {
	t       *testing.T
	objects map[string]*object // by path
	gone    int                // status of what is not there
	noCORS  bool               // on errors
}

// An object is one answer. What is nil or empty is as a sound origin would have it.
type object struct {
	body       []byte
	kind       string
	cache      string
	header     map[string]string // on top of, or "" instead of, the usual
	status     int
	truncated  bool // the connection ends in the middle
	badGzip    bool
	noGzip     bool
	alwaysGzip bool
	noHead     bool
	noRange    bool
	noTag      bool
}

// load reads the clean set. Segments are there by number, as recorded, and by time.
func load(t *testing.T) *recording {
	t.Helper()
	r := &recording{t: t, objects: map[string]*object{}, gone: 404}
	root := filepath.Join("testdata", "clean")
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		p := strings.TrimPrefix(name, root)
		r.objects[p] = &object{body: b, kind: kindOf(p), cache: cacheOf(p)}
		if i := strings.Index(p, "=n"); i >= 0 && strings.HasSuffix(p, ".m4s") {
			r.objects[p[:i+1]+fmt.Sprint(decodeTime(b))+").m4s"] = &object{body: b, kind: kindOf(p), cache: cacheOf(p)}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r.objects["/../time"] = nil // served with the clock
	return r
}

func kindOf(p string) string {
	switch {
	case strings.Contains(p, "m3u8-cmaf"):
		return "application/vnd.apple.mpegurl"
	case strings.Contains(p, "mpd-time-cmaf"):
		return "application/dash+xml"
	case strings.Contains(p, "/Fragments(audio"):
		return "audio/mp4"
	case strings.Contains(p, "/Fragments("):
		return "video/mp4"
	}
	return "text/xml"
}

func cacheOf(p string) string {
	if strings.HasSuffix(p, ".m4s") || strings.HasSuffix(p, ".mp4") {
		return "public, max-age=31536000, immutable"
	}
	return "public, max-age=1"
}

// decodeTime is the tfdt of a segment's first chunk.
func decodeTime(b []byte) uint64 {
	i := bytes.Index(b, []byte("tfdt"))
	return binary.BigEndian.Uint64(b[i+8:])
}

// serve starts a server for the set; ServeHTTP below is a sound origin but for what an object says.
func (r *recording) serve() string {
	s := httptest.NewServer(r)
	r.t.Cleanup(s.Close)
	return s.URL
}

func (r *recording) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	if q.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if q.URL.Path == "/time" {
		_, _ = w.Write([]byte(time.Now().UTC().Format("2006-01-02T15:04:05.000Z")))
		return
	}
	o := r.objects[q.URL.Path]
	if o == nil {
		if r.noCORS {
			h.Del("Access-Control-Allow-Origin")
		}
		h.Set("Cache-Control", "public, max-age=1")
		http.Error(w, "not there", r.gone)
		return
	}
	o.serve(w, q)
}

func (o *object) serve(w http.ResponseWriter, q *http.Request) {
	h := w.Header()
	if q.Method == http.MethodHead && o.noHead {
		http.Error(w, "no", http.StatusMethodNotAllowed)
		return
	}
	h.Set("Content-Type", o.kind)
	h.Set("Cache-Control", o.cache)
	body, manifest := o.body, !strings.HasPrefix(o.cache, "public, max-age=31536000")
	if !o.noTag {
		sum := fnv.New64a()
		_, _ = sum.Write(body)
		h.Set("Etag", fmt.Sprintf(`"%x"`, sum.Sum64()))
	}
	if manifest {
		h.Set("Vary", "Accept-Encoding")
		q.Header.Del("Range")
		if o.alwaysGzip || strings.Contains(q.Header.Get("Accept-Encoding"), "gzip") && !o.noGzip {
			h.Set("Content-Encoding", "gzip")
			body = zip(body)
			if o.badGzip {
				body[len(body)/2] ^= 0xff
				body = body[:len(body)-4]
			}
		}
	}
	if o.noRange {
		q.Header.Del("Range")
	}
	for name, value := range o.header {
		if h[name] = []string{value}; value == "" {
			h[name] = nil
		}
	}
	switch {
	case o.status != 0:
		w.WriteHeader(o.status)
	case o.truncated:
		h.Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	default:
		http.ServeContent(w, q, path.Base(q.URL.Path), time.Time{}, bytes.NewReader(body))
	}
}

func zip(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b)
	_ = z.Close()
	return out.Bytes()
}

// pick returns the objects whose path contains all of the texts; there must be some.
func (r *recording) pick(texts ...string) []*object {
	r.t.Helper()
	var list []*object
	for p, o := range r.objects {
		all := o != nil
		for _, text := range texts {
			all = all && strings.Contains(p, text)
		}
		if all {
			list = append(list, o)
		}
	}
	if len(list) == 0 {
		r.t.Fatalf("nothing recorded under %q", texts)
	}
	return list
}

// replace changes a text in the objects picked; it must be there.
func (r *recording) replace(pick, old, with string) {
	r.t.Helper()
	done := false
	for _, o := range r.pick(pick) {
		if bytes.Contains(o.body, []byte(old)) {
			o.body, done = bytes.Replace(bytes.Clone(o.body), []byte(old), []byte(with), 1), true
		}
	}
	if !done {
		r.t.Fatalf("%q is not in %s", old, pick)
	}
}

// judgeOnce makes one pass over the URLs.
func judgeOnce(t *testing.T, urls ...string) Report {
	t.Helper()
	report, err := Run(t.Context(), Options{URLs: urls, Segments: 2})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// logReport shows a report in the test's log.
func logReport(t *testing.T, r *Report) {
	t.Helper()
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	t.Log(b.String())
}

func TestRecordedSetIsClean(t *testing.T) {
	base := load(t).serve()
	report := judgeOnce(t, base+hlsPath, base+dashPath)
	if !report.Clean() {
		t.Errorf("findings where there is nothing to find")
	}
	logReport(t, &report)
	if len(report.Tested) < 45 {
		t.Errorf("only %d assertions were put to the test", len(report.Tested))
	}
}
