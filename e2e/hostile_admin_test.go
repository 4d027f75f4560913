package e2e

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// adminFamily knocks at the management listener. It stands on loopback; nothing that comes there is a fault of weir's, and
// profiles are for those who bear a token.
func adminFamily(t *testing.T, y *yard) {
	var all group
	for name, c := range map[string]struct{ request, want string }{
		"profile without a token":     {"GET /debug/pprof/profile HTTP/1.1\r\nHost: x\r\n\r\n", "401"},
		"profile with a wrong token":  {"GET /debug/pprof/heap HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer dev\r\n\r\n", "401"},
		"profile by a detour":         {"GET /healthz/../debug/pprof/heap HTTP/1.1\r\nHost: x\r\n\r\n", "30"},
		"profile, encoded":            {"GET /%64ebug/pprof/heap HTTP/1.1\r\nHost: x\r\n\r\n", "401"},
		"metrics with POST":           {"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "405"},
		"metrics with 8 KB behind":    {"GET /metrics?" + strings.Repeat("a", 8000) + " HTTP/1.1\r\nHost: x\r\n\r\n", "200"},
		"path of 8 KB":                {"GET /" + strings.Repeat("a", 8000) + " HTTP/1.1\r\nHost: x\r\n\r\n", "404"},
		"NUL":                         {"GET /healthz%00 HTTP/1.1\r\nHost: x\r\n\r\n", "404"},
		"header of 100 KB":            {"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 100_000) + "\r\n\r\n", "431"},
		"length and chunked":          {"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "4"},
		"nonsense":                    {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400"},
		"forwarded from the loopback": {"GET /debug/pprof/heap HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n", "401"},
	} {
		all.add(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", y.admin)
			if err != nil {
				t.Fatal(err)
			}
			w := &wire{Conn: conn, t: t, r: bufio.NewReader(conn)}
			t.Cleanup(func() { _ = w.Close() })
			go func() {
				_, _ = io.WriteString(w, c.request) // the server may close before all is sent
				_ = w.Conn.(*net.TCPConn).CloseWrite()
			}()
			if got := w.statuses(10 * time.Second); !strings.HasPrefix(got, c.want) {
				t.Errorf("answered %q, want %q", got, c.want)
			}
		})
	}
	all.run(t)
}
