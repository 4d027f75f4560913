package origin

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// serve starts s on a free port of the loopback interface, and returns the address.
func serve(t testing.TB, s *Server) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, s, ln)
}

// serveOn starts s on a listener, for as long as the test runs, and returns its address.
func serveOn(t testing.TB, s *Server, ln net.Listener) string {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return ln.Addr().String()
}

// get asks over HTTP, with header fields in pairs, and returns the answer with its whole body.
func get(t testing.TB, method, url string, fields ...string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	client := http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, b
}

func TestServe(t *testing.T) {
	s, c := newTestServer(t, Config{}, 100_000, 5)
	url := "http://" + serve(t, s)
	for path, want := range map[string]struct {
		contentType string
		body        []byte
	}{
		base + "manifest(format=m3u8-cmaf)":                                   {typePlaylist, nil},
		base + "manifest(format=mpd-time-cmaf)":                               {typeMPD, nil},
		base + "QualityLevels(3000000)/Manifest(Video,format=m3u8-cmaf).m3u8": {typePlaylist, nil},
		"/time":               {typeText, nil},
		videoPath(firstN + 2): {"video/mp4", segmentBytes("Video", firstN+2, c.bytes)},
		audioPath(firstN):     {"audio/mp4", segmentBytes("audio", firstN, c.bytes/8)},
	} {
		resp, body := get(t, "GET", url+path)
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != want.contentType {
			t.Errorf("GET %s = %s, %s; want 200, %s", path, resp.Status, resp.Header.Get("Content-Type"), want.contentType)
		}
		if want.body != nil && string(body) != string(want.body) {
			t.Errorf("GET %s: %d bytes differ from the %d that were committed", path, len(body), len(want.body))
		}
	}
}
