package origin

import (
	"bufio"
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// TestPlain: what is a plain request, and what is left to the library.
func TestPlain(t *testing.T) {
	const head, host = "GET /a HTTP/1.1\r\n", "Host: x\r\n"
	for name, c := range map[string]struct {
		request string
		want    int // length; 0: more is to come; -1: not plain
	}{
		"shortest":                {head + host + "\r\n", 28},
		"another behind it":       {head + host + "\r\n" + head, 28},
		"HEAD":                    {"HEAD /a HTTP/1.1\r\n" + host + "\r\n", 29},
		"OPTIONS":                 {"OPTIONS /a HTTP/1.1\r\n" + host + "\r\n", 32},
		"fields":                  {head + host + "Range: bytes=0-1\r\nX-Y:\t z \r\n\r\n", 56},
		"nothing":                 {"", 0},
		"half a line":             {"GET /a HT", 0},
		"half a field":            {head + "Ho", 0},
		"no end":                  {head + host + "\r", 0},
		"POST":                    {"POST /a HTTP/1.1\r\n" + host + "\r\n", -1},
		"no method":               {" /a HTTP/1.1\r\n" + host + "\r\n", -1},
		"method in lower case":    {"get /a HTTP/1.1\r\n" + host + "\r\n", -1},
		"empty line before it":    {"\r\n" + head + host + "\r\n", -1},
		"HTTP/1.0":                {"GET /a HTTP/1.0\r\n" + host + "\r\n", -1},
		"HTTP/0.9":                {"GET /a\r\n" + host + "\r\n", -1},
		"two spaces":              {"GET  /a HTTP/1.1\r\n" + host + "\r\n", -1},
		"space in the target":     {"GET /a b HTTP/1.1\r\n" + host + "\r\n", -1},
		"byte above ASCII":        {"GET /\xe4 HTTP/1.1\r\n" + host + "\r\n", -1},
		"absolute form":           {"GET http://x/a HTTP/1.1\r\n" + host + "\r\n", -1},
		"asterisk":                {"OPTIONS * HTTP/1.1\r\n" + host + "\r\n", -1},
		"no host":                 {head + "\r\n", -1},
		"empty host":              {head + "Host: \r\n\r\n", -1},
		"two hosts":               {head + host + host + "\r\n", -1},
		"bare LF":                 {head + "Host: x\n\r\n", -1},
		"bare LF at the end":      {head + host + "\n", -1},
		"folded":                  {head + host + "X: y\r\n z\r\n\r\n", -1},
		"space before the colon":  {head + "Host : x\r\n\r\n", -1},
		"no colon":                {head + host + "X\r\n\r\n", -1},
		"no name":                 {head + host + ": x\r\n\r\n", -1},
		"CR in a value":           {head + host + "X: a\rb\r\n\r\n", -1},
		"NUL in a value":          {head + host + "X: a\x00b\r\n\r\n", -1},
		"length":                  {head + host + "content-length: 0\r\n\r\n", -1},
		"chunked":                 {head + host + "Transfer-Encoding: chunked\r\n\r\n", -1},
		"expectation":             {head + host + "EXPECT: 100-continue\r\n\r\n", -1},
		"upgrade":                 {head + host + "Upgrade: h2c\r\n\r\n", -1},
		"trailer":                 {head + host + "Trailer: X\r\n\r\n", -1},
		"close":                   {head + host + "Connection: close\r\n\r\n", 47},
		"keep-alive":              {head + host + "Connection: Keep-Alive\r\n\r\n", 52},
		"other connection option": {head + host + "Connection: close, X\r\n\r\n", -1},
		"close, keep-alive":       {head + host + "Connection: close\r\nConnection: keep-alive\r\n\r\n", -1},
	} {
		var p plain
		if got := p.parse([]byte(c.request)); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	var p plain
	if p.parse([]byte(head+host+"If-None-Match:  \"a\" \r\nif-none-match: \"b\"\r\nuser-agent: y\r\n\r\n")) <= 0 ||
		string(p.ifNoneMatch) != `"a"` || string(p.agent) != "y" || p.last || p.method != MethodGet || string(p.target) != "/a" {
		t.Errorf("%+v", p)
	}
}

// FuzzPlain: what is plain, is to the library the same request and no more than it; and it is not judged before it is whole.
func FuzzPlain(f *testing.F) {
	f.Add([]byte("GET /a?b HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\nIf-Range: \"x\"\r\nIf-Match: *\r\n\r\nGET"))
	f.Add([]byte("HEAD / HTTP/1.1\r\nhost:x\r\nIf-None-Match: a\r\nIf-None-Match: b\r\nAccept-Encoding: gzip\r\nAccept-Encoding: br\r\n\r\n"))
	f.Add([]byte("OPTIONS /x HTTP/1.1\r\nHost: y\r\nX-Forwarded-For: 1, 2\r\nConnection: keep-alive\r\nx-forwarded-for:\r\nConnection: close\r\n\r\n"))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\n1a: b\r\n_c: d\r\nUser-Agent: y\r\nuser-agent: z\r\nCookie: a=b\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var p plain
		n := p.parse(slices.Clone(b))
		if n > len(b) || n < -1 {
			t.Fatalf("%d of %d bytes", n, len(b))
		}
		if n <= 0 {
			return
		}
		var half plain
		for _, k := range []int{n - 1, n - 2, n / 2, n / 3} {
			if got := half.parse(slices.Clone(b[:k])); got != 0 {
				t.Fatalf("%d for the first %d bytes of %d", got, k, n)
			}
		}
		r := bufio.NewReaderSize(bytes.NewReader(b[:n]), n+16)
		var h fasthttp.RequestHeader
		if err := h.Read(r); err != nil || r.Buffered() != 0 || framed(&h) || !h.IsHTTP11() {
			t.Fatalf("to the library: %v, %d bytes left, a body: %t", err, r.Buffered(), framed(&h))
		}
		if string(h.Method()) != string(p.name) || !bytes.Equal(h.RequestURI(), p.target) || h.ConnectionClose() != p.last {
			t.Fatalf("%s %q, last: %t; to the library %s %q, %t", p.name, p.target, p.last, h.Method(), h.RequestURI(), h.ConnectionClose())
		}
		for field, got := range map[string][]byte{
			"If-Match": p.ifMatch, "If-None-Match": p.ifNoneMatch, "Range": p.rng, "If-Range": p.ifRange, "Accept-Encoding": p.acceptEncoding, "User-Agent": p.agent,
		} {
			if want := h.Peek(field); !bytes.Equal(got, want) {
				t.Fatalf("%s: %q, to the library %q", field, got, want)
			}
		}
		if want := h.PeekAll("X-Forwarded-For"); !slices.EqualFunc(want, p.forwarded, bytes.Equal) {
			t.Fatalf("X-Forwarded-For: %q, to the library %q", p.forwarded, want)
		}
	})
}

func BenchmarkPlain(b *testing.B) {
	request := []byte("GET " + videoList + " HTTP/1.1\r\nHost: localhost:8080\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate, br\r\n" +
		"User-Agent: " + strings.Repeat("Mozilla/5.0 ", 8) + "\r\n\r\n")
	var p plain
	for b.Loop() {
		if p.parse(request) != len(request) {
			b.Fatal("not plain")
		}
	}
}
