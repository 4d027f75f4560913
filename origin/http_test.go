package origin

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/gzip"
)

// TestHeaders asks over HTTP and compares status and header fields; a field of "" must be absent.
func TestHeaders(t *testing.T) {
	s, c := newTestServer(t, Config{Page: fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}}}, 100_000, 5)
	url := "http://" + serve(t, s)
	segment := segmentBytes("Video", firstN, c.bytes)
	etag := ask(s, videoPath(firstN)).ETag
	playlist := base + "manifest(format=m3u8-cmaf)"
	shared := map[string]string{
		"Access-Control-Allow-Origin": "*", "Timing-Allow-Origin": "*", "Access-Control-Expose-Headers": string(valueExposeHeaders),
		"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "cross-origin", "Server": "", "Age": "", "Last-Modified": "",
	}
	for name, c := range map[string]struct {
		method, path string
		fields       []string
		status       int
		want         map[string]string
		body         []byte // nil: not compared
	}{
		"segment": {"GET", videoPath(firstN), nil, 200, map[string]string{
			"Content-Type": "video/mp4", "Content-Length": "100000", "Accept-Ranges": "bytes", "Etag": etag,
			"Cache-Control": cacheImmutable, "Vary": "", "Content-Encoding": "",
		}, segment},
		"segment with a query": {"GET", videoPath(firstN) + "?CMCD=br%3D3000&token=x", nil, 200, nil, segment},
		"segment, gzip offered": {"GET", videoPath(firstN), []string{"Accept-Encoding", "gzip"}, 200, map[string]string{
			"Content-Encoding": "", "Vary": "",
		}, segment},
		"HEAD": {"HEAD", videoPath(firstN), nil, 200, map[string]string{
			"Content-Type": "video/mp4", "Content-Length": "100000", "Etag": etag, "Cache-Control": cacheImmutable,
		}, []byte{}},
		"HEAD of a playlist": {"HEAD", playlist, nil, 200, map[string]string{"Content-Type": typePlaylist}, []byte{}},
		"HEAD of nothing":    {"HEAD", videoPath(1), nil, 404, map[string]string{"Content-Type": typeJSON}, []byte{}},
		"range": {"GET", videoPath(firstN), []string{"Range", "bytes=33000-66999"}, 206, map[string]string{
			"Content-Length": "34000", "Content-Range": "bytes 33000-66999/100000", "Etag": etag,
		}, segment[33000:67000]},
		"one byte": {"GET", videoPath(firstN), []string{"Range", "bytes=-1"}, 206, map[string]string{
			"Content-Length": "1", "Content-Range": "bytes 99999-99999/100000",
		}, segment[99999:]},
		"several ranges": {"GET", videoPath(firstN), []string{"Range", "bytes=0-1,5-6"}, 200, map[string]string{"Content-Range": ""}, segment},
		"range behind the end": {"GET", videoPath(firstN), []string{"Range", "bytes=100000-"}, 416, map[string]string{
			"Content-Range": "bytes */100000", "Content-Type": typeJSON, "X-Ms-Error-Code": "WEIR_RANGE_NOT_SATISFIABLE",
		}, nil},
		"If-Range, same":  {"GET", videoPath(firstN), []string{"Range", "bytes=0-1", "If-Range", etag}, 206, nil, segment[:2]},
		"If-Range, other": {"GET", videoPath(firstN), []string{"Range", "bytes=0-1", "If-Range", `"x"`}, 200, nil, segment},
		"not modified": {"GET", videoPath(firstN), []string{"If-None-Match", etag}, 304, map[string]string{
			"Etag": etag, "Cache-Control": cacheImmutable, "Content-Type": "", "Content-Length": "",
		}, []byte{}},
		"If-Match, other": {"GET", videoPath(firstN), []string{"If-Match", `"x"`}, 412, map[string]string{"X-Ms-Error-Code": "WEIR_PRECONDITION_FAILED"}, nil},
		"playlist": {"GET", playlist, nil, 200, map[string]string{
			"Content-Type": typePlaylist, "Cache-Control": "public, max-age=2", "Vary": "Accept-Encoding", "Accept-Ranges": "none", "Content-Encoding": "",
		}, nil},
		"playlist, gzip": {"GET", playlist, []string{"Accept-Encoding", "br, gzip"}, 200, map[string]string{
			"Content-Type": typePlaylist, "Vary": "Accept-Encoding", "Content-Encoding": "gzip", "Accept-Ranges": "none",
		}, nil},
		"range of a playlist": {"GET", playlist, []string{"Range", "bytes=0-1"}, 200, map[string]string{"Content-Range": ""}, nil},
		"preflight": {"OPTIONS", videoPath(firstN), []string{"Origin", "https://x", "Access-Control-Request-Method", "GET"}, 204, map[string]string{
			"Access-Control-Allow-Methods": "GET, HEAD, OPTIONS", "Access-Control-Allow-Headers": string(valueAllowHeaders),
			"Access-Control-Max-Age": "86400", "Content-Type": "", "Content-Length": "",
		}, []byte{}},
		"POST":      {"POST", videoPath(firstN), nil, 405, map[string]string{"Allow": "GET, HEAD, OPTIONS", "X-Ms-Error-Code": "WEIR_METHOD_NOT_ALLOWED"}, nil},
		"TRACE":     {"TRACE", "/", nil, 405, map[string]string{"Access-Control-Allow-Origin": ""}, nil},
		"not there": {"GET", videoPath(1), nil, 404, map[string]string{"X-Ms-Error-Code": "MPE_EGRESS_TIMESTAMP_NOT_FOUND 0x8089020A", "Cache-Control": "public, max-age=2"}, nil},
		"time":      {"GET", "/time", nil, 200, map[string]string{"Content-Type": typeText, "Cache-Control": "no-store", "Content-Length": "24"}, nil},
		"page": {"GET", "/", nil, 200, map[string]string{
			"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": "frame-ancestors 'self'", "Referrer-Policy": "no-referrer",
			"Access-Control-Allow-Origin": "", "Cross-Origin-Resource-Policy": "same-origin", "X-Content-Type-Options": "nosniff",
		}, []byte("<!doctype html>")},
	} {
		resp, b := get(t, c.method, url+c.path, c.fields...)
		call := name + ": " + c.method + " " + c.path
		if resp.StatusCode != c.status {
			t.Errorf("%s = %s, want %d", call, resp.Status, c.status)
		}
		if c.body != nil && !bytes.Equal(b, c.body) {
			t.Errorf("%s: body of %d bytes differs from the %d wanted", call, len(b), len(c.body))
		}
		fields := []map[string]string{c.want}
		if !strings.HasPrefix(name, "page") && name != "TRACE" {
			fields = append(fields, shared)
		}
		for _, want := range fields {
			for field, value := range want {
				if got := resp.Header.Get(field); got != value {
					t.Errorf("%s: %s: %q, want %q", call, field, got, value)
				}
			}
		}
		if resp.Header.Get("Date") == "" {
			t.Errorf("%s: no Date", call)
		}
	}
}

func TestGzipIsTheSameDocument(t *testing.T) {
	s, _ := newTestServer(t, Config{}, 5000, 5)
	url := "http://" + serve(t, s) + base + "manifest(format=mpd-time-cmaf)"
	plain, want := get(t, "GET", url)
	zipped, b := get(t, "GET", url, "Accept-Encoding", "gzip")
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(z)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("gzip form: %v, %d bytes; want the %d of the plain form", err, len(got), len(want))
	}
	if plain.Header.Get("Etag") == zipped.Header.Get("Etag") {
		t.Error("both forms have one ETag")
	}
	if resp, b := get(t, "GET", url, "Accept-Encoding", "gzip", "If-None-Match", zipped.Header.Get("Etag")); resp.StatusCode != 304 || len(b) != 0 ||
		resp.Header.Get("Vary") != "Accept-Encoding" || resp.Header.Get("Content-Encoding") != "" {
		t.Errorf("If-None-Match of the gzip form = %s, %v", resp.Status, resp.Header)
	}
}

// TestEtagsAreTheBytes: two servers with the same media say the same.
func TestEtagsAreTheBytes(t *testing.T) {
	var tags [2][]string
	for i := range tags {
		s, _ := newTestServer(t, Config{}, 5000, 5)
		for _, path := range []string{videoPath(firstN), base + "manifest(format=m3u8-cmaf)", base + "manifest(format=mpd-time-cmaf)"} {
			tags[i] = append(tags[i], ask(s, path).ETag)
		}
	}
	if !slices.Equal(tags[0], tags[1]) || slices.Contains(tags[0], "") {
		t.Errorf("ETags differ: %q", tags)
	}
}

// TestPipelining sends many requests at once, of all sizes, and expects their answers in order.
func TestPipelining(t *testing.T) {
	s, c := newTestServer(t, Config{}, 700_000, 5)
	conn := dial(t, serve(t, s))
	var requests strings.Builder
	paths := []string{"/time", videoPath(firstN), base + "manifest(format=m3u8-cmaf)", videoPath(1), audioPath(firstN + 1), "/time", videoPath(firstN + 4)}
	for _, path := range paths {
		requests.WriteString("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	go io.WriteString(conn, requests.String())
	want := map[string][]byte{
		videoPath(firstN): segmentBytes("Video", firstN, c.bytes), videoPath(firstN + 4): segmentBytes("Video", firstN+4, c.bytes),
		audioPath(firstN + 1): segmentBytes("audio", firstN+1, c.bytes/8),
	}
	for _, path := range paths {
		resp, err := http.ReadResponse(conn.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if want[path] != nil && !bytes.Equal(b, want[path]) {
			t.Errorf("GET %s: %d bytes differ", path, len(b))
		}
	}
}
