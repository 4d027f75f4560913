package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What no encoder should send as HTTP, and what it is answered. {T} is the access token of the healthy stream: none of it
// may disturb that, though it comes in by the same door.
var hostileRequests = map[string]struct{ request, want string }{
	// Paths: row 46 of docs/limits.md.
	"dots":                       {"POST /{T}/ingest.isml/../../etc/passwd HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "403 closed"},
	"encoded dots":               {"POST /{T}/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "403 closed"},
	"NUL in a name":              {"POST /{T}/ingest.isml/Streams(v%00) HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "403 closed"},
	"unclosed bracket":           {"POST /{T}/ingest.isml/Streams(v HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "403 closed"},
	"homoglyph":                  {"POST /{T}/ingest.isml/Streams(vid\u0435o) HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "403 closed"},
	"name of 129 bytes":          {"POST /{T}/ingest.isml/Streams(" + strings.Repeat("v", 129) + ") HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "403 closed"},
	"name of 12 KB":              {"POST /{T}/ingest.isml/Streams(" + strings.Repeat("v", 12<<10) + ") HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "403 closed"},
	"bad escape":                 {"POST /{T}/ingest.isml/Streams(%zz) HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "403 closed"},
	"backslashes":                {"POST /{T}/ingest.isml/..\\..\\x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "403 closed"},
	"a quoted name":              {"POST /{T}/ingest.isml/Streams(v%22%0d%0aX:%20y) HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "403 closed"},
	"absolute form, other host":  {"POST http://other/{T}/ingest.isml HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "200"},
	"asterisk":                   {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "403 closed"},
	"root":                       {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "403 closed"},
	"wrong token":                {"POST /00000000-0000-4000-8000-00000000ffff/ingest.isml HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "404 closed"},
	"token cut short":            {"POST /00000000-0000-4000-8000-00000000000/ingest.isml HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "404 closed"},
	"token in capitals":          {"POST /{T^}/ingest.isml HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "200"},
	"probe":                      {"POST /{T}/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "200"},
	"probe without a length":     {"POST /{T}/ingest.isml HTTP/1.1\r\nHost: x\r\n\r\n", "200"},
	"two probes in a row":        {strings.Repeat("POST /{T}/ingest.isml HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 2), "200 200"},
	"forwarded for somebody":     {"POST /{T}/ingest.isml HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4, 127.0.0.1\r\nContent-Length: 0\r\n\r\n", "200"},
	"expectation":                {"POST /00000000-0000-4000-8000-00000000ffff/ingest.isml HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n", "404 closed"},
	"expectation of another end": {"POST /{T}/ingest.isml HTTP/1.1\r\nHost: x\r\nExpect: 200-maybe\r\nContent-Length: 0\r\n\r\n", "200"},

	// Methods.
	"GET":             {"GET /{T}/ingest.isml/Streams(v) HTTP/1.1\r\nHost: x\r\n\r\n", "404 closed"},
	"unknown method":  {"BREW /{T}/ingest.isml/Streams(v) HTTP/1.1\r\nHost: x\r\n\r\n", "405 closed"},
	"CONNECT":         {"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", "403 closed"},
	"DELETE":          {"DELETE /{T}/ingest.isml/v/1.cmfv HTTP/1.1\r\nHost: x\r\n\r\n", "200"},
	"DELETE a folder": {"DELETE /{T}/ingest.isml/v HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "200"},

	// Not HTTP at all: port scans, other protocols.
	"nothing":              {"", ""},
	"line feed":            {"\n", ""},
	"TLS hello":            {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400 closed"},
	"HTTP/2 preface":       {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "403 closed"},
	"RTMP handshake":       {"\x03" + strings.Repeat("\x00", 1536), "400 closed"},
	"SSH banner":           {"SSH-2.0-OpenSSH_9.2\r\n", "400 closed"},
	"HTTP/1.0":             {"POST /{T}/ingest.isml HTTP/1.0\r\nContent-Length: 0\r\n\r\n", "200 closed"},
	"HTTP/0.9":             {"GET /\r\n\r\n", "400 closed"},
	"header of 100 KB":     {"POST /{T}/ingest.isml HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 100_000) + "\r\n\r\n", "431 closed"},
	"10,000 headers":       {"POST /{T}/ingest.isml HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", 10_000) + "\r\n", "431 closed"},
	"path of 100 KB":       {"POST /" + strings.Repeat("a", 100_000) + " HTTP/1.1\r\nHost: x\r\n\r\n", "431 closed"},
	"space before a colon": {"POST /{T}/ingest.isml HTTP/1.1\r\nHost: x\r\nContent-Length : 0\r\n\r\n", "400 closed"},
	"NUL in a header":      {"POST /{T}/ingest.isml HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n", "400 closed"},
	"cut in the headers":   {"POST /{T}/ingest.isml HTTP/1.1\r\nHost: x\r\nX: y", "400 closed"},

	// Two ends of one body: rows 43 and 44.
	"length and chunked":         {"POST /{T}/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, "400 closed"},
	"chunked and length":         {"POST /{T}/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + smuggled, "400 closed"},
	"two lengths":                {"POST /{T}/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\n" + smuggled, "400 closed"},
	"negative length":            {"POST /{T}/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400 closed"},
	"length beyond 64 bits":      {"POST /{T}/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", "400 closed"},
	"chunked twice":              {"POST /{T}/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled, "400 closed"},
	"odd coding":                 {"POST /{T}/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n" + smuggled, "400 closed"},
	"gzip, chunked":              {"POST /{T}/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "400 closed"},
	"body of a DELETE":           {"DELETE /{T}/ingest.isml/v/1.cmfv HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(smuggled) + "0\r\n\r\n", "200"},
	"body of an OPTIONS":         {"OPTIONS /{T}/ingest.isml HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n" + strings.Repeat("a", 20), "200"},
	"chunk size that is none":    {"POST /{T}/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400 closed"},
	"chunk of 2^70 bytes":        {"POST /{T}/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n400000000000000000\r\n", "400 closed"},
	"negative chunk":             {"POST /{T}/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-4\r\n", "400 closed"},
	"chunk without its end":      {"POST /{T}/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcdXX", "400 closed"},
	"chunk extension":            {"POST /{T}/ingest.isml/live.mpd HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6;a=b\r\n<MPD/>\r\n0\r\n\r\n", "200"},
	"trailer":                    {"POST /{T}/ingest.isml/live.mpd HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n<MPD/>\r\n0\r\nX: y\r\n\r\n", "200"},
	"trailer of 1 MB":            {"POST /{T}/ingest.isml/live.mpd HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n<MPD/>\r\n0\r\nX: " + strings.Repeat("y", 1<<20), "400 closed"},
	"length longer than body":    {"POST /{T}/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n\x00\x00\x00\x08free", "400 closed"},
	"smuggled behind a body":     {"POST /{T}/ingest.isml/live.mpd HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n<MPD/>" + smuggled, "200 200"},
	"manifest of 2 MB":           {"POST /{T}/ingest.isml/live.mpd HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat(chunked(strings.Repeat("a", 64<<10)), 32) + "0\r\n\r\n", "413 closed"},
	"gzip bomb for a manifest":   {"POST /{T}/ingest.isml/live.mpd HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(bomb()) + "0\r\n\r\n", "413 closed"},
	"gzip bomb for a playlist":   {"PUT /{T}/ingest.isml/v/live.m3u8 HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(bomb()) + "0\r\n\r\n", "413 closed"},
	"multipart form":             {"POST /{T}/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 20\r\n\r\n--b\r\n\r\nxxxxxxx\r\n--b--", "400 closed"},
	"upgrade to another":         {"POST /{T}/ingest.isml HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n", "200"},
	"body of one byte":           {"POST /{T}/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na", "400 closed"},
	"body of one zero":           {"POST /{T}/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\x00\r\n0\r\n\r\n", "400 closed"},
	"petabyte that never comes":  {"POST /{T}/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999999\r\n\r\n", "400 closed"},
	"text for a stream":          {"POST /{T}/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n\r\nabcdefghijklmnopqrstuvwxyz", "400 closed"},
	"more than its length":       {"POST /{T}/ingest.isml/live.mpd HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n<MPD/>0123456789\r\n\r\n", "200 400 closed"},
	"six folders deep":           {"POST /{T}/ingest.isml/a/b/c/d/e/f.cmfv HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "403 closed"},
	"switching set without name": {"POST /{T}/ingest.isml/Switching(1) HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "403 closed"},
}

const smuggled = "DELETE /00000000-0000-4000-8000-000000000001/ingest.isml/v/9.cmfv HTTP/1.1\r\nHost: smuggled\r\n\r\n"

func chunked(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

// bomb is 256 MiB of spaces in 256 KiB.
func bomb() string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	spaces := bytes.Repeat([]byte(" "), 1<<20)
	for range 256 {
		_, _ = w.Write(spaces)
	}
	_ = w.Close()
	return b.String()
}

// httpFamily sends what is no good HTTP.
func httpFamily(t *testing.T, y *yard) {
	var all group
	for name, c := range hostileRequests {
		stream := "x" + strconv.Itoa(len(all.names))
		all.add(name, func(t *testing.T) {
			request := strings.NewReplacer("Streams(x)", "Streams("+stream+")", "{T}", token(0), "{T^}", strings.ToUpper(strings.ReplaceAll(token(0), "-", ""))).Replace(c.request)
			if got := exchange(t, y.node, request); got != c.want {
				t.Errorf("answered %q, want %q", got, c.want)
			}
		})
	}
	all.run(t)
}

// slowFamily sends too slowly, or nothing.
func slowFamily(t *testing.T, y *yard) {
	var all group
	head := "POST /" + token(0) + "/ingest.isml/Streams(x) HTTP/1.1\r\nHost: x\r\n"
	body := head + "Transfer-Encoding: chunked\r\n\r\n"
	for name, c := range map[string]struct {
		begin, drip string // drip is sent a byte at a time
		want        string
	}{
		"connects and says nothing":           {"", "", ""},
		"headers by the byte":                 {"", head + strings.Repeat("X: y\r\n", 100), "408 closed"},
		"header that stops":                   {head, "", "408 closed"},
		"body that never comes":               {body, "", "408 closed"},
		"body with a length that never comes": {head + "Content-Length: 5000\r\n\r\n", "", "408 closed"},
		"box header by the byte":              {body, strings.Repeat("1\r\n\x00\r\n", 100), "408 closed"},
		"box that stops":                      {body + chunked("\x00\x00\x10\x00freeabc"), "", "408 closed"},
		"box by the byte":                     {body + chunked("\x00\x00\x10\x00free"), strings.Repeat("1\r\nx\r\n", 100), "408 closed"},
		"chunk size by the byte":              {body, strings.Repeat("0", 200), "400 closed"},
		"endless chunk extension":             {body + "3;", strings.Repeat("a", 400), "408 closed"},
		"manifest by the byte":                {"PUT /" + token(0) + "/ingest.isml/live.mpd HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", strings.Repeat("1\r\nx\r\n", 100), "408 closed"},
		"idle between two requests":           {"POST /" + token(0) + "/ingest.isml HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "", "200"},
	} {
		stream := strings.NewReplacer("Streams(x)", "Streams(slow"+strconv.Itoa(len(all.names))+")")
		all.add(name, func(t *testing.T) {
			w := dialWire(t, y.node)
			_, _ = io.WriteString(w, stream.Replace(c.begin))
			go func() {
				drip := stream.Replace(c.drip)
				for i := range len(drip) {
					if _, err := w.Write([]byte{drip[i]}); err != nil {
						return
					}
					<-time.After(100 * time.Millisecond)
				}
			}()
			if got := w.statuses(20 * time.Second); got != c.want {
				t.Errorf("answered %q, want %q", got, c.want)
			}
		})
	}
	all.run(t)
}
